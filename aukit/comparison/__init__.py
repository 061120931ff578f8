"""Comparisons: a grid of runs that share stages, and tables of their scores.

Nothing is imported here, so that the help of the command stays fast.
"""
