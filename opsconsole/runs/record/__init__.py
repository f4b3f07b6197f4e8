"""What is kept of a run: its specification, journal, logs and results, and what is never kept: secrets."""
