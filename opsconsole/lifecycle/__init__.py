"""What crosses rooms, as use cases one can read aloud."""
