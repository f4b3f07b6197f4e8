"""What versions are judged by: scored rows, labels, metrics, and statistics on the same rows."""
