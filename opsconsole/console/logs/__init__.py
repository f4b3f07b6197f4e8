"""A log on the screen: its view, its keys, its heading, going from mark to mark."""
