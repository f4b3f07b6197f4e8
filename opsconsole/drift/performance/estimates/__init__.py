"""How well a model must be doing, before labels come, and whether that may be relied on."""
