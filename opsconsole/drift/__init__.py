"""Drift: sketches, distances, realised performance, verdicts and alerts."""
