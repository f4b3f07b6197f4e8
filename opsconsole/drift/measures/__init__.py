"""How far current rows are from their reference, as numbers; what to think of them is decided in ``verdicts``."""
