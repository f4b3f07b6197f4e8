"""Recovery of a lost or damaged store from run and model folders."""
