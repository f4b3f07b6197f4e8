"""Distances of current rows from their reference; ``verdicts`` decides what they mean."""
