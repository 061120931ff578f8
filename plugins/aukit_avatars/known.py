"""Ground truth of the avatars' pictures in the types of the dataset contract."""

from __future__ import annotations

import pyarrow as pa
import torch
from torch import Tensor

from aukit.contracts.dataset import Frames, Meshes
from aukit.contracts.landmarker import IBUG68, Faces
from aukit_avatars.studio import Truth


def frames_of(rows: pa.Table, truth: Truth) -> Frames:
    """Pictures with their true landmarks."""
    return Frames(
        rows=rows,
        images=tuple(truth.images.cpu()),
        reasons=(None,) * rows.num_rows,
        faces=tuple(_face(face) for face in truth.landmarks.cpu()),
    )


def meshes_of(rows: pa.Table, truth: Truth) -> Meshes:
    """Pictures with their meshes, depth in pixels."""
    return Meshes(
        rows=rows,
        images=truth.images,
        vertices=in_pixels(truth),
        landmarks=truth.landmarks,
        cover=truth.mask,
    )


def in_pixels(truth: Truth) -> Tensor:
    """(B, V, 3) float32 vertices with the depth in pixels, 0 at the middle of the skull.

    A centimetre of depth corresponds to as many pixels as a centimetre across the picture at the
    distance of the middle of the skull (weak perspective). x and y keep the camera's perspective:
    at the usual distance of 120 cm, the tip of the nose, 11 cm closer, is magnified by a tenth.
    """
    camera, (height, _) = truth.camera, truth.images.shape[-2:]
    x, y, away = truth.vertices.unbind(-1)
    depth = (away - camera.distance[:, None]) * (height / camera.height)[:, None]
    return torch.stack([x, y, depth], -1)


def _face(points: Tensor) -> Faces:
    """The true face: the box around its landmarks, found for certain."""
    box = torch.cat([points.amin(0), points.amax(0)])[None]
    return Faces(boxes=box, scores=torch.ones(1), landmarks={IBUG68: points[None]})
