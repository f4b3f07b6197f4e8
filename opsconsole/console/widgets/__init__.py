"""The two line widgets, and small ones around them."""
