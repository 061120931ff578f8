"""Facial actions of our own, where the packaged ones are weak: brow raise and draw, cheek raise,
nose wrinkle, chin boss and dimple.

Each is a sum of soft pushes: a place on the face (a landmark plus an offset), a reach and a
displacement, all in centimetres, given for the person's left side and mirrored for the right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Push:
    """Move the skin around a place.

    Attributes:
        landmark: index into the 68 points, on the person's left side or on the midline.
        offset: from the landmark to the place.
        reach: standard deviation of the Gaussian weight.
        by: displacement at the place.
    """

    landmark: int
    offset: Triple
    reach: float
    by: Triple


PUSHES: dict[str, tuple[Push, ...]] = {
    # AU1 and AU2, frontalis: the packaged raisers carry a narrow strip, which kinks the brow.
    "browPeak": (
        Push(22, (0.0, 0.1, 0.0), 0.8, (0.03, 0.34, 0.04)),
        Push(22, (0.2, 1.3, 0.0), 1.1, (0.0, 0.22, 0.02)),
    ),
    "browArch": (
        Push(24, (0.5, 0.0, 0.0), 0.9, (0.02, 0.40, 0.0)),
        Push(26, (-0.3, 0.2, 0.0), 0.9, (0.02, 0.30, 0.0)),
        Push(24, (0.4, 1.4, 0.0), 1.1, (0.0, 0.22, 0.0)),
    ),
    # AU4, corrugator: the inner brow goes down and towards the midline, and thickens.
    "browDraw": (
        Push(22, (-0.2, 0.0, 0.0), 0.9, (-0.34, -0.26, 0.14)),
        Push(23, (0.0, 0.0, 0.0), 0.9, (-0.22, -0.24, 0.08)),
        Push(25, (0.0, 0.0, 0.0), 1.0, (-0.10, -0.16, 0.0)),
        Push(27, (0.0, 0.9, 0.0), 0.45, (0.0, 0.0, -0.06)),
    ),
    # AU6, orbicularis oculi: the cheek rises and bulges under the eye, the outer corner gathers.
    "cheekRaise": (
        Push(46, (0.1, -1.7, 0.0), 0.95, (-0.05, 0.40, 0.28)),
        Push(45, (0.5, -1.4, 0.0), 0.9, (-0.12, 0.26, 0.12)),
    ),
    # AU9, levator labii superioris alaeque nasi: wings and sides of the nose go up, skin piles up.
    "noseWrinkle": (
        Push(35, (0.25, 0.25, -0.3), 0.6, (0.05, 0.26, 0.02)),
        Push(28, (0.8, -0.1, -0.4), 0.6, (-0.04, 0.26, 0.14)),
        Push(27, (0.55, 0.1, -0.2), 0.5, (-0.04, -0.06, 0.08)),
        Push(35, (1.2, 0.6, -0.6), 0.8, (-0.10, 0.26, 0.12)),
    ),
    # AU17, mentalis: the chin boss is pushed up, the lower lip with it.
    "chinBoss": (
        Push(57, (0.45, -1.3, 0.0), 0.8, (0.0, 0.26, 0.10)),
        Push(57, (0.3, -0.4, 0.0), 0.5, (0.0, 0.10, 0.08)),
    ),
    # AU14, buccinator: the corner of the mouth is drawn in and back, flesh bulges around it.
    "cornerPit": (
        Push(54, (0.15, 0.0, 0.0), 0.38, (0.12, 0.0, -0.34)),
        Push(54, (0.75, 0.1, -0.2), 0.40, (0.0, 0.0, 0.14)),
    ),
}  # fmt: skip


def sculpted_actions(
    vertices: Array, landmarks: npt.NDArray[np.int64], skin: npt.NDArray[np.bool_]
) -> dict[str, Array]:
    """Displacements by name, `browDrawLeft` and so on.

    Args:
        vertices: (V, 3) of the neutral head, centimetres.
        landmarks: (68,) rows of `vertices`.
        skin: (V,) which vertices may move.

    Returns:
        (V, 3) each, centimetres.
    """
    shapes = {}
    for name, pushes in PUSHES.items():
        for side, sign in (("Left", 1.0), ("Right", -1.0)):
            mirror = np.array([sign, 1.0, 1.0])
            shapes[name + side] = sum(
                (_displacement(vertices * mirror, landmarks, push) * mirror for push in pushes),
                np.zeros_like(vertices),
            ) * skin[:, None]  # fmt: skip
    return shapes


def lip_seal(vertices: Array, landmarks: npt.NDArray[np.int64], jaw_open: Array) -> Array:
    """The lower lip rises by a millimetre at most, and nothing else: the jaw's motion, reversed and
    confined to a band below the line where the lips meet. It lets closed lips touch on any face.

    Args:
        vertices, landmarks: as for `sculpted_actions`.
        jaw_open: (V, 3), the displacement of the packaged `jawOpen`.
    """
    line = vertices[landmarks[60:68]].mean(0)
    offset = (vertices - line) / np.array([2.6, 0.5, 1.6])
    band = np.exp(-0.5 * (offset**2).sum(1))
    band[band < 0.01] = 0
    lower = jaw_open[:, 1] / jaw_open[:, 1].min()
    rise = 0.1 * band * np.clip(lower / lower[landmarks[66]], 0, 1)
    shape: Array = rise[:, None] * np.array([0.0, 1.0, 0.0])
    return shape


def _displacement(vertices: Array, landmarks: npt.NDArray[np.int64], push: Push) -> Array:
    place = _position(vertices, landmarks, push.landmark) + np.array(push.offset)
    distance = np.linalg.norm(vertices - place, axis=1)
    weight = np.exp(-0.5 * (distance / push.reach) ** 2)
    weight[weight < 0.01] = 0
    shape: Array = weight[:, None] * np.array(push.by)
    return shape


def _position(vertices: Array, landmarks: npt.NDArray[np.int64], landmark: int) -> Array:
    """The landmark on the side where x is positive, whatever side `vertices` were mirrored to."""
    place: Array = vertices[landmarks[landmark]].copy()
    place[0] = abs(place[0])
    return place
