"""Errors of predicted meshes."""

from __future__ import annotations

import torch
from torch import Tensor

from aukit.vision.mesh import MeshTemplate

OUTER_EYES = (36, 45)
"""The iBUG points between which the inter-ocular distance is measured."""


def inter_ocular(landmarks: Tensor) -> Tensor:
    """(..., 68, C) landmarks to (...,) distances between the outer corners of the eyes.

    With C = 2 it shrinks when the head turns, as in benchmarks of near-frontal photographs; with
    C = 3 it does not.
    """
    left, right = (landmarks[..., point, :] for point in OUTER_EYES)
    distance: Tensor = torch.linalg.vector_norm(left - right, dim=-1)
    return distance


def box_side(landmarks: Tensor) -> Tensor:
    """(..., 68, C) landmarks to (...,) geometric mean sides of their boxes in the picture.

    The scale of AFLW2000-3D's protocol (Zhu et al., "Face Alignment Across Large Poses", CVPR 2016,
    section 6.1), for heads in any pose.
    """
    plane = landmarks[..., :2]
    return (plane.amax(-2) - plane.amin(-2)).prod(-1).sqrt()


def nme(predicted: Tensor, truth: Tensor, scale: Tensor) -> Tensor:
    """Normalized mean error of each face.

    Args:
        predicted: (B, N, C) points, C = 2 or 3.
        truth: (B, N, C), the true points.
        scale: (B,) distance that counts as 1.

    Returns:
        (B,) mean distance between the points, as a share of the scale.
    """
    error: Tensor = torch.linalg.vector_norm(predicted - truth, dim=-1).mean(-1) / scale
    return error


def same_depth(predicted: Tensor, truth: Tensor) -> Tensor:
    """(B, N, 3) predictions, moved in depth so that their mean depth is the true one.

    A picture does not determine the distance of a face, so only differences in depth count.
    """
    shift = (truth[..., 2] - predicted[..., 2]).mean(-1, keepdim=True)
    return torch.cat([predicted[..., :2], (predicted[..., 2] + shift)[..., None]], -1)


def errors(predicted: Tensor, truth: Tensor, template: MeshTemplate) -> dict[str, Tensor]:
    """Every measure of a batch of meshes.

    Args:
        predicted, truth: (B, V, 3) vertices of the template's mesh, one unit for x, y and z.
        template: which of them are landmarks.

    Returns:
        measure -> (B,) shares. `68`: the 68 points in the picture by the inter-ocular distance in
        the picture. `68 turned`: the same by the distance in space, which does not shrink when the
        head turns. `68 box`: by the side of their box. `68 space` and `dense`: the errors in space
        of the 68 points and of all vertices, by the distance in space.
    """
    predicted = same_depth(predicted, truth)
    found, known = template.landmarks_of(predicted), template.landmarks_of(truth)
    flat, space = inter_ocular(known[..., :2]), inter_ocular(known)
    return {
        "68": nme(found[..., :2], known[..., :2], flat),
        "68 turned": nme(found[..., :2], known[..., :2], space),
        "68 box": nme(found[..., :2], known[..., :2], box_side(known)),
        "68 space": nme(found, known, space),
        "dense": nme(predicted, truth, space),
    }
