"""Monitors and their incidents: checked, acted on, told."""
