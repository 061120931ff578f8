"""Comparisons: a grid of runs that share what they have in common, and one table at the end.

Nothing is imported here, so that the help of the command stays fast.
"""
