"""Sources of rows: files, tables and commands as streams of batches, with errors that name file, column and row."""
