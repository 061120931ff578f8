"""MediaPipe's canonical face as a template: 468 of the 478 landmarks are its vertices."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import torch
from torch import Tensor

from aukit.vision.mesh import MeshTemplate
from aukit_mediapipe.schemes import weights_of_68

POINTS = 468
"""Points of the mesh; the ten after them are the irises, which lie on its triangles."""


@cache
def template() -> MeshTemplate:
    """The template; `data/README.md` says where it comes from."""
    text = files("aukit_mediapipe").joinpath("data/canonical_face.json").read_text("utf-8")
    stored = json.loads(text)
    vertices = torch.tensor(stored["vertices"])
    stable = torch.zeros(POINTS)
    for vertex, weight in stored["stable"]:
        stable[vertex] = weight
    numbers, weights = _corners(weights_of_68()[:, :POINTS])
    return MeshTemplate(
        vertices=vertices * torch.tensor([1.0, -1.0, -1.0]),
        triangles=torch.tensor(stored["triangles"]),
        landmarks=numbers,
        landmark_weights=weights,
        stable=stable,
        mirror=torch.cdist(vertices, vertices * torch.tensor([-1.0, 1.0, 1.0])).argmin(1),
    )


def _corners(weights: Tensor) -> tuple[Tensor, Tensor]:
    """(68, K) numbers and weights of the vertices that make up each point."""
    most = int((weights > 0).sum(1).max())
    values, numbers = weights.topk(most, dim=1)
    return numbers, values / values.sum(1, keepdim=True)
