"""Looking up pixels at given places, as loops compiled for CPUs by numba.

They read bytes where they lie: torch pads each window, turns it into floats, and lists all places.
Results are those of torch up to rounding. Import this module lazily: it loads numba.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from aukit.vision.compiled import array, for_each, kernel
from aukit.vision.lookup_loops import along_lines, at_places, means, share_behind

_SHARE = "void(float32[:,:,::1], float32[:,::1], float32[::1], int64[::1], float32[::1])"
_KINDS = (("uint8", "uint8"), ("float32", "uint8"), ("float32", "float32"))
"""Types of pictures and of the colours looked up in them."""
_PLACES = tuple(
    f"void({picture}[:,:,:], float32[:,:,:], boolean[:,::1], boolean, {colours}[:,:,::1])"
    for picture, colours in _KINDS
)
_LINES = tuple(
    f"void({picture}[:,:,:], float64[:,::1], boolean, {colours}[:,:,::1])"
    for picture, colours in _KINDS
)
_MEANS = "void(uint8[:,:,:], int64, float32[:,:,::1])"


def shares(depth: Tensor, place: Tensor, at: Tensor, sample: Tensor) -> Tensor:
    """Shares of the four pixels around that hide nothing.

    Args:
        depth: (B, S, S) float32 z-buffers.
        place: (N, 2) float32 their pixels.
        at: (N,) float32 depth there.
        sample: (N,) int64 which buffer.

    Returns:
        (N,) float32.
    """
    share = torch.empty_like(at)
    look = kernel(share_behind, _SHARE)
    look(array(depth), array(place), array(at), array(sample), share.numpy())
    return share


def colours(windows: Sequence[Tensor], places: Tensor, seen: Tensor, whole: bool) -> Tensor:
    """Windows sampled bilinearly.

    Args:
        windows: B tensors (C, H, W), uint8 or float32; uint8 only for whole colours.
        places: (B, h, w, 2) float32 their pixels; their edges continue beyond them.
        seen: (B, h, w) bool, the pixels to sample.
        whole: round to uint8.

    Returns:
        (B, C, h, w) uint8 or float32, 0 where not sampled.
    """
    result = _blank(windows, (int(seen.shape[1]), int(seen.shape[2])), whole)
    look, found = kernel(at_places, *_PLACES), result.numpy()
    where, looked = places.numpy(), array(seen)

    def one(row: int) -> None:
        look(windows[row].numpy(), where[row], looked[row], whole, found[row])

    for_each(one, len(windows))
    return result


def warped(windows: Sequence[Tensor], back: Tensor, size: int, whole: bool) -> Tensor:
    """Windows resampled bilinearly into squares.

    Args:
        windows, whole: as for `colours`.
        back: (B, 2, 3) float64, pixels of the squares -> pixels of the windows.
        size: side S of the squares.

    Returns:
        (B, C, S, S) uint8 or float32.
    """
    result = _blank(windows, (size, size), whole)
    look, found = kernel(along_lines, *_LINES), result.numpy()
    maps = back.contiguous().numpy()

    def one(row: int) -> None:
        look(windows[row].numpy(), maps[row], whole, found[row])

    for_each(one, len(windows))
    return result


def reduced(window: Tensor, block: int) -> Tensor:
    """A (C, H, W) uint8 window averaged over square blocks, (C, h, w) float32."""
    count, height, width = window.shape
    result = torch.empty(count, -(-height // block), -(-width // block))
    kernel(means, _MEANS)(window.numpy(), block, result.numpy())
    return result


def _blank(windows: Sequence[Tensor], size: tuple[int, int], whole: bool) -> Tensor:
    dtype = torch.uint8 if whole else torch.float32
    return torch.zeros(len(windows), windows[0].shape[0], *size, dtype=dtype)
