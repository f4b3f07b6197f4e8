"""One step from its start to its end: the process that runs it, its protocol, its log, its artifacts."""
