"""Scoring of prediction tables, including tables from other programs."""
