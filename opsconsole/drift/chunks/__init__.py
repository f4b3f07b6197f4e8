"""Chunks of production rows: counted into sketches, measured."""
