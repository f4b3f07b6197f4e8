"""What is shown of a monitor, from stored rows alone."""
