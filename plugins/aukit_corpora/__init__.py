"""Readers of labelled corpora, and imitations of corpora for testing."""
