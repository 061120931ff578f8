"""Batched geometry and image operations shared by plugins: tensors in, tensors out."""
