"""From faces in pictures to dense meshes: crop, network, and the way back, in batches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from aukit.contracts.landmarker import IBUG68, Faces
from aukit.machine.devices import precision
from aukit.vision.registered import NO_FACE, NOT_FINITE, TOO_SMALL, first_reasons
from aukit_prnet import crop
from aukit_prnet.anchor import Anchor
from aukit_prnet.options import Anchored
from aukit_prnet.weights import Weights

NETWORK_NOT_FINITE = "network output not finite"

_LEAST_SIDE = 4.0
"""Pixels of the source: a crop of less shows nothing."""


class Predictor:
    """Finds the mesh of one face per picture.

    Args:
        weights: network and layout.
        device: where to compute.
        batch: most faces that go through the network at a time.
        anchor: how meshes are aligned with the 68 points; see `Anchor`.
    """

    def __init__(
        self, weights: Weights, device: str, batch: int, anchor: Anchored = "none"
    ) -> None:
        self.device = torch.device(device)
        self.layout = weights.layout.to(self.device)
        self._batch = batch
        self._upright = weights.upright
        self._anchor = Anchor(self.layout, anchor)
        self._on_gpu = self.device.type == "cuda"
        self._network = weights.network.to(self.device)
        if self._on_gpu:
            self._network = self._network.to(memory_format=torch.channels_last)

    def meshes(
        self, images: Sequence[Tensor], faces: Sequence[Faces]
    ) -> tuple[Tensor, tuple[str | None, ...]]:
        """Meshes of a batch.

        Args:
            images: B uint8 tensors (3, H, W), any sizes.
            faces: B `Faces` of length one, with 68 points or at least a box, or of length zero.

        Returns:
            (B, V, 3) float32 source pixels, z in the same unit, smaller is nearer; and length B
            reasons, None for a good row. Rows with a reason hold zeros.
        """
        resolution = self.layout.resolution
        crops = self._crops(faces)
        scale = torch.linalg.det(crops[:, :2, :2]).abs().sqrt()
        checks = (
            (NO_FACE, [len(face) == 0 for face in faces]),
            (NOT_FINITE, (~crops.isfinite()).flatten(1).any(1).tolist()),
            (TOO_SMALL, (scale > resolution / _LEAST_SIDE).tolist()),
        )
        reasons = first_reasons(checks, [None] * len(faces))
        meshes = torch.zeros(len(faces), len(self.layout.texels), 3, device=self.device)
        good = [row for row, reason in enumerate(reasons) if reason is None]
        for rows in (good[i : i + self._batch] for i in range(0, len(good), self._batch)):
            meshes[rows] = self._infer([images[row] for row in rows], crops[rows])
        self._bring_into_line(meshes, faces, good)
        broken = (~meshes.isfinite()).flatten(1).any(1)
        meshes.masked_fill_(broken[:, None, None], 0.0)
        return meshes, first_reasons([(NETWORK_NOT_FINITE, broken.tolist())], reasons)

    def _bring_into_line(self, meshes: Tensor, faces: Sequence[Faces], good: list[int]) -> None:
        rows = [row for row in good if IBUG68 in faces[row].landmarks]
        finite = meshes.isfinite().flatten(1).all(1).tolist()
        rows = [row for row in rows if finite[row]]
        if rows:
            points = torch.cat([faces[row].landmarks[IBUG68][:1, :, :2] for row in rows])
            meshes[rows] = self._anchor(meshes[rows], points.to(meshes))

    def _crops(self, faces: Sequence[Faces]) -> Tensor:
        """(B, 3, 3) source pixels -> crop pixels; the identity for no face."""
        crops = torch.eye(3, dtype=torch.float64).repeat(len(faces), 1, 1)
        pointed = [row for row, face in enumerate(faces) if len(face) and IBUG68 in face.landmarks]
        boxed = [row for row, face in enumerate(faces) if len(face) and row not in pointed]
        if pointed:
            points = torch.cat([faces[row].landmarks[IBUG68][:1, :, :2].cpu() for row in pointed])
            shape = self.layout.resolution, self._upright
            crops[pointed] = crop.around_points(points.double(), *shape)
        if boxed:
            boxes = torch.cat([faces[row].boxes[:1].cpu() for row in boxed])
            crops[boxed] = crop.around_boxes(boxes.double(), self.layout.resolution)
        return crops

    @torch.inference_mode()
    def _infer(self, images: Sequence[Tensor], crops: Tensor) -> Tensor:
        resolution = self.layout.resolution
        pictures = crop.cut([image.to(self.device) for image in images], crops, resolution)
        if self._on_gpu:
            pictures = pictures.contiguous(memory_format=torch.channels_last)
        with precision(self.device.type):
            maps = self._network(pictures).float()
        found = self.layout.vertices_of(maps)
        return crop.undo(found, crops.to(found), resolution, self.layout.depth)
