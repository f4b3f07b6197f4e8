"""What would run, and why: steps, conditions, matrices, keys of kept results, reruns; nothing is run here but what asks for versions."""
