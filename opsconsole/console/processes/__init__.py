"""Child processes of the console: the command line, probes, git, the operator's own programs."""
