"""Recovery of a lost or damaged store: daily copies, replacing the database, rebuilding rows from records."""
