"""Mergeable summaries of columns: what a reference lays out, counting rows into it, and what is drawn of it."""
