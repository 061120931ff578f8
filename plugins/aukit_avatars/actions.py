"""From action units to shapes: the facial actions of each AU and their weights.

The combination of shapes follows the descriptions of the FACS manual (Ekman, Friesen and Hager
2002); the weights are ours, judged in pictures and by the blendshapes of an independent
landmarker (`judge.py`).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from aukit.au import MAX_LEVEL
from aukit.errors import ConfigError
from aukit_avatars.head import Head, mix

CURVE = 1.3
"""Exponent from level to strength: A is a trace, C and D span more than A and B do."""

# Weights at full strength. A name without side stands for its Left and Right shape.
TABLE: dict[str, dict[str, float]] = {
    "AU01": {"browInnerUp": 1.2, "browPeak": 1.0},
    "AU02": {"browOuterUp": 0.9, "browArch": 1.0},
    "AU04": {"browDown": 0.9, "browDraw": 1.0},
    "AU05": {"eyeWide": 1.2},
    "AU06": {"cheekSquint": 0.9, "cheekRaise": 1.0, "eyeSquint": 0.35},
    "AU07": {"eyeSquint": 1.1},
    "AU09": {"noseSneer": 1.4, "noseWrinkle": 1.0, "browDown": 0.25, "mouthUpperUp": 0.3},
    "AU10": {"mouthUpperUp": 1.25, "noseSneer": 0.55},
    "AU12": {"mouthSmile": 0.95},
    "AU14": {"mouthDimple": 1.1, "cornerPit": 1.0},
    "AU15": {"mouthFrown": 1.9},
    "AU17": {"mouthShrugLower": 1.1, "mouthShrugUpper": 0.45, "chinBoss": 1.0},
    "AU20": {"mouthStretch": 1.3},
    "AU23": {"mouthPress": 0.6, "mouthPucker": 0.3, "mouthRollLower": 0.3, "mouthRollUpper": 0.3},
    "AU24": {"mouthPress": 0.8, "mouthFrown": 0.35, "mouthRollLower": 0.4, "mouthRollUpper": 0.4},
    "AU25": {"mouthLowerDown": 1.0, "mouthUpperUp": 0.4, "jawOpen": 0.06},
    "AU26": {"jawOpen": 0.5},
    "AU28": {"mouthRollLower": 1.0, "mouthRollUpper": 0.9, "jawOpen": 0.05},
    "AU43": {"eyeBlink": 1.0},
    "AU45": {"eyeBlink": 1.0},
}
AUS = tuple(TABLE)
LEFT, RIGHT = 0, 1
SIDES = ("Left", "Right")


def strengths(levels: Tensor) -> Tensor:
    """Intensity on the FACS scale, 0..5 and in between, to strength in 0..1; monotone."""
    return (levels / MAX_LEVEL) ** CURVE


def check(aus: Sequence[str], levels: Tensor) -> None:
    """Refuse AUs and levels that avatars do not have.

    Raises:
        ConfigError: an AU that avatars do not have, or a level outside 0..5.
    """
    if unknown := [au for au in aus if au not in TABLE]:
        known = ", ".join(AUS)
        raise ConfigError(f"avatars do not have {', '.join(unknown)}", f"they have {known}")
    wrong = levels[~((levels >= 0) & (levels <= MAX_LEVEL))]
    if len(wrong):
        raise ConfigError(f"AU level {float(wrong[0]):g} is outside 0..{MAX_LEVEL}")


class Face:
    """The muscles of a head: strengths of the AUs to weights of the facial-action shapes.

    Shapes add up linearly; lips and lids do not. The opening of the mouth and of each eye is a
    linear function of identity and weights, so it is computed, limited to the physically possible,
    and reached by one corrective shape. Closed lips touch and never intersect, and a fully closed
    eye stays closed whatever the other AUs do.
    """

    def __init__(self, head: Head) -> None:
        self.head = head
        self.matrix = _matrix(head)
        pairs = torch.tensor([_LIP_PAIRS, _LID_PAIRS[LEFT], _LID_PAIRS[RIGHT]])
        self._opening = _Opening(head, pairs)
        self._parting = _chosen(head, (*_MOUTH_OPENING, *_WIDENING))
        self._widening = _chosen(head, ())
        self._seal = head.action_index["lipSeal"]
        self._blink = [head.action_index["eyeBlink" + side] for side in SIDES]

    def parting_by_code(self) -> Face:
        """The same face, whose lips part only where AU25 or AU26 says so; the AUs that raise or
        stretch a lip then open them further."""
        own = copy.copy(self)
        own._parting = _chosen(self.head, _MOUTH_OPENING)
        own._widening = _chosen(self.head, _WIDENING)
        return own

    def weights(self, identity: Tensor, strength: Tensor, besides: Tensor | None = None) -> Tensor:
        """Weights of the facial-action shapes.

        Args:
            identity: (B, I) float32.
            strength: (B, AUs, 2) float32 in 0..1 and a little more, left and right, as in `AUS`.
            besides: (B, A) float32 weights of the actions that no AU asks for; lips and lids
                close over them as well.

        Returns:
            (B, A) float32 for `Head.move`.
        """
        closing = strength[:, [_EYES_CLOSED, _BLINK]].amax(1)
        others = strength.clone()
        others[:, [_EYES_CLOSED, _BLINK]] = 0
        weights = mix(others.flatten(1), self.matrix)
        if besides is not None:
            weights = weights + besides
        rest, change = self._opening(identity, weights)
        open_already = (others[:, _PARTED].amax((1, 2)) / _PARTED_FULLY).clamp_max(1)
        parting = self._parting + self._widening * open_already[:, None, None]
        parted = mix((others * parting).flatten(1), self.matrix)
        weights[:, self._seal] += self._lips(rest[:, 0] + change[:, 0], parted)
        weights[:, self._blink] += self._lids(rest[:, 1:], change[:, 1:], closing)
        return weights

    def _lips(self, opening: Tensor, parted: Tensor) -> Tensor:
        """Weight of the seal that leaves the opening that parting AUs make, never less than 0."""
        wanted = mix(parted, self._opening.actions)[:, 0].clamp_min(0)
        return (wanted - opening) / self._opening.actions[self._seal, 0]

    def _lids(self, rest: Tensor, change: Tensor, closing: Tensor) -> Tensor:
        """Weights of the blink shapes, (B, 2), so that the eyes are shut where `closing` is 1."""
        opening = rest + change
        wanted = torch.maximum(opening, _NARROWEST * rest) * (1 - closing.clamp(0, 1))
        wanted = wanted - _LID_OVERLAP * closing.clamp(0, 1)
        per_blink = torch.stack(
            [self._opening.actions[column, eye + 1] for eye, column in enumerate(self._blink)]
        )
        return (wanted - opening) / per_blink


_EYES_CLOSED, _BLINK = AUS.index("AU43"), AUS.index("AU45")
_MOUTH_OPENING = ("AU25", "AU26")
_WIDENING = ("AU09", "AU10", "AU12", "AU20")
_PARTED = [AUS.index(au) for au in _MOUTH_OPENING]
_PARTED_FULLY = 0.2  # strength of AU25 or AU26 from which other AUs open the mouth as they can
_LIP_PAIRS = ((61, 67), (62, 66), (63, 65))
_LID_PAIRS = (((43, 47), (44, 46), (44, 46)), ((37, 41), (38, 40), (38, 40)))
_NARROWEST = 0.2  # of the resting opening: what AU6 and AU7 leave at least
_LID_OVERLAP = 0.03  # centimetres, so that no slit shines between closed lids


def _chosen(head: Head, aus: Sequence[str]) -> Tensor:
    """(AUs, 1) float32: 1 for the given ones."""
    return head.vertices.new_tensor([[float(au in aus)] for au in AUS])


class _Opening:
    """Heights of mouth, left and right eye as linear functions, averaged over landmark pairs."""

    def __init__(self, head: Head, pairs: Tensor) -> None:
        upper, lower = head.landmarks68[pairs.to(head.landmarks68.device)].unbind(-1)

        def height(rows: Tensor) -> Tensor:
            y = rows.view(len(rows), -1, 3)[..., 1]
            return (y[:, upper] - y[:, lower]).mean(-1)

        self.mean = height(head.vertices.reshape(1, -1))
        self.identity = height(head.identity_basis)
        self.actions = height(head.action_basis)

    def __call__(self, identity: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3) centimetres at rest, and the change by the weights."""
        return self.mean + mix(identity, self.identity), mix(weights, self.actions)


def _matrix(head: Head) -> Tensor:
    """(AUs * 2, A): what full strength of one AU on one side adds to the weights."""
    matrix = torch.zeros(len(AUS), 2, len(head.action_names))
    for row, shapes in enumerate(TABLE.values()):
        for name, weight in shapes.items():
            for side, suffix in enumerate(SIDES):
                sided = head.action_index.get(name + suffix)
                column = head.action_index[name] if sided is None else sided
                matrix[row, side, column] += weight / 2 if sided is None else weight
    return matrix.flatten(0, 1).to(head.vertices.device)
