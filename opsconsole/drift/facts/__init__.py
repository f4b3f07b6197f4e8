"""Measured facts of a column, a chunk, a reference, before any verdict."""
