"""A model's lifecycle: registered, judged, promoted, served, retrained."""
