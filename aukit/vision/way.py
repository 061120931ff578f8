"""The mapping from a picture to the frontal view of a face in it."""

from __future__ import annotations

import torch
from torch import Tensor

from aukit.contracts.aligner import Way
from aukit.vision.raster import interpolate, rasterize


def way_through(
    vertices: Tensor, attributes: Tensor, triangles: Tensor, size: tuple[int, int]
) -> Way:
    """Map the pixels of a picture through a mesh in it.

    Args:
        vertices: (1, V, 3) source pixels.
        attributes: (1, V, 3) x and y in aligned pixels, and distance inside the outline.
        triangles: (T, 3) triangles of the face.
        size: (height, width) of the picture.
    """
    used = vertices[0, triangles.flatten(), :2]
    low = used.amin(0).floor().long().clamp_min(0).tolist()
    high = used.amax(0).ceil().long().tolist()
    right, bottom = min(high[0] + 1, size[1]), min(high[1] + 1, size[0])
    window = (max(bottom - low[1], 1), max(right - low[0], 1))
    offset = vertices.new_tensor([0.5 - low[0], 0.5 - low[1], 0.0])  # centres lie at + 0.5
    raster = rasterize(vertices + offset, triangles, window)
    found = interpolate(raster, triangles, attributes[0])[0]
    inside = (raster.triangle[0] >= 0) & (found[..., 2] > 0)
    places = torch.where(inside[..., None], found[..., :2], torch.nan)
    return Way(low[0], low[1], places.cpu(), (found[..., 2] * inside).cpu())
