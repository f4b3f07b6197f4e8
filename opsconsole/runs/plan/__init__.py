"""Planning a run: steps, conditions, matrices, cache keys, reruns; only commands that print versions are run."""
