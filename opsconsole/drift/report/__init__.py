"""Reports on a monitor, from stored rows alone."""
