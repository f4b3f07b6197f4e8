"""Monitors and their incidents: checks, operator's actions, state."""
