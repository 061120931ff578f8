"""Shared code of synthesizers that are neural networks; knows none of them.

`options` and this module are light; all others import torch.
"""
