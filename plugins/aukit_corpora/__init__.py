"""Readers of labelled corpora that others own, and imitations to rehearse with."""
