"""The console as a whole: the app, its fixed rows, the keys that hold everywhere, the ``:`` line."""
