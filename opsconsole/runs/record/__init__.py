"""The record of a run: specification, journal, logs and results; secrets are never written to it."""
