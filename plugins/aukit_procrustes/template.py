"""The frontal template: generalised Procrustes mean of 68-point faces.

Gower, "Generalized Procrustes analysis", Psychometrika 40 (1975), with similarities of positive
determinant: a face is never mirrored onto another.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import torch
from torch import Tensor

from aukit.vision.warp import apply, similarity

# fmt: off
MIRROR = (
    *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31,
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
)
"""The point that each of the 68 becomes in a mirror."""
# fmt: on


def fit_template(landmarks: Tensor, tolerance: float = 1e-9, limit: int = 100) -> Tensor:
    """The mean shape of frontal faces, symmetric, upright, centred, of unit centroid size.

    Args:
        landmarks: (N, 68, 2) iBUG points, y down, finite, on any scale.
        tolerance: stop when the mean moves less than this (root of the summed squares).
        limit: most iterations; two or three suffice for faces.

    Returns:
        (68, 2) float64.

    Raises:
        ValueError: the shape is not (N, 68, 2), or a landmark is not finite.
    """
    if landmarks.ndim != 3 or landmarks.shape[1:] != (68, 2) or not landmarks.isfinite().all():
        raise ValueError(f"expected finite landmarks (N, 68, 2), got {tuple(landmarks.shape)}")
    shapes = landmarks.to(torch.float64)
    # A mirrored copy of every face makes the mean symmetric and its eyes level.
    mirrored = shapes[:, MIRROR] * shapes.new_tensor([-1, 1])
    shapes = torch.cat([_normal(shapes), _normal(mirrored)])
    mean = _normal(shapes[:1] + shapes[len(shapes) // 2 :][:1])
    for _ in range(limit):
        previous = mean
        mean = _normal(apply(similarity(shapes, mean), shapes).mean(0, keepdim=True))
        if (mean - previous).norm() < tolerance:
            break
    return mean[0]


def _normal(shapes: Tensor) -> Tensor:
    centred = shapes - shapes.mean(-2, keepdim=True)
    normal: Tensor = centred / torch.linalg.matrix_norm(centred, keepdim=True)
    return normal


@cache
def frontal() -> Tensor:
    """The packaged template, (68, 2) float64; `data/README.md` says what it was fitted on."""
    path = files("aukit_procrustes").joinpath("data/template.json")
    return torch.tensor(json.loads(path.read_text(encoding="utf-8"))["points"], dtype=torch.float64)
