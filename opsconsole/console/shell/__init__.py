"""The shell of the console: the app, its fixed rows, global keys, the ``:`` line."""
