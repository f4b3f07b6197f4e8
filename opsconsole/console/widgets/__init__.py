"""The two line widgets worth owning, and the small ones around them."""
