"""Sums and majorities over boxes of pixels."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from aukit.vision.raster import Fragments


def spread(values: Tensor, fragments: Fragments, shape: tuple[int, int, int]) -> Tensor:
    """(N, ...) values of covered pixels as images (B, H, W, ...), zeros elsewhere."""
    flat = values.new_zeros(shape[0] * shape[1] * shape[2], *values.shape[1:])
    return flat.index_copy(0, fragments.pixel, values).view(*shape, *values.shape[1:])


def smooth(normals: Tensor) -> Tensor:
    """(B, S, S, 3) normals averaged over a thirtieth of the picture, since meshes have facets or
    noise.

    Their lengths are meaningless, so zeros outside the mesh do no harm. Columns without any mesh
    are unchanged.
    """
    used = normals[..., 2].any(0).any(0).nonzero()
    if len(used):
        columns = slice(int(used[0]), int(used[-1]) + 1)
        normals[:, :, columns] = box_mean(normals[:, :, columns], normals.shape[1] // 60 * 2 + 1)
    return normals


def box_mean(images: Tensor, width: int) -> Tensor:
    """(B, H, W, C) means over squares of an odd width, zeros beyond the border."""
    return box_sum(box_sum(images, width, 2).div_(width), width, 1).div_(width)


def box_sum(images: Tensor, width: int, axis: int) -> Tensor:
    """Sums over an odd number of neighbours along an axis, zeros beyond the border.

    Adds shifted pictures, which is several times faster than a pooling layer on a CPU.
    """
    count, beyond = images.shape[axis], [width // 2] * 2
    wide = functional.pad(images, [0, 0] * (images.dim() - 1 - axis) + beyond)
    total = wide.narrow(axis, 0, count).clone()
    for shift in range(1, width):
        total += wide.narrow(axis, shift, count)
    return total


def majority(mask: Tensor) -> Tensor:
    """(B, H, W) bool: whether most of the 3 x 3 neighbourhood is set.

    Removes isolated pixels that the z-buffer leaves along the folds of a coarse mesh.
    """
    return box_sum(box_sum(mask.byte(), 3, 2), 3, 1) > 4


def small_holes(mask: Tensor, width: int) -> Tensor:
    """(B, H, W) bool: pixels of holes in a mask that are too small for a square of an odd width <
    256.

    Outside the picture counts as a hole. This is a morphological opening of the complement (Serra,
    "Image Analysis and Mathematical Morphology", 1982).
    """
    hole = ~mask
    # Grown beyond the square, so that a large hole keeps its corners.
    return hole & ~_dilated(_eroded(hole, width), 2 * width - 1)


def _eroded(mask: Tensor, width: int) -> Tensor:
    return ~_dilated(~mask, width)


def _dilated(mask: Tensor, width: int) -> Tensor:
    rows = box_sum(mask.byte(), width, 2) > 0
    return box_sum(rows.byte(), width, 1) > 0
