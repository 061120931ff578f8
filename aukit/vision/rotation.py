"""Rotations as sums, not matrix products, so that rounding does not depend on the batch size."""

from __future__ import annotations

import torch
from torch import Tensor


def rotations(angles: Tensor) -> Tensor:
    """(B, 3) pitch, yaw and roll in degrees to (B, 3, 3) rotations: yaw first, roll last.

    Axes: x right, y up, z towards the viewer. Positive yaw turns a face towards the right of the
        picture, positive pitch turns it up, positive roll rotates it clockwise in the picture.
    """
    sine, cosine = torch.deg2rad(angles).sin().unbind(-1), torch.deg2rad(angles).cos().unbind(-1)
    one, zero = torch.ones_like(sine[0]), torch.zeros_like(sine[0])

    def matrix(*cells: Tensor) -> Tensor:
        return torch.stack(cells, -1).view(-1, 3, 3)

    pitch = matrix(one, zero, zero, zero, cosine[0], sine[0], zero, -sine[0], cosine[0])
    yaw = matrix(cosine[1], zero, sine[1], zero, one, zero, -sine[1], zero, cosine[1])
    roll = matrix(cosine[2], sine[2], zero, -sine[2], cosine[2], zero, zero, zero, one)
    return product(roll, product(pitch, yaw))


def rotate(points: Tensor, linear: Tensor) -> Tensor:
    """(B, N, 3) points by (B, 3, 3) matrices, or by (1, 3, 3) for all."""
    x, y, z = (points[..., None, axis] * linear[:, None, :, axis] for axis in range(3))
    return x + y + z


def carry(points: Tensor, transforms: Tensor) -> Tensor:
    """(B, N, 3) points by (B, 4, 4) affine transforms."""
    return rotate(points, transforms[:, :3, :3]) + transforms[:, None, :3, 3]


def product(first: Tensor, second: Tensor) -> Tensor:
    """Batched 3 x 3 matrix product."""
    return (first[..., :, :, None] * second[..., None, :, :]).sum(-2)
