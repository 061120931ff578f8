"""An observer that logs runs to Weights & Biases."""
