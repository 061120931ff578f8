"""Similarity transforms of point sets and image warps, batched.

Pixel coordinates are continuous, x to the right and y down, and (0, 0) is the *centre* of the first
pixel (as in SciPy, scikit-image and OpenCV), so a picture of width W covers x from -0.5 to W - 0.5.
A transform is a homogeneous matrix that acts on column vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from kornia.geometry.transform import warp_affine
from torch import Tensor

from aukit.vision.windows import blocks_of, cut, lookups_for, squares

Border = Literal["zeros", "replicate"]


def similarity(source: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Least-squares similarities (rotation, uniform scale, translation) between point sets.

    Minimizes sum_i w_i |s R x_i + t - y_i|^2 with det(R) = +1: Umeyama, "Least-squares estimation
    of transformation parameters between two point patterns", PAMI 1991, equations 39 to 43. In the
    plane the minimizer is linear in the points and is written out, which keeps its gradient finite.

    Args:
        source: (..., N, D) points x, D = 2 or 3.
        target: points y, expandable to the shape of `source`.
        weights: (..., N) non-negative w, equal by default. A point of weight 0 may be non-finite.

    Returns:
        (..., D + 1, D + 1) matrices. Non-finite where the points of `source` coincide.
    """
    target = target.expand_as(source)
    if weights is None:
        weights = source.new_ones(source.shape[:-1])
    w = (weights / weights.sum(-1, keepdim=True))[..., None]
    x, x_mean = _centred(source, w)
    y, y_mean = _centred(target, w)
    linear = _planar(x, y, w) if source.shape[-1] == 2 else _umeyama(x, y, w)
    shift = y_mean.transpose(-1, -2) - linear @ x_mean.transpose(-1, -2)
    return _homogeneous(torch.cat([linear, shift], dim=-1))


def _centred(points: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    points = torch.where(w > 0, points, torch.zeros_like(points))
    mean = (w * points).sum(-2, keepdim=True)
    return points - mean, mean


def _planar(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    spread = (w * x * x).sum((-1, -2))
    cos = (w * x * y).sum((-1, -2)) / spread
    sin = (w[..., 0] * (x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0])).sum(-1) / spread
    rows = [torch.stack([cos, -sin], dim=-1), torch.stack([sin, cos], dim=-1)]
    return torch.stack(rows, dim=-2)


def _umeyama(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    # Not a matrix product: those round differently in batches of different sizes.
    covariance = ((w * y)[..., :, None] * x[..., None, :]).sum(-3)
    u, singular, vt = torch.linalg.svd(covariance)
    sign = torch.ones_like(singular)
    sign[..., -1] = torch.linalg.det(u @ vt).sign()
    scale = (singular * sign).sum(-1) / (w * x * x).sum((-1, -2))
    linear: Tensor = (u * (scale[..., None] * sign)[..., None, :]) @ vt
    return linear


def _homogeneous(affine: Tensor) -> Tensor:
    """Append the row (0, ..., 0, 1) to (..., D, D + 1) matrices."""
    row = affine.new_zeros((*affine.shape[:-2], 1, affine.shape[-1]))
    row[..., -1] = 1
    return torch.cat([affine, row], dim=-2)


def apply(transforms: Tensor, points: Tensor) -> Tensor:
    """Apply (..., D + 1, D + 1) affine transforms to (..., N, D) points."""
    linear, shift = transforms[..., :-1, :-1], transforms[..., :-1, -1]
    return points @ linear.transpose(-1, -2) + shift[..., None, :]


def invert(transforms: Tensor) -> Tensor:
    """Inverses of (..., D + 1, D + 1) affine transforms."""
    inverse = torch.linalg.inv(transforms[..., :-1, :-1])
    return _homogeneous(torch.cat([inverse, -inverse @ transforms[..., :-1, -1:]], dim=-1))


def compose(first: Tensor, *then: Tensor) -> Tensor:
    """The composition of `first` followed by each of `then` in turn."""
    for transform in then:
        first = transform @ first
    return first


def place(scale: Tensor, angle: Tensor, centre: Tensor, to: Tensor) -> Tensor:
    """Transforms that scale and rotate about a centre and move it to a target.

    Args:
        scale: (B,) target pixels per source pixel.
        angle: (B,) radians, clockwise on the screen (from x to y).
        centre: (B, 2) source point that is mapped to `to`.
        to: (B, 2) or (2,) target point.

    Returns:
        (B, 3, 3) transforms.
    """
    cos, sin = scale * angle.cos(), scale * angle.sin()
    linear = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
    shift = to.expand_as(centre)[..., None] - linear @ centre[..., None]
    return _homogeneous(torch.cat([linear, shift], dim=-1))


def warp(
    images: Sequence[Tensor], transforms: Tensor, size: int, border: Border = "zeros"
) -> Tensor:
    """Resample pictures of any sizes into one batch of squares.

    Bilinear interpolation. Where a target pixel covers two or more source pixels across, the source
    is first averaged over blocks of the largest power of two that fits, so that shrinking does not
    alias. Only the visible window of a picture is processed.

    Args:
        images: B tensors (C, H, W), uint8 or floating point, one dtype and device for all.
        transforms: (B, 3, 3) affine, source pixels -> target pixels.
        size: side S of the result.
        border: values outside a picture: zeros, or the nearest edge pixel.

    Returns:
        (B, C, S, S) of the dtype of the images, on their device; uint8 is rounded.
    """
    exact = transforms.detach().to("cpu", torch.float64)
    windows, placed = _windows(images, exact, size)
    warped = _sample(windows, placed, size, whole=not images[0].is_floating_point())
    if border == "zeros":
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        warped = warped * inside(sizes, transforms, size).to(warped.device)[:, None]
    return warped


def inside(sizes: Sequence[tuple[int, int]], transforms: Tensor, size: int) -> Tensor:
    """Mask of target pixels whose centre is within the source picture.

    Args:
        sizes: B pairs (height, width) of the source pictures.
        transforms: (B, 3, 3) source pixels -> target pixels.
        size: side S of the target.

    Returns:
        (B, S, S) bool on the device of `transforms`.
    """
    axis = torch.arange(size, device=transforms.device, dtype=transforms.dtype)
    inverse = invert(transforms)[..., None, None]
    within = torch.ones(len(transforms), size, size, dtype=torch.bool, device=axis.device)
    # Row by row of the transforms: all places at once would be a table of pairs, slow to fill.
    for row, lengths in enumerate(((w for _, w in sizes), (h for h, _ in sizes))):
        a, b, c = inverse[:, row].unbind(1)
        source = (a * axis + c) + b * axis[:, None]
        extent = torch.tensor(list(lengths), device=axis.device)[:, None, None]
        within &= (source >= -0.5) & (source <= extent - 0.5)
    return within


def _windows(
    images: Sequence[Tensor], transforms: Tensor, size: int
) -> tuple[list[Tensor], Tensor]:
    """What each target sees of its source, reduced where it shrinks, and window -> target."""
    inverse = invert(transforms)
    last = size - 1.0
    corners = torch.tensor([[0, 0], [last, 0], [0, last], [last, last]], dtype=transforms.dtype)
    seen = apply(inverse, corners[None])
    blocks = blocks_of(torch.linalg.det(inverse[:, :2, :2]).abs().sqrt())
    windows, places = cut(images, seen.amin(1), seen.amax(1), blocks)
    block, x, y = places.unbind(-1)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    rows = (block, zero, x), (zero, block, y), (zero, zero, one)
    placed = torch.stack([torch.stack(row, -1) for row in rows], -2)
    return windows, transforms @ placed.to(transforms)


def _sample(windows: Sequence[Tensor], transforms: Tensor, size: int, whole: bool) -> Tensor:
    """Interpolate windows of any sizes; whole values are rounded to uint8."""
    compiled = lookups_for(*windows)
    if compiled is not None:
        found: Tensor = compiled.warped(windows, invert(transforms)[:, :2], size, whole)
        return found
    warped = _affine(windows, transforms, size)
    return warped.round_().to(torch.uint8) if whole else warped  # a mean of bytes is in their range


def _affine(windows: Sequence[Tensor], transforms: Tensor, size: int) -> Tensor:
    """The same as floats, batched by the size that each is padded to."""
    first = windows[0]
    kind = first.dtype if first.is_floating_point() else torch.float32
    result = first.new_empty((len(windows), first.shape[0], size, size), dtype=kind)
    for rows, batch in squares(windows):
        matrices = transforms[rows, :2].to(first.device, kind)
        result[rows] = warp_affine(
            batch, matrices, (size, size), padding_mode="border", align_corners=True
        )
    return result
