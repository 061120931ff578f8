"""Write `data/mesh_to_68.json`: each iBUG point as a weighted sum of MediaPipe mesh points.

Usage: python build_mesh_to_68.py CANONICAL.npz OUT.json

CANONICAL.npz holds `xyz` (468, 3), the canonical face mesh out of the geometry metadata of
`face_landmarker.task` (Apache-2.0). Points that the iBUG scheme defines by anatomy (corners of the
mouth, lips, nostrils) are mesh points. Points that it spaces evenly along a line (contour of the
jaw, brows, ridge of the nose, lids) are spaced evenly along mesh lines in the front view of the
canonical face; a brow is the line half-way between its upper and its lower edge.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# fmt: off
JAW = (127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152,
       377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356)
RIGHT_BROW = ((70, 46), (63, 53), (105, 52), (66, 65), (107, 55))
LEFT_BROW = ((336, 285), (296, 295), (334, 282), (293, 283), (300, 276))
RIDGE = (168, 6, 197, 195, 5, 4)
NOSTRILS = (98, 97, 2, 326, 327)
RIGHT_LIDS = ((33, 246, 161, 160, 159, 158, 157, 173, 133),
              (133, 155, 154, 153, 145, 144, 163, 7, 33))
LEFT_LIDS = ((362, 398, 384, 385, 386, 387, 388, 466, 263),
             (263, 249, 390, 373, 374, 380, 381, 382, 362))
MOUTH = (61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91, 78, 82, 13, 312, 308, 317, 14, 87)
# fmt: on

Weights = list[tuple[int, float]]
Line = Sequence[int | tuple[int, ...]]
"""Mesh points, or groups of them that stand for their mean."""


def even(face: NDArray[np.float64], line: Line, count: int) -> list[Weights]:
    """`count` points at equal distances along a line, both ends included."""
    groups = [point if isinstance(point, tuple) else (point,) for point in line]
    nodes = np.array([face[list(group)].mean(axis=0) for group in groups])
    length = np.concatenate([[0], np.linalg.norm(np.diff(nodes, axis=0), axis=1).cumsum()])
    points: list[Weights] = []
    for at in np.linspace(0, length[-1], count):
        share = np.array([np.interp(at, length, row) for row in np.eye(len(nodes))])
        points.append(
            [
                (vertex, round(float(weight) / len(group), 4))
                for group, weight in zip(groups, share, strict=True)
                for vertex in group
                if weight > 5e-5
            ]
        )
    return points


def build(xyz: NDArray[np.float64]) -> list[Weights]:
    """The 68 points in the order of the scheme."""
    face = xyz[:, :2]
    jaw, ridge = even(face, JAW, 17), even(face, RIDGE, 4)
    brows = even(face, RIGHT_BROW, 5) + even(face, LEFT_BROW, 5)
    lids = [point for line in (*RIGHT_LIDS, *LEFT_LIDS) for point in even(face, line, 4)[:3]]
    nostrils, mouth = ([[(vertex, 1.0)] for vertex in part] for part in (NOSTRILS, MOUTH))
    return [*jaw, *brows, *ridge, *nostrils, *lids, *mouth]


def main(canonical: str, out: str) -> None:
    """Build the map and write it."""
    with np.load(canonical, allow_pickle=False) as mesh:
        points = build(mesh["xyz"].astype(np.float64))
    rows = ",\n  ".join(json.dumps(point) for point in points)
    Path(out).write_text(f'{{"points": [\n  {rows}\n]}}\n')


if __name__ == "__main__":
    main(*sys.argv[1:])
