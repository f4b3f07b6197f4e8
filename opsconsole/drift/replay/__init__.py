"""What a monitor's settings would have said of its own reference."""
