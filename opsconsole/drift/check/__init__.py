"""Checking a monitor: what there is to do, what a chunk is known by, and the check itself."""
