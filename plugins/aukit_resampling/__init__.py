"""Balancers: plans of real frames, and of faces to synthesize."""
