"""Comparisons: a grid of runs that share what they have in common, and one table at the end."""

from aukit.comparison.compare import Comparison, compare, plan_comparison
from aukit.comparison.grid import Cell, Definition, Trial, define

__all__ = [
    "Cell",
    "Comparison",
    "Definition",
    "Trial",
    "compare",
    "define",
    "plan_comparison",
]
