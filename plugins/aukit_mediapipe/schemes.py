"""From MediaPipe's 478 mesh points to the 68 of iBUG."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import torch
from torch import Tensor


def to_68(points: Tensor) -> Tensor:
    """(n, 478, D) mesh points -> (n, 68, 2), each a weighted sum of mesh points."""
    return torch.einsum("kv,nvd->nkd", weights_of_68(), points[:, :, :2])


@cache
def weights_of_68() -> Tensor:
    """(68, 478) weights of the mesh points in each of the 68."""
    text = files("aukit_mediapipe").joinpath("data/mesh_to_68.json").read_text(encoding="utf-8")
    weights = torch.zeros(68, 478)
    for row, point in enumerate(json.loads(text)["points"]):
        for vertex, weight in point:
            weights[row, vertex] = weight
    return weights
