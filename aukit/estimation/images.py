"""Prepares faces for an estimator's network."""

from __future__ import annotations

import torch
from torch import Tensor

from aukit.vision.resize import resized


def as_float(images: Tensor) -> Tensor:
    """Images as float in 0..1; float images pass unchanged."""
    return images if images.is_floating_point() else images.float() / 255


def prepared(images: Tensor, size: int) -> Tensor:
    """Images as (B, 3, size, size) float in 0..1, channels last."""
    return resized(as_float(images), size).contiguous(memory_format=torch.channels_last)
