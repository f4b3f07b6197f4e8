"""Analysis of runs that ended: comparisons, changes, errors and sections of logs, a run in words."""
