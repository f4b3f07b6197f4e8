"""The normal distribution, as far as intervals need it."""

Z = 1.959963984540054
"""How many standard errors a 95 % interval reaches to either side."""
