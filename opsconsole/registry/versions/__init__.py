"""Versions: artifacts on disk, what they would run when loaded, registration, the records beside them."""
