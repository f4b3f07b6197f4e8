"""Git repositories: registration, status, history, worktrees, bisection."""
