"""A model's way: registered, judged, promoted, served, trained again."""
