"""Git: what is registered, where it stands, worktrees, and how a repo is tested."""
