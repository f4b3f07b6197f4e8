"""Builds: its tab, keys, dialogs."""
