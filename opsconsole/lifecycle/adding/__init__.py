"""Adding a repo, a model or a monitor to ``opsconsole.toml``, and taking it out: what was guessed is said."""
