"""The contract between the parts of the console and the app: protocols, keys, tabs."""
