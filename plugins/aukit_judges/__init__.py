"""Judges of synthetic faces: feature extractors, an identity network, outputs of other tools."""
