"""A finished run is taken in."""
