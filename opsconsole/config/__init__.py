"""opsconsole.toml: its schema, loading with errors that name the line, edits that keep comments, the workspace."""
