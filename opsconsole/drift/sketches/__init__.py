"""Mergeable summaries of columns: layouts from a reference, counting rows, plots."""
