"""Dialogs: production acts, questions, help."""
