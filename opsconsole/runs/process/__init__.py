"""What the kernel offers: whole trees of processes, control groups, sandboxes, signals. Standard library only."""
