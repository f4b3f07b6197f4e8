"""What to think of what was measured: gates, policy, persistence, words."""
