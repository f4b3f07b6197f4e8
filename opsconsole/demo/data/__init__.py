"""The demo's data: New York's flights of 2013 with their weather, and the script that made the file."""
