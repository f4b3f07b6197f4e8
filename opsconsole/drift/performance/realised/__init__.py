"""How well a model did, on labelled rows, with intervals."""
