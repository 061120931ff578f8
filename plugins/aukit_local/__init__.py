"""Executors on this machine."""
