"""A log of any size, read where it is looked at: file, index, marks, layout; nothing here knows of widgets."""
