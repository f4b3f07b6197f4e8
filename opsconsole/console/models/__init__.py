"""Models: its tab, its keys, its dialogs."""
