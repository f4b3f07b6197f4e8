"""The stream of a model's errors: has its mean moved, and where."""
