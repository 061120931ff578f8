"""Converts pictures to network input and back."""

from __future__ import annotations

import torch
from torch import Tensor


def as_signed(images: Tensor) -> Tensor:
    """uint8, or a normalizer's float in 0..1, as float in -1..1."""
    return images * 2 - 1 if images.is_floating_point() else images.float() / 127.5 - 1


def as_bytes(images: Tensor) -> Tensor:
    """Float in -1..1, clamped, as uint8 on the CPU."""
    return ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu()
