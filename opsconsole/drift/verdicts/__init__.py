"""Verdicts on measurements: criteria, policy, persistence, sentences."""
