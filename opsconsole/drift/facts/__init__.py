"""What is known before anything is decided: of a column, a chunk, a reference."""
