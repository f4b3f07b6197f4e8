"""A store that is lost or damaged: copies, another in its place, and rows from the records that lie beside what they tell of."""
