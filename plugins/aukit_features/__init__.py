"""Estimators in closed form: ridges on landmarks and on what frozen pretrained networks see."""
