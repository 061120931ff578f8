"""An observer that tells Weights & Biases of runs."""
