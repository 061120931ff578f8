"""Attention maps of action units, and pictures composed of synthesized regions (Liu et al. 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from aukit_lacgan.centres import centres_of

INNER_CORNERS = (39, 42)
_FAR = -1e4
"""Stands for landmarks that are no numbers: nothing is near to them."""


class Regions(nn.Module):
    """The regions of AUs.

    The attention is 1 up to `inner` rulers of Manhattan distance from the nearest centre, falls by
    `slope` a ruler from there, and is 0 beyond `reach`. A ruler is the distance between the inner
    corners of the eyes. EAC-Net's map (1 - 0.07 a pixel within 7 pixels, on a face of 100) is about
    inner 0, slope 1.6, reach 0.3.

    Args:
        aus: AU columns.
        centres: name of a table.
        inner, slope, reach: of the attention.

    Raises:
        ConfigError: the table lacks an AU.
    """

    points: Tensor
    shifts: Tensor

    def __init__(
        self, aus: Sequence[str], centres: str, inner: float, slope: float, reach: float
    ) -> None:
        super().__init__()
        points, shifts = centres_of(centres, aus)
        self.register_buffer("points", points, persistent=False)
        self.register_buffer("shifts", shifts, persistent=False)
        self.inner, self.slope, self.reach = inner, slope, reach

    def forward(self, landmarks: Tensor, size: int) -> Tensor:
        """(B, A, S, S) attention in 0..1 for (B, 68, 2) landmarks in pictures of S pixels."""
        known = landmarks.nan_to_num(_FAR, _FAR, _FAR).clamp_min(_FAR)
        first, second = (known[:, corner, 0] for corner in INNER_CORNERS)
        ruler = (second - first).abs().clamp_min(1.0).view(-1, 1, 1)
        near = known[:, self.points]
        across, down = near[..., 0], near[..., 1] + self.shifts * ruler
        pixels = torch.arange(size, device=landmarks.device, dtype=landmarks.dtype)
        x = (pixels - across[..., None]).abs() / ruler[..., None]
        y = (pixels - down[..., None]).abs() / ruler[..., None]
        distance = (x[..., None, :] + y[..., :, None]).amin(2)
        attention = (1 - self.slope * (distance - self.inner)).clamp(0, 1)
        return attention * (distance <= self.reach)


def shared_out(attention: Tensor, part: Tensor) -> Tensor:
    """Shares of the AUs in every pixel: overlapping maps give way so that their sum is at most 1.

    Args:
        attention: (B, A, S, S) in 0..1.
        part: (B, A) bool, AUs that take part at all.
    """
    taking = attention * part[:, :, None, None]
    return taking / taking.sum(1, keepdim=True).clamp_min(1.0)


def composed(source: Tensor, painted: Tensor, shares: Tensor) -> Tensor:
    """sum_i A_i Y_i + (1 - sum_i A_i) X (eq. 2): a weighted mean, so it stays within the range.

    Args:
        source: (B, 3, S, S), X.
        painted: (B, A, 3, S, S), Y_i, what each generator would put in place of the face.
        shares: (B, A, S, S), A_i, of `shared_out`.
    """
    kept = 1 - shares.sum(1, keepdim=True)
    return torch.einsum("bahw,bachw->bchw", shares, painted) + kept * source


def summed(changes: Tensor, attention: Tensor) -> Tensor:
    """sum_i A_i (Y_i - Y'_i): changes of several AUs add up.

    Overlapping regions are not normalized: an AU would then change less together with others than
    alone, and generators trained on combinations would exaggerate single AUs.

    Args:
        changes: (B, A, C, S, S), Y_i - Y'_i, what the label changes.
        attention: (B, A, S, S), A_i; 0 where an AU takes no part.

    Returns:
        (B, C, S, S).
    """
    return (attention[:, :, None] * changes).sum(1)
