"""Reading a log of any size where it is looked at; nothing here knows of widgets."""
