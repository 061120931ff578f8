"""What estimators that are trained as networks share; knows none of them.

`options` and this module are light; all others import torch.
"""
