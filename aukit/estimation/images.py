"""Faces on their way into an estimator's network."""

from __future__ import annotations

import torch
from torch import Tensor

from aukit.vision.resize import resized


def as_float(images: Tensor) -> Tensor:
    """Images as float in 0..1; a normalizer's floats pass unchanged."""
    return images if images.is_floating_point() else images.float() / 255


def prepared(images: Tensor, size: int) -> Tensor:
    """(B, 3, S, S) float in 0..1 at the size of a network, channels last."""
    return resized(as_float(images), size).contiguous(memory_format=torch.channels_last)
