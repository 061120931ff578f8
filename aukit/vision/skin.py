"""Detects what covers the forehead of a registered face: hair, a cap, a veil.

The mesh ignores such cover and textures the face with it. The cheeks and the nose give the person's
skin colour in this light. Above the brows, pixels connected to the outline with a very different
colour count as cover; beside the cheeks, where a mesh may extend onto the background, pixels with
another hue that are not dark. Below the mouth nothing is tested, since a beard is part of a face.
Hands, and sometimes blond hair, have the colour of skin and are not detected.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from aukit.vision.outline import inset

CELLS = 48
"""Cells along the side of the picture that are judged."""

_DARK, _LIGHT = 0.85, 0.6
"""How much darker or lighter than the skin, as a logarithm: shadows and highlights are within."""

_SHADE, _WALL = 0.4, 2.0
"""Beside the cheeks: what is darker may be a shadow or a sideburn; how far off the hue of a wall
is, in units of what is allowed above the brows, as make-up and reflections colour cheeks."""

_BROW, _BESIDE, _RIM = 0.1, 1.1, 0.12
"""Reach of the brows, where the cheek's side begins above the mouth, and how broad the rim is that
is judged further down: shares of the distance between the outer corners of the eyes, or half."""

_SPREADS, _LEAST_HUE = 3.5, 0.1
"""How far from the colour of the skin: in spreads of it, and at least."""

_PART = 0.25
"""Least share of a cell that shows the face, for its colour to be judged."""

_REACHES = 30
"""Cells that hair reaches in from the outline, and a face from its middle, at most."""


class Forehead:
    """Detects pixels above the brows that are not skin.

    Args:
        size: side of the registered pictures.
        points: (68, 2) the template's landmarks in them.
        corners: (N, 2) the outline, `aukit.vision.outline.curve`.
    """

    def __init__(self, size: int, points: Tensor, corners: Tensor) -> None:
        self._size = size
        axis = (torch.arange(CELLS, device=points.device) + 0.5) * size / CELLS - 0.5
        y, x = axis[:, None], axis[None]
        left, right = points[36, 0], points[45, 0]
        eyes, nose = points[36:48, 1].amax(), points[31:36, 1].amax()
        grid = x.expand(CELLS, CELLS), y.expand(CELLS, CELLS)
        places = torch.stack(grid, -1).flatten(0, 1)
        brows = torch.cdist(places, points[17:27]).amin(1).view(CELLS, CELLS)
        brow = brows < _BROW * (right - left)
        self._above = (y < points[17:27, 1].amax()) & ~brow
        middle, half = (left + right) / 2, (right - left) / 2
        beside = (y < nose) & ((x - middle).abs() > _BESIDE * half)
        rim = inset(places, corners).view(CELLS, CELLS) < _RIM * (right - left)
        rim &= y < points[48:68, 1].mean()
        self._beside = (beside | rim) & ~self._above & ~brow
        self._sample = (x > left) & (x < right) & (y > eyes + 0.35 * (nose - eyes)) & (y < nose)

    def __call__(self, images: Tensor, seen: Tensor) -> Tensor:
        """What is no skin.

        Args:
            images: (B, 3, S, S) uint8, black where the face is not seen.
            seen: (B, S, S) bool, pixels that show the face's region.

        Returns:
            (B, S, S) bool, a part of `seen`.
        """
        there = self._cells(seen[:, None])
        colour = self._cells(images) / there.clamp_min(1e-3)
        known = there[:, 0] > _PART
        light, hue = _light_and_hue(colour)
        sample = known & self._sample
        middle, spread = _typical(hue, sample)
        usual, _ = _typical(light, sample)
        off = ((hue - middle).abs() / (_SPREADS * spread).clamp_min(_LEAST_HUE)).amax(1)
        brighter = (light - usual)[:, 0]
        unlike = (off > 1) | (brighter < -_DARK) | (brighter > _LIGHT)
        wall = (off > _WALL) & (brighter > -_SHADE)
        other = known & ((unlike & self._above) | (wall & self._beside))
        found = _reaching(other, _grown(~known)) & other
        found |= known & self._above & ~_reaching(known & ~found, sample)
        found |= _grown(found) & ~known  # what is left of a cell at the outline
        smooth = functional.avg_pool2d(found[:, None].float(), 3, 1, 1)
        fine = functional.interpolate(smooth, self._size, mode="bilinear", align_corners=False)
        return seen & (fine[:, 0] > 0.4)

    def _cells(self, images: Tensor) -> Tensor:
        """(B, C, h, w) means of about four pixels of each cell, which are enough."""
        step = max(1, self._size // (2 * CELLS))
        return functional.interpolate(images[..., ::step, ::step].float(), CELLS, mode="area")


def _light_and_hue(colour: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 1, h, w) log of the lightness, and (B, 2, h, w) log of red and of blue beside green."""
    red, green, blue = (colour + 8).log().unbind(1)
    return ((red + green + blue) / 3)[:, None], torch.stack([red - green, blue - green], 1)


def _typical(values: Tensor, sample: Tensor) -> tuple[Tensor, Tensor]:
    """Median and 1.48 median deviations of (B, C, h, w) over a (B, h, w) sample: (B, C, 1, 1)."""
    chosen = values.masked_fill(~sample[:, None], torch.nan).flatten(2)
    median = chosen.nanmedian(2, keepdim=True).values
    spread = 1.48 * (chosen - median).abs().nanmedian(2, keepdim=True).values
    return median[..., None].nan_to_num(), spread[..., None].nan_to_num()


def _reaching(mask: Tensor, start: Tensor) -> Tensor:
    """The part of a (B, h, w) mask that is reached from where to start within it."""
    found = start & mask
    for _ in range(_REACHES):
        before, found = found, _grown(found) & mask
        if torch.equal(before, found):
            break
    return found


def _grown(mask: Tensor) -> Tensor:
    """A (B, h, w) mask and the cells above, below and beside it."""
    grown = mask.clone()
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    grown[:, :, 1:] |= mask[:, :, :-1]
    grown[:, :, :-1] |= mask[:, :, 1:]
    return grown
