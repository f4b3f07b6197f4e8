"""The command line: the headless twin of the console, one module a command group."""
