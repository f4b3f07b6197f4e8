"""Serves the production model of flights."""
