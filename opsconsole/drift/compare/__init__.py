"""Two data files, column by column; no workspace, no model."""
