"""The gates before a promotion: a module each, and one list of them in ``catalogue``."""
