"""What the parts of the console and the whole know of each other: the contract, the keys, the tabs."""
