"""Regions of a face, told from its 68 points, so that they are the same in every layout."""

from __future__ import annotations

import torch
from torch import Tensor

BROWS = slice(17, 27)
FEATURES = slice(27, 68)
EYE_CORNERS = (36, 39, 42, 45)
LIDS = (37, 38, 40, 41, 43, 44, 46, 47)
BRIDGE = slice(27, 31)
NOSE_TIP = 30

# Radii in units of the distance between the outer corners of the eyes.
_NEAR_FEATURE = 0.13
_NEAR_BROW = 0.2
_NEAR_BRIDGE = 0.1
_NEAR_LID = 0.1
_NEAR_CORNER = 0.05
_BESIDE = 1.3  # in units of half that distance: where the cheekbone no longer rises with the cheek


def features(vertices: Tensor, points: Tensor) -> Tensor:
    """(V,) bool: the eyes, the nose and the mouth.

    Args:
        vertices: (V, 3) of a face.
        points: (68, 3) its iBUG points.
    """
    return _near(vertices, points, FEATURES, _NEAR_FEATURE)


def stable(vertices: Tensor, points: Tensor) -> Tensor:
    """(V,) float32 in 0..1: forehead, bridge of the nose, cheekbones and corners of the eyes.

    What expressions and the jaw move counts nothing: what lies below the tip of the nose, the
    brows, the lids, and the cheeks under the eyes.

    Args:
        vertices: (V, 3) of a face seen from the front, y down.
        points: (68, 3) its iBUG points.
    """
    corners = points[list(EYE_CORNERS)]
    under_eyes = vertices[:, 1] > corners[:, 1].mean()
    half = (corners[-1, 0] - corners[0, 0]) / 2
    beside = (vertices[:, 0] - corners[:, 0].mean()).abs() > _BESIDE * half
    cheek = under_eyes & ~beside & ~_near(vertices, points, BRIDGE, _NEAR_BRIDGE)
    brow = _near(vertices, points, BROWS, _NEAR_BROW)
    lid = _near(vertices, points, LIDS, _NEAR_LID)
    corner = _near(vertices, points, EYE_CORNERS, _NEAR_CORNER)
    upper = vertices[:, 1] < points[NOSE_TIP, 1]
    return (upper & (corner | ~(brow | lid | cheek))).float()


def _near(vertices: Tensor, points: Tensor, which: slice | tuple[int, ...], reach: float) -> Tensor:
    rows = torch.arange(68)[which] if isinstance(which, slice) else torch.tensor(which)
    eyes = (points[EYE_CORNERS[-1]] - points[EYE_CORNERS[0]]).norm()
    near: Tensor = torch.cdist(vertices, points[rows.to(points.device)]).amin(1) < reach * eyes
    return near
