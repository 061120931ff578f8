"""Judges of painted faces: feature extractors, an identity network, and outputs of other tools."""
