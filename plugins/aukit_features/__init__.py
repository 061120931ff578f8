"""Closed-form estimators: ridge regression on landmarks and on features of pretrained networks."""
