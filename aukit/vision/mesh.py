"""The mesh template of a 3D aligner."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from aukit.vision.registered import OUTER_EYES
from aukit.vision.warp import apply, similarity


@dataclass(frozen=True)
class MeshTemplate:
    """A mean face in frontal view, with the meaning of its vertices.

    All faces have the same vertices in the same order, so that fitting a face's vertices to the
    template's gives the rotation, position and scale of the head.

    Attributes:
        vertices: (V, 3) float32: x to the right of the picture, y down, z away from the camera; any
            unit.
        triangles: (T, 3) int64 vertex numbers; triangles facing the camera all have the same
            orientation.
        landmarks: (68, K) int64 vertices whose weighted sum is each iBUG point.
        landmark_weights: (68, K) float32, rows sum to 1; unused corners have weight 0.
        stable: (V,) float32 >= 0, weight of a vertex in the fit; low where expressions and the jaw
            move it.
        mirror: (V,) int64, the vertex on the other side of the face; None if unknown.

    Raises:
        ValueError: shapes or vertex numbers are inconsistent.
    """

    vertices: Tensor
    triangles: Tensor
    landmarks: Tensor
    landmark_weights: Tensor
    stable: Tensor
    mirror: Tensor | None = None

    def __post_init__(self) -> None:
        count = len(self.vertices)
        if self.vertices.shape != (count, 3) or self.stable.shape != (count,):
            raise ValueError("vertices must be (V, 3) and stable (V,)")
        if self.triangles.ndim != 2 or self.triangles.shape[1] != 3:
            raise ValueError(f"triangles must be (T, 3), not {tuple(self.triangles.shape)}")
        if len(self.landmarks) != 68 or self.landmarks.shape != self.landmark_weights.shape:
            raise ValueError("landmarks and landmark_weights must both be (68, K)")
        if self.mirror is not None and self.mirror.shape != (count,):
            raise ValueError("mirror must be (V,)")
        numbers = [self.triangles, self.landmarks]
        numbers += [] if self.mirror is None else [self.mirror]
        if any(n.dtype != torch.int64 or n.min() < 0 or n.max() >= count for n in numbers):
            raise ValueError(f"vertex numbers must be int64 in 0..{count - 1}")
        if not (self.stable >= 0).all() or (self.stable > 0).sum() < 4:
            raise ValueError("stable must be non-negative, with at least four positive weights")

    def landmarks_of(self, vertices: Tensor) -> Tensor:
        """The 68 points of meshes: (..., V, C) vertices give (..., 68, C)."""
        corners = vertices[..., self.landmarks, :]
        points: Tensor = (corners * self.landmark_weights[..., None]).sum(-2)
        return points

    @cached_property
    def _used(self) -> Tensor:
        """Vertices that triangles are made of."""
        used: Tensor = torch.bincount(self.triangles.flatten()).nonzero().squeeze(1)
        return used

    def misfit(self, vertices: Tensor) -> Tensor:
        """Distance of meshes from the shape of this one.

        Args:
            vertices: (B, V, 3), any unit.

        Returns:
            (B,) root mean square distance of the vertices after a least-squares similarity, in
            distances between the outer eye corners. With the bundled aligners, real faces with any
            expression had up to 0.08 (94 faces), and non-faces 0.06 to 0.30.
        """
        source, target = vertices[:, self._used].double(), self.vertices[self._used].double()
        away = apply(similarity(source, target), source) - target
        points = self.landmarks_of(self.vertices)
        left, right = OUTER_EYES
        eyes = (points[left] - points[right]).norm()
        misfit: Tensor = (away.square().sum(-1).mean(-1).sqrt() / eyes).float()
        return misfit

    def to(self, device: str | torch.device) -> MeshTemplate:
        """The template with its tensors on a device."""
        return MeshTemplate(
            self.vertices.to(device),
            self.triangles.to(device),
            self.landmarks.to(device),
            self.landmark_weights.to(device),
            self.stable.to(device),
            None if self.mirror is None else self.mirror.to(device),
        )
