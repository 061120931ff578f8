"""Windows of pictures for sampling, downscaled where they shrink, in batches of one size.

Pictures have different sizes and are mostly larger than the face in them. The cost depends on the
visible window, not on the picture, and every row gives bit-identical results in any batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType

import torch
import torch.nn.functional as F
from torch import Tensor

from aukit.vision.compiled import loops_for

_STEP = 128
"""Windows are padded to squares of multiples of this."""


def blocks_of(shrink: Tensor) -> Tensor:
    """(B,) int64 largest powers of two not above each picture's reduction factor."""
    powers: Tensor = 2 ** shrink.log2().floor().clamp(min=0).long()
    return powers


def cut(
    images: Sequence[Tensor], low: Tensor, high: Tensor, blocks: Tensor
) -> tuple[list[Tensor], Tensor]:
    """Windows of pictures, averaged over square blocks so that shrinking does not alias.

    Args:
        images: B tensors (C, H, W).
        low, high: (B, 2) corners of the visible region, source pixels; may be outside the picture.
        blocks: (B,) int64 side of the blocks.

    Returns:
        B windows (C, h, w), and (B, 3): block, and the source pixel (x, y) at (0, 0).
    """
    windows, places = [], []
    rows = zip(images, low.tolist(), high.tolist(), blocks.tolist(), strict=True)
    for image, first, last, block in rows:
        left, right = _span(first[0], last[0], image.shape[-1], block)
        top, bottom = _span(first[1], last[1], image.shape[-2], block)
        windows.append(_reduce(image[..., top:bottom, left:right], block))
        middle = (block - 1) / 2
        places.append((block, left + middle, top + middle))
    return windows, torch.tensor(places, dtype=torch.float64)


def squares(windows: Sequence[Tensor]) -> Iterator[tuple[list[int], Tensor]]:
    """Rows and (b, C, S, S) floats of the windows that are padded to the same square.

    The padded size of a row depends on the row alone: coordinates are rounded relative to it.
    """
    groups: dict[int, list[int]] = {}
    for row, window in enumerate(windows):
        groups.setdefault(-max(window.shape[-2:]) // _STEP * -_STEP, []).append(row)
    for side, rows in groups.items():
        yield rows, torch.stack([_pad(_floating(windows[row]), side) for row in rows])


def sample(images: Sequence[Tensor], points: Tensor, seen: Tensor, shrink: Tensor) -> Tensor:
    """Sample pictures of any sizes at individual points, bilinearly.

    Args:
        images: B tensors (C, H, W), uint8 or floating point, one dtype and device for all.
        points: (B, h, w, 2) source pixels.
        seen: (B, h, w) bool, the points to sample.
        shrink: (B,) source pixels per target pixel: if 2 or more, the source is first averaged over
            blocks.

    Returns:
        (B, C, h, w) of the dtype of the images, 0 where not sampled; uint8 is rounded. Outside a
        picture, its nearest pixel.
    """
    low, high = _around(points, seen).double().cpu()
    windows, places = cut(images, low, high, blocks_of(shrink.double().cpu()))
    places = places.to(points.device, points.dtype)[:, None, None]
    local = (points - places[..., 1:]) / places[..., :1]
    whole = not images[0].is_floating_point()
    compiled = lookups_for(local, *windows)
    if compiled is not None:
        found: Tensor = compiled.colours(windows, local, seen, whole)
        return found
    colours = _grid_sampled(windows, local)
    # A mean of bytes, rounded, is a byte.
    colours = colours.round_().to(torch.uint8) if whole else colours
    return colours.masked_fill_(~seen[:, None], 0)


def lookups_for(*values: Tensor) -> ModuleType | None:
    """`aukit.vision.lookups`, where its loops can process some values."""
    known = all(each.dtype in (torch.uint8, torch.float32) for each in values)
    return loops_for("lookups", *values) if known else None


def _grid_sampled(windows: Sequence[Tensor], local: Tensor) -> Tensor:
    """(B, C, h, w) floats of windows at their (B, h, w, 2) pixels."""
    first = windows[0]
    kind = first.dtype if first.is_floating_point() else torch.float32
    colours = local.new_zeros((len(windows), first.shape[0], *local.shape[1:3]), dtype=kind)
    for rows, batch in squares(windows):
        grid = local[rows].to(kind) * (2 / (batch.shape[-1] - 1)) - 1
        colours[rows] = F.grid_sample(batch, grid, padding_mode="border", align_corners=True)
    return colours


def _around(points: Tensor, seen: Tensor) -> Tensor:
    """(2, B, 2) low and high corners of the (B, h, w, 2) places that are looked at; else zeros."""
    axes = points.unbind(-1)
    low = [axis.masked_fill(~seen, torch.inf).amin((1, 2)) for axis in axes]
    high = [axis.masked_fill(~seen, -torch.inf).amax((1, 2)) for axis in axes]
    return torch.stack([*low, *high]).view(2, 2, -1).mT.nan_to_num(0.0, 0.0, 0.0)


def _span(low: float, high: float, length: int, block: int) -> tuple[int, int]:
    """A non-empty range of pixels around [low, high], whole blocks from its start."""
    start = min(max(int(low // block - 1) * block, 0), length - 1)
    stop = max(min(int(high) + 2 * block + 1, length), start + 1)
    return start, stop


def _floating(window: Tensor) -> Tensor:
    return window if window.is_floating_point() else window.to(torch.float32)


def _reduce(window: Tensor, block: int) -> Tensor:
    if block == 1:
        return window
    compiled = loops_for("lookups", window) if window.dtype == torch.uint8 else None
    if compiled is not None:
        means: Tensor = compiled.reduced(window, block)
        return means
    return F.avg_pool2d(_floating(window)[None], block, ceil_mode=True)[0]


def _pad(window: Tensor, side: int) -> Tensor:
    """Extend a window at the right and the bottom to a square, by its edge pixels."""
    margin = (0, side - window.shape[-1], 0, side - window.shape[-2])
    return F.pad(window[None], margin, mode="replicate")[0]
