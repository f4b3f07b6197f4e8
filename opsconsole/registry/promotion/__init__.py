"""Moving an alias, and the link that follows it."""
