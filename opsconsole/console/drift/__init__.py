"""Drift: its tab, its keys, its dialogs."""
