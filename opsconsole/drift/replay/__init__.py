"""Replaying a monitor's settings on its own reference: which alerts they would have raised."""
