"""The terminal: what it shows, what it answers, which signs and colours it has."""
