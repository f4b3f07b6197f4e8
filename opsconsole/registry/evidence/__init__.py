"""Evidence on versions: scored rows, labels, metrics, and statistics on the same rows."""
