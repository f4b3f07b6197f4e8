"""A version's reference: its rows, what is fitted on them, and the baseline that is stored."""
