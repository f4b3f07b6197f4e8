"""How well a model does: realised on labelled rows, estimated without labels, and the stream of its errors."""
