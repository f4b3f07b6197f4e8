"""Checking a monitor: pending chunks, fingerprints, the check itself."""
