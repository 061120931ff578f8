"""Balancers that use real frames only."""
