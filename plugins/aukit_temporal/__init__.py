"""Normalizers: the difference from the person's mean face, or from a neutral frame."""
