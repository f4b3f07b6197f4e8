"""Intake: the results of a finished run become tests, versions and scores."""
