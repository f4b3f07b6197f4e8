"""Other drift libraries as oracles, each in a virtual environment of its own; the product never imports them."""
