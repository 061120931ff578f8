"""Write `data/mesh_to_68.json`: each iBUG point as a weighted sum of MediaPipe mesh points.

Usage: python build_mesh_to_68.py CANONICAL.npz OUT.json

CANONICAL.npz holds `xyz` (468, 3), the canonical face mesh out of the geometry metadata of
`face_landmarker.task` (Apache-2.0). Points that the iBUG scheme defines by anatomy are mesh points
(corners of eyes and mouth, lips, nostrils) or means of two (brows: their upper and lower edge).
Points that it defines by even spacing (contour of the jaw, ridge of the nose) are spaced evenly
along mesh lines of the canonical face.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# fmt: off
JAW = (127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152,
       377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356)
RIDGE = (168, 6, 197, 195, 5, 4)
BROWS = ((70, 46), (63, 53), (105, 52), (66, 65), (107, 55),
         (336, 285), (296, 295), (334, 282), (293, 283), (300, 276))
NOSTRILS = (98, 97, 2, 326, 327)
EYES = (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380)
MOUTH = (61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91, 78, 81, 13, 311, 308, 402, 14, 178)
# fmt: on

Weights = list[tuple[int, float]]


def even(xyz: NDArray[np.float64], line: tuple[int, ...], count: int) -> list[Weights]:
    """`count` points at equal distances along a line of mesh points, both ends included."""
    steps = np.linalg.norm(np.diff(xyz[list(line)], axis=0), axis=1)
    length = np.concatenate([[0], steps.cumsum()])
    points: list[Weights] = []
    for at in np.linspace(0, length[-1], count):
        i = min(int(np.searchsorted(length, at, side="right")) - 1, len(line) - 2)
        t = round(float((at - length[i]) / steps[i]), 4)
        pair = [(line[i], round(1 - t, 4)), (line[i + 1], t)]
        points.append([(vertex, weight) for vertex, weight in pair if weight > 0])
    return points


def single(vertices: tuple[int, ...]) -> list[Weights]:
    """Points that are mesh points."""
    return [[(vertex, 1.0)] for vertex in vertices]


def middle(pairs: tuple[tuple[int, int], ...]) -> list[Weights]:
    """Points half-way between two mesh points."""
    return [[(first, 0.5), (second, 0.5)] for first, second in pairs]


def build(xyz: NDArray[np.float64]) -> list[Weights]:
    """The 68 points in the order of the scheme."""
    face = [*even(xyz, JAW, 17), *middle(BROWS), *even(xyz, RIDGE, 4), *single(NOSTRILS)]
    return [*face, *single(EYES), *single(MOUTH)]


def main(canonical: str, out: str) -> None:
    """Build the map and write it."""
    with np.load(canonical, allow_pickle=False) as mesh:
        points = build(mesh["xyz"].astype(np.float64))
    rows = ",\n  ".join(json.dumps(point) for point in points)
    Path(out).write_text(f'{{"points": [\n  {rows}\n]}}\n')


if __name__ == "__main__":
    main(*sys.argv[1:])
