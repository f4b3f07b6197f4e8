"""What the console starts: the command line as a child, probes, git, the operator's own programs."""
