"""A run from its launch to its end: keeper, supervisor, slots, cancel, recovery, the final outcome."""
