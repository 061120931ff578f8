"""Scores of AU intensity estimates."""
