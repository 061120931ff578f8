"""Pastes an edited registered face back into its photo."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aukit.contracts.aligner import Way
from aukit.vision.boxes import box_mean
from aukit.vision.warp import apply, compose, invert, warp
from aukit.vision.windows import sample

FEATHER = 0.08
"""Share of the face's side over which the change fades out towards its border."""

TOLERANCE = 1.5
"""Mean grey levels by which a face may differ from its photo under a transform of the plane."""


def is_planar(photo: Tensor, face: Tensor, transform: Tensor, valid: Tensor) -> bool:
    """Whether a registered face equals its photo warped by the transform.

    A face from a 3D aligner does not: no planar transform maps it back.

    Args:
        photo: (3, H, W) uint8.
        face: (3, S, S) uint8.
        transform: (3, 3) photo pixels -> face pixels.
        valid: (S, S) bool, True where a pixel of the face comes from the photo.
    """
    if not bool(valid.any()):
        return False
    seen = warp([photo], transform[None], face.shape[-1])[0].float()
    return float((seen - face.float()).abs().mean(0)[valid].mean()) <= TOLERANCE


def paste(photo: Tensor, face: Tensor, edited: Tensor, transform: Tensor) -> Tensor:
    """The photo with the change of its face applied.

    The *change* is added, not the picture of the face, so that unedited parts keep the sharpness of
    the photo, however small the registered face is. It fades out towards the border of the face.

    Args:
        photo: (3, H, W) uint8.
        face, edited: (3, S, S) uint8, the registered face before and after.
        transform: (3, 3) photo pixels -> face pixels.

    Returns:
        (3, H, W) uint8.
    """
    size = face.shape[-1]
    change = (edited.float() - face.float()) * _feather(size)
    back = invert(transform.double())
    x0, y0, x1, y1 = _extent(back, size)
    side = max(x1 - x0, y1 - y0)
    shift = torch.eye(3, dtype=torch.float64)
    shift[:2, 2] = torch.tensor([-x0, -y0], dtype=torch.float64)
    window = warp([change], compose(back, shift)[None], side)[0]
    left, top = max(x0, 0), max(y0, 0)
    right, bottom = min(x0 + side, photo.shape[2]), min(y0 + side, photo.shape[1])
    result = photo.clone()
    if right > left and bottom > top:
        part = photo[:, top:bottom, left:right].float()
        part = part + window[:, top - y0 : bottom - y0, left - x0 : right - x0]
        result[:, top:bottom, left:right] = part.round().clamp(0, 255).to(torch.uint8)
    return result


def paste_along(photo: Tensor, face: Tensor, edited: Tensor, way: Way) -> Tensor:
    """The photo with the change of its face applied, for non-planar aligners.

    The change is mapped back through `way`. It fades out towards the outline and is zero where the
    registered face is black.

    Args:
        photo: (3, H, W) uint8.
        face, edited: (3, S, S) uint8, the registered face before and after.
        way: mapping from the photo's pixels to the face.

    Returns:
        (3, H, W) uint8.
    """
    shown = (face.amax(0) > 0).float()
    kept = box_mean(shown[None, ..., None], 5)[0, ..., 0] * shown
    change = (edited.float() - face.float()) * kept
    inside = way.inset > 0
    places = way.places.nan_to_num()
    shrink = _shrink(places, inside)
    found = sample([change], places[None], inside[None], shrink)[0]
    ramp = 0.5 - 0.5 * torch.cos(math.pi * (way.inset / FEATHER).clamp(0, 1))
    height, width = way.inset.shape
    result = photo.clone()
    part = result[:, way.top : way.top + height, way.left : way.left + width]
    part.copy_((part.float() + found * ramp).round().clamp(0, 255).to(torch.uint8))
    return result


def _shrink(places: Tensor, inside: Tensor) -> Tensor:
    """(1,) pixels of the face a pixel of the photo: the median step to the right."""
    both = inside[:, 1:] & inside[:, :-1]
    steps = (places[:, 1:] - places[:, :-1]).norm(dim=-1)[both]
    return steps.median()[None].clamp_min(1e-3) if len(steps) else torch.ones(1)


def _feather(size: int) -> Tensor:
    """(S, S) weights: 1 inside, falling to 0 at the border as a raised cosine."""
    centres = torch.arange(size) + 0.5
    inset = torch.minimum(centres, size - centres) / (FEATHER * size)
    ramp = 0.5 - 0.5 * torch.cos(math.pi * inset.clamp(max=1))
    return ramp[:, None] * ramp[None, :]


def _extent(back: Tensor, size: int) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of the photo pixels that a face covers."""
    last = size - 1.0
    corners = torch.tensor([[0, 0], [last, 0], [0, last], [last, last]], dtype=back.dtype)
    seen = apply(back, corners)
    low, high = seen.amin(0).floor().long().tolist(), seen.amax(0).ceil().long().tolist()
    return low[0], low[1], high[0] + 1, high[1] + 1
