"""The demo workspace, made only by what an operator can do."""
