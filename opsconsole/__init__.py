"""A terminal ops console that drives software builds and model lifecycles from one keyboard."""

__version__ = "0.1.0"
