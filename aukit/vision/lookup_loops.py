"""The loops of `aukit.vision.lookups`, in the subset of Python that numba compiles.

They are in one file, so that numba's cache notices every change.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

Float = np.float32
Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]
Longs: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

_ZERO, _ONE = np.float32(0), np.float32(1)
_WHOLE = np.float32(1.5 * 2**23)
"""Floats as large as this are whole: adding it rounds what is added, halves to even."""


def share_behind(depth: Floats, place: Floats, at: Floats, sample: Longs, share: Floats) -> None:
    """Fill in the (N,) shares of `aukit.vision.occlusion.Shadow` for N points."""
    last = depth.shape[1] - 1
    for point in range(len(place)):
        x, y = np.floor(place[point, 0]), np.floor(place[point, 1])
        right, down = place[point, 0] - x, place[point, 1] - y
        left, over = _within(x, last), _within(x + _ONE, last)
        top, under = _within(y, last), _within(y + _ONE, last)
        buffer, here = depth[sample[point]], at[point]
        found = _ZERO
        if here <= buffer[top, left]:
            found += (_ONE - right) * (_ONE - down)
        if here <= buffer[top, over]:
            found += right * (_ONE - down)
        if here <= buffer[under, left]:
            found += (_ONE - right) * down
        if here <= buffer[under, over]:
            found += right * down
        share[point] = found


def at_places(picture: Any, places: Floats, seen: Bools, whole: bool, colours: Any) -> None:
    """Fill in the seen pixels of (C, h, w) colours from a picture (C, H, W).

    Args:
        picture: uint8 or float32.
        places: (h, w, 2) pixels of the picture; its edge continues beyond it.
        seen: (h, w).
        whole: whether colours are rounded.
        colours: float32, or uint8 if `whole`.
    """
    for line in range(seen.shape[0]):
        for column in range(seen.shape[1]):
            if seen[line, column]:
                x, y = places[line, column, 0], places[line, column, 1]
                _look(picture, x, y, whole, colours, line, column)


def along_lines(picture: Any, back: Doubles, whole: bool, colours: Any) -> None:
    """Fill in (C, h, w) colours from a picture (C, H, W) by an affine map.

    Args:
        picture, whole, colours: as for `at_places`.
        back: (2, 3) from pixels of the colours to those of the picture.
    """
    for line in range(colours.shape[1]):
        for column in range(colours.shape[2]):
            x = back[0, 0] * column + back[0, 1] * line + back[0, 2]
            y = back[1, 0] * column + back[1, 1] * line + back[1, 2]
            _look(picture, np.float32(x), np.float32(y), whole, colours, line, column)


@register_jitable
def _look(
    picture: Any, x: Float, y: Float, whole: bool, colours: Any, line: int, column: int
) -> None:
    """Interpolate a pixel bilinearly."""
    bottom, last = picture.shape[1] - 1, picture.shape[2] - 1
    x, y = _clipped(x, last), _clipped(y, bottom)
    west, north = np.floor(x), np.floor(y)
    right, down = x - west, y - north
    # Unsigned: nothing to wrap around.
    left, over = np.uintp(int(west)), np.uintp(min(int(west) + 1, last))
    top, under = np.uintp(int(north)), np.uintp(min(int(north) + 1, bottom))
    a, b = (_ONE - right) * (_ONE - down), right * (_ONE - down)
    c, d = (_ONE - right) * down, right * down
    for channel in range(len(picture)):
        plane = picture[channel]
        value = (
            np.float32(plane[top, left]) * a
            + np.float32(plane[top, over]) * b
            + np.float32(plane[under, left]) * c
            + np.float32(plane[under, over]) * d
        )
        colours[channel, line, column] = (value + _WHOLE) - _WHOLE if whole else value


def means(picture: Any, block: int, reduced: Any) -> None:
    """Average (C, H, W) bytes over square blocks, those at the far edges over what there is."""
    _, height, width = picture.shape
    for channel in range(len(picture)):
        plane = picture[channel]
        for line in range(reduced.shape[1]):
            top, bottom = line * block, min(line * block + block, height)
            for column in range(reduced.shape[2]):
                left, right = column * block, min(column * block + block, width)
                total = 0
                for y in range(top, bottom):
                    for x in range(left, right):
                        total += plane[np.uintp(y), np.uintp(x)]
                count = (bottom - top) * (right - left)
                reduced[channel, line, column] = np.float32(total) / np.float32(count)


@register_jitable
def _within(value: Float, last: int) -> int:
    return int(_clipped(value, last))


@register_jitable
def _clipped(value: Float, last: int) -> Float:
    # Not a number fails every comparison, and no index may come of it.
    return min(value, np.float32(last)) if value > _ZERO else _ZERO
