"""The loops of `aukit.vision.zbuffer`, in the subset of Python that numba compiles.

They are in one file, so that numba's cache notices every change.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba.extending import intrinsic, register_jitable
from numpy.typing import NDArray

Float = np.float32
Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int32]
Longs: TypeAlias = NDArray[np.int64]
Point: TypeAlias = tuple[Float, Float, Float]
"""x, y and depth of a corner, or a number for each corner or edge."""
Line: TypeAlias = tuple[Float, Float, Float]
"""Coefficients a, b and c of an edge: a * x + b * y + c >= 0 on the inner side."""
Edges: TypeAlias = tuple[Line, Line, Line]

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_TINY = np.finfo(np.float32).tiny
_INFINITY = np.float32(np.inf)


def _fuse(_context: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once, as `torch.addcmul` does."""
    return c(a, b, c), lambda _, builder, __, values: builder.fma(*values)


_fused: Any = intrinsic(_fuse)


def find(
    vertices: Floats,
    triangles: Longs,
    perspective: bool,
    cull_back: bool,
    depth: Floats,
    number: Ints,
) -> int:
    """Draw all triangles of a mesh into an image; returns the number of covered pixels."""
    height, width = depth.shape
    covered = 0
    for triangle in range(len(triangles)):
        a, b, c = _corners(vertices, triangles, triangle)
        left, right = _extent(a[0], b[0], c[0], width)
        top, bottom = _extent(a[1], b[1], c[1], height)
        if not (left <= right and top <= bottom and _proper(a, b, c, perspective, cull_back)):
            continue
        edges = _edges(a, b, c)
        depths = _linear(a[2], perspective), _linear(b[2], perspective), _linear(c[2], perspective)
        low, high = min(*depths), max(*depths)
        for line in range(int(top), int(bottom) + 1):
            rests = _rests(edges, line)
            first, last = _span(edges, rests, left, right)
            if not first <= last:
                continue
            start, change = _slope(edges, rests, depths, first + _HALF)
            for column in range(int(first), int(last) + 1):
                here = _fused(change, np.float32(column) - first, start)
                here = min(max(here, low), high)
                if here < depth[line, column]:  # of equals the first: it has the lower number
                    covered += number[line, column] < 0
                    depth[line, column] = here
                    number[line, column] = triangle
    return covered


def shade(
    vertices: Floats,
    triangles: Longs,
    perspective: bool,
    number: Ints,
    image: int,
    pixel: Longs,
    sample: Longs,
    triangle: Longs,
    weights: Floats,
    depth: Floats,
) -> None:
    """List the covered pixels of an image with weights and depths."""
    height, width = number.shape
    place, known = 0, -1
    for line in range(height):
        for column in range(width):
            if number[line, column] < 0:
                continue
            if number[line, column] != known:
                known = number[line, column]
                a, b, c = _corners(vertices, triangles, known)
                edges = _edges(a, b, c)
                x = _linear(a[2], perspective)
                y = _linear(b[2], perspective)
                z = _linear(c[2], perspective)
            u, v, w = _inner(edges, np.float32(column) + _HALF, np.float32(line) + _HALF)
            u, v, w = _normalized(u, v, w)
            here = u * x + v * y + w * z
            if perspective:
                u, v, w = _normalized(-u * x, -v * y, -w * z)
                here = -(_ONE / here)
            pixel[place] = (image * height + line) * width + column
            sample[place], triangle[place], depth[place] = image, known, here
            weights[place, 0], weights[place, 1], weights[place, 2] = u, v, w
            place += 1


@register_jitable
def _corners(vertices: Floats, triangles: Longs, triangle: int) -> tuple[Point, Point, Point]:
    a = np.uintp(triangles[triangle, 0])  # unsigned: nothing to wrap around
    b, c = np.uintp(triangles[triangle, 1]), np.uintp(triangles[triangle, 2])
    return (
        (vertices[a, 0], vertices[a, 1], vertices[a, 2]),
        (vertices[b, 0], vertices[b, 1], vertices[b, 2]),
        (vertices[c, 0], vertices[c, 1], vertices[c, 2]),
    )


@register_jitable
def _extent(a: Float, b: Float, c: Float, length: int) -> tuple[Float, Float]:
    """First and last pixel whose centre lies between the corners, along one axis."""
    first = max(np.ceil(min(a, b, c) - _HALF), _ZERO)
    return first, min(np.floor(max(a, b, c) - _HALF), np.float32(length) - _ONE)


@register_jitable
def _proper(a: Point, b: Point, c: Point, perspective: bool, cull_back: bool) -> bool:
    area = _twice_area(a, b, c)
    for x, y, z in (a, b, c):
        if not (np.isfinite(x) and np.isfinite(y) and np.isfinite(z)) or (perspective and z <= 0):
            return False
    return bool(area < 0 if cull_back else area != 0)


@register_jitable
def _twice_area(a: Point, b: Point, c: Point) -> Float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


@register_jitable
def _linear(depth: Float, perspective: bool) -> Float:
    """What is linear on the screen and has the order of the depth."""
    return -(_ONE / depth) if perspective else depth


@register_jitable
def _edges(a: Point, b: Point, c: Point) -> Edges:
    """The edges opposite to each corner."""
    sign = _ONE if _twice_area(a, b, c) > 0 else -_ONE
    return _edge(b, c, sign), _edge(c, a, sign), _edge(a, b, sign)


@register_jitable
def _edge(p: Point, q: Point, sign: Float) -> Line:
    """Coefficients of a line, from its smaller end whichever triangle asks."""
    swap = (p[0] > q[0]) | ((p[0] == q[0]) & (p[1] > q[1]))  # no branches: they are unforeseeable
    x, y = q[0] if swap else p[0], q[1] if swap else p[1]
    a, b = p[1] - q[1], q[0] - p[0]
    return a * sign, b * sign, -(a * x + b * y) * sign


@register_jitable
def _rests(edges: Edges, line: int) -> Point:
    """What the edges come to along a line of pixels, but for a * x."""
    y = np.float32(line) + _HALF
    p, q, r = edges
    return _fused(p[1], y, p[2]), _fused(q[1], y, q[2]), _fused(r[1], y, r[2])


@register_jitable
def _span(edges: Edges, rests: Point, left: Float, right: Float) -> tuple[Float, Float]:
    """First and last pixel of a line that lie within three edges; none if in the wrong order."""
    start, stop = -_INFINITY, _INFINITY
    for place in range(3):
        a, rest = edges[place][0], rests[place]
        cross = -rest / a
        if a > 0:
            start = max(start, cross)
        elif a < 0:
            stop = min(stop, cross)
        elif rest < 0:
            return _ONE, _ZERO
    return max(np.ceil(start - _HALF), left), min(np.floor(stop - _HALF), right)


@register_jitable
def _slope(edges: Edges, rests: Point, depths: Point, x: Float) -> tuple[Float, Float]:
    """Depth at x and its change per pixel along a line."""
    p, q, r = edges[0][0], edges[1][0], edges[2][0]
    u = max(_fused(p, x, rests[0]), _ZERO)
    v = max(_fused(q, x, rests[1]), _ZERO)
    w = max(_fused(r, x, rests[2]), _ZERO)
    total = max(u + v + w, _TINY)
    at = depths[0] * u + depths[1] * v + depths[2] * w
    return at / total, (depths[0] * p + depths[1] * q + depths[2] * r) / total


@register_jitable
def _inner(edges: Edges, x: Float, y: Float) -> Point:
    """What the edges come to at a point, at least 0."""
    p, q, r = edges
    u = _fused(p[1], y, _fused(p[0], x, p[2]))
    v = _fused(q[1], y, _fused(q[0], x, q[2]))
    w = _fused(r[1], y, _fused(r[0], x, r[2]))
    return max(u, _ZERO), max(v, _ZERO), max(w, _ZERO)


@register_jitable
def _normalized(u: Float, v: Float, w: Float) -> Point:
    total = max(u + v + w, _TINY)
    return u / total, v / total, w / total
