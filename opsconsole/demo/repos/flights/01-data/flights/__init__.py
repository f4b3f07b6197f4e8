"""Which flights from New York will be late?"""
