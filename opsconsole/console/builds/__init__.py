"""Builds: its tab, its keys, its dialogs."""
