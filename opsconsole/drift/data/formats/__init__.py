"""The formats of row data, each read as typed batches."""
