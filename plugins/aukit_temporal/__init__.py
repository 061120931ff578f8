"""Normalizers: what differs from the person's mean face, or from a neutral frame of the person."""
