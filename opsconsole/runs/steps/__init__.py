"""One step from start to end: its process, protocol, log, artifacts."""
