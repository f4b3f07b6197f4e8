"""Kernel facilities: process trees, control groups, sandboxes, signals. Standard library only."""
