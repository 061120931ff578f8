"""Aligns a regressed mesh with the landmarks.

The aligner needs 68 points to find the crop. A network trained in an hour predicts the shape of a
face better than its pose, which the points give, so the mesh is moved to match them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from aukit.vision.warp import apply, similarity
from aukit_prnet.layout import Layout
from aukit_prnet.options import Anchored

INNER = slice(17, 68)
"""The points that are anchored: those of the jaw lie elsewhere for every detector."""

_TRUST = 0.3
"""How strongly the network's turn is held to, as a share of the spread of the points."""

_REACH = 0.12
"""How far over the map the miss of a point is felt, as a share of the map's side."""

_NOISE = 1.0
"""How much of a miss is taken for noise of the points: variance beside a variance of 1."""


class Anchor:
    """Moves meshes towards landmarks.

    Args:
        layout: of the meshes.
        how: `pose` rotates, scales and shifts a mesh as a whole; `points` also deforms it so that
            its points approach the landmarks; `none` keeps it.
    """

    def __init__(self, layout: Layout, how: Anchored) -> None:
        self._how = how
        self._template = layout.template
        self._spread = _spread(layout)

    def __call__(self, meshes: Tensor, points: Tensor) -> Tensor:
        """Anchored meshes.

        Args:
            meshes: (B, V, 3) pixels, z in the same unit.
            points: (B, 68, 2) landmarks in the same pixels.

        Returns:
            (B, V, 3); the depth, whose origin is arbitrary, keeps its mean.
        """
        if self._how == "none":
            return meshes
        target = points[:, INNER]
        posed = pose(meshes, self._template.landmarks_of(meshes)[:, INNER], target)
        if self._how == "pose":
            return posed
        miss = target - self._template.landmarks_of(posed)[:, INNER, :2]
        bent = posed[..., :2] + self._spread @ miss
        return torch.cat([bent, posed[..., 2:]], -1)


def pose(meshes: Tensor, found: Tensor, wanted: Tensor) -> Tensor:
    """Rotate, scale and shift meshes so that their points approach given positions.

    First in the plane, by the similarity of least squares. Then in space, with a scaled
    orthographic camera: solve for the affine map of least squares from space to the picture,
    regularized towards no turn, and take the nearest scaled rotation (DeMenthon and Davis,
    "Model-based object pose in 25 lines of code", IJCV 1995, without its perspective).

    Args:
        meshes: (B, V, 3).
        found: (B, N, 3) the points of the meshes.
        wanted: (B, N, 2) where they are to be.

    Returns:
        (B, V, 3).
    """
    plane = similarity(found[..., :2], wanted)
    meshes, found = _carried(plane, meshes), _carried(plane, found)
    middle, target = found.mean(1, keepdim=True), wanted.mean(1, keepdim=True)
    centred = found - middle
    spread = centred.mT @ centred
    trust = _TRUST * spread.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
    eye = torch.eye(3, device=meshes.device)
    moments = (wanted - target).mT @ centred + trust * eye[:2]
    affine = torch.linalg.solve(spread + trust * eye, moments.mT).mT
    left, singular, right = torch.linalg.svd(affine, full_matrices=False)
    level = left @ right
    away = torch.linalg.cross(level[:, 0], level[:, 1])
    rotation = torch.cat([level, away[:, None]], 1)
    turned = (meshes - middle) @ rotation.mT * singular.mean(1)[:, None, None]
    posed: Tensor = turned + torch.cat([target, middle[..., 2:]], -1)
    return posed


def _carried(plane: Tensor, points: Tensor) -> Tensor:
    """(B, N, 3) carried by (B, 3, 3) similarities of the plane; the depth is scaled alike."""
    scale = torch.linalg.det(plane[:, :2, :2]).sqrt()[:, None, None]
    return torch.cat([apply(plane, points[..., :2]), points[..., 2:] * scale], -1)


def _spread(layout: Layout) -> Tensor:
    """(V, N) how far each vertex follows the miss of each point: smoothing over the map.

    Distances are those on the map, where the lips lie apart even if the mouth is closed.
    """
    side = layout.resolution
    places = torch.stack([layout.texels % side, layout.texels // side], 1) / side
    points = (places[layout.landmarks] * layout.landmark_weights[..., None]).sum(1)[INNER]
    among, onto = (_bell(torch.cdist(ends, points)) for ends in (points, places))
    noise = _NOISE * torch.eye(len(points), device=places.device)
    follow: Tensor = onto @ torch.linalg.inv(among + noise)
    return follow


def _bell(distance: Tensor) -> Tensor:
    return torch.exp(-0.5 * (distance / _REACH).square())
