"""aukit: register faces, synthesize, balance and estimate facial action units.

Importing the package does no work and loads nothing heavy; see `aukit.api` for embedding.
"""

__version__ = "0.2.0"
