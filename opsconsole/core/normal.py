"""The normal distribution: quantiles and tail probabilities for confidence intervals."""

Z = 1.959963984540054
"""How many standard errors a 95 % interval reaches to either side."""
