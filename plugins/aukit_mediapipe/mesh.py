"""Face mesh and blendshapes: from a detection to 478 landmarks and 52 expression scores.

The networks are described by Grishchenko et al., "Attention Mesh: High-fidelity Face Mesh
Prediction in Real-time", arXiv:2006.10962, and in MediaPipe's model cards (Face Mesh V2,
Blendshape V2). Region, thresholds and the landmark subset follow MediaPipe's graphs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from aukit.vision.warp import apply, invert, place, warp
from aukit_mediapipe.detector import Detections
from aukit_mediapipe.litert import Array, Model

INPUT = 256
"""Side of the square that the mesh network sees."""

POINTS = 478

MOST_MISFIT = 0.13
"""Largest `MeshTemplate.misfit` of a face. Where the detector takes two people for one, the network
says so by its presence, or else by a mesh that is no face's."""

_MARGIN = 1.5
"""Side of the region seen, in sides of the detected box."""

# fmt: off
BLENDSHAPE_POINTS = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65,
    66, 67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136,
    144, 145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172,
    173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283,
    284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321, 323, 324,
    332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385,
    386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472,
    473, 474, 475, 476, 477,
)
"""The 146 mesh points that the blendshape network reads."""
# fmt: on


def regions(detections: Detections) -> Tensor:
    """Transforms (n, 3, 3) from picture pixels to the upright square around each face."""
    boxes = torch.from_numpy(detections.boxes)
    eyes = torch.from_numpy(detections.keypoints[:, 1] - detections.keypoints[:, 0])
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    side = _MARGIN * (boxes[:, 2:] - boxes[:, :2]).amax(1)
    angle = torch.atan2(eyes[:, 1], eyes[:, 0])
    return place(INPUT / side, -angle, centre, torch.tensor([INPUT / 2, INPUT / 2]))


def landmarks(model: Model, images: Sequence[Tensor], transforms: Tensor) -> tuple[Tensor, Tensor]:
    """Run the mesh network on one region of each picture.

    Args:
        model: the mesh network.
        images: n uint8 pictures (3, H, W).
        transforms: (n, 3, 3) picture pixels -> the network's square.

    Returns:
        (n, 478, 3) landmarks in picture pixels (z grows away from the camera, 0 near the centre of
        the head, on the scale of x) and (n,) presence of a face, 0..1.
    """
    seen = warp(images, transforms, INPUT, border="replicate").permute(0, 2, 3, 1).contiguous()
    pixels: Array = seen.cpu().numpy().astype(np.float32) / np.float32(255)
    outputs = model(pixels)
    points = torch.from_numpy(outputs[0].reshape(-1, POINTS, 3))
    scale = torch.linalg.det(transforms[:, :2, :2]).sqrt()
    plane = apply(invert(transforms), points[..., :2])
    depth = points[..., 2:] / scale[:, None, None]
    return torch.cat([plane, depth], dim=-1), torch.from_numpy(outputs[1][:, 0]).sigmoid()


def blendshapes(model: Model, points: Tensor) -> Tensor:
    """(n, 478, 3) landmarks in pixels -> (n, 52) expression scores, 0..1."""
    subset: Array = points[:, BLENDSHAPE_POINTS, :2].contiguous().numpy()
    return torch.from_numpy(model(subset)[0])
