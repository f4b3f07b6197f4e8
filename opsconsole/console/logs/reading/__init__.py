"""Reading a log of any size; nothing here depends on widgets."""
