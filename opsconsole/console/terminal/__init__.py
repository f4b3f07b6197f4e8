"""The terminal: screen buffer, output, replies, glyphs, colours."""
