"""What runs say, read afterwards: comparisons, changes, errors and sections of logs, a run in words."""
