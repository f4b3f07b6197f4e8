"""Estimated performance before labels come, and whether the estimate can be trusted."""
