"""Folds of the skin that come and go with the action units.

Many AUs show less in the outline of the face than in its folds: the lines of the forehead (AU1, 2),
the frown between the brows (AU4), crow's feet (AU6), the wrinkled nose (AU9), the furrow beside it
(AU10, 12), the dimpled chin (AU17). Where they lie follows the appearance changes that the FACS
manual describes (Ekman, Friesen and Hager 2002). They are lines on the mean head, in the plane of
the face, and ride on its texture, so they sit right on every face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from aukit.vision.raster import rasterize_fragments
from aukit_avatars.actions import AUS
from aukit_avatars.appearance import Looks
from aukit_avatars.head import Head, mix
from aukit_avatars.noise import value_noise
from aukit_avatars.randomness import uniform

SIZE = 256
"""Texels along the edge of the map."""

WINDOW = (0.2, 0.8)
"""The part of the skin's texture that the map covers, in both directions."""

Line = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Fold:
    """A crease or, with a negative depth, a bulge, on the person's left side of the face.

    Attributes:
        line: points (x, y) on the mean head, centimetres.
        depth, width: centimetres.
    """

    line: Line
    depth: float
    width: float


def _rows(heights: Sequence[float], start: float, end: float, arch: float) -> tuple[Fold, ...]:
    """Forehead lines, one above the other."""
    middle = (start + end) / 2
    return tuple(Fold(((start, y), (middle, y + arch), (end, y)), 0.05, 0.19) for y in heights)


_CROW = (
    Fold(((5.0, 2.1), (5.6, 2.6), (6.2, 3.0)), 0.034, 0.13),
    Fold(((5.0, 1.75), (5.7, 1.9), (6.6, 2.0)), 0.048, 0.14),
    Fold(((5.0, 1.45), (5.7, 1.25), (6.5, 1.0)), 0.048, 0.14),
    Fold(((4.9, 1.1), (5.5, 0.6), (6.1, 0.1)), 0.034, 0.13),
)
_INFRAORBITAL = (
    Fold(((1.75, 0.55), (2.6, 0.0), (3.7, 0.05), (4.9, 0.7)), 0.075, 0.18),
    Fold(((2.0, 0.95), (3.0, 0.6), (4.2, 0.85)), -0.05, 0.35),
)
_NASOLABIAL = ((1.62, -1.75), (2.35, -2.55), (3.05, -3.8), (3.4, -5.1))

FOLDS: dict[str, tuple[Fold, ...]] = {
    "AU01": _rows((5.5, 6.3, 7.1, 7.9), -0.1, 3.9, 0.10),
    "AU02": _rows((5.6, 6.4, 7.2), 1.6, 6.2, 0.25),
    "AU04": (
        Fold(((0.62, 2.5), (0.72, 3.5), (0.95, 4.7)), 0.085, 0.17),
        Fold(((1.35, 3.9), (1.45, 4.6), (1.6, 5.1)), 0.04, 0.15),
        Fold(((-0.1, 2.15), (0.4, 2.2), (0.85, 2.35)), 0.06, 0.15),
        Fold(((1.05, 3.0), (1.2, 3.7)), -0.05, 0.35),
    ),
    "AU06": _CROW + _INFRAORBITAL,
    "AU07": (
        Fold(((2.0, 1.05), (3.1, 0.68), (4.4, 1.05)), 0.05, 0.14),
        Fold(((2.2, 1.3), (3.1, 1.0), (4.2, 1.3)), -0.035, 0.22),
    ),
    "AU09": (
        Fold(((0.25, 2.0), (0.85, 1.7), (1.45, 1.1)), 0.09, 0.15),
        Fold(((0.25, 1.35), (0.9, 1.0), (1.5, 0.35)), 0.09, 0.15),
        Fold(((0.3, 0.6), (0.9, 0.3), (1.4, -0.25)), 0.065, 0.14),
        Fold(((-0.1, 2.35), (0.35, 2.35), (0.8, 2.45)), 0.07, 0.15),
        Fold(((1.55, -1.0), (2.0, -1.7), (2.4, -2.7)), 0.08, 0.22),
    ),
    "AU10": (
        Fold(((1.55, -1.5), (2.2, -2.2), (2.7, -3.1), (2.95, -4.0)), 0.11, 0.26),
        Fold(((2.3, -1.4), (2.9, -2.2)), -0.05, 0.55),
    ),
    "AU12": (
        Fold(_NASOLABIAL, 0.11, 0.28),
        Fold(((2.7, -1.6), (3.6, -2.6), (4.0, -3.9)), -0.04, 0.7),
    ),
    "AU14": (
        Fold(((3.15, -4.2), (3.45, -4.9), (3.25, -5.6)), 0.085, 0.26),
        Fold(((3.0, -4.9), (3.2, -4.9)), 0.06, 0.3),
    ),
    "AU15": (
        Fold(((2.65, -5.1), (3.0, -5.9), (3.15, -6.9)), 0.08, 0.2),
        Fold(((2.1, -6.6), (2.6, -6.9)), -0.05, 0.4),
    ),
    "AU17": (Fold(((-0.1, -6.95), (0.9, -7.0), (1.9, -7.35)), 0.10, 0.24),),
    "AU20": (
        Fold(((3.1, -4.3), (3.55, -5.1), (3.5, -6.0)), 0.06, 0.2),
        Fold(((1.6, -7.3), (2.8, -6.9), (3.6, -6.2)), 0.05, 0.2),
    ),
    "AU23": tuple(Fold(((x, -3.75), (1.06 * x, -3.1)), 0.022, 0.12) for x in (0.3, 0.8, 1.3, 1.8))
    + tuple(Fold(((x, -6.25), (1.05 * x, -6.8)), 0.02, 0.12) for x in (0.3, 0.9, 1.5)),
    "AU24": (
        Fold(((-0.1, -6.45), (0.9, -6.5), (1.9, -6.1)), 0.06, 0.2),
        Fold(((-0.1, -3.55), (0.9, -3.5), (1.8, -3.85)), -0.05, 0.3),
        Fold(((2.75, -4.6), (2.95, -4.9), (2.85, -5.3)), 0.05, 0.15),
    ),
    "AU28": (Fold(((-0.1, -6.9), (1.0, -6.9), (2.0, -6.4)), 0.07, 0.25),),
}

AGEING = {
    "AU01": 0.7,
    "AU02": 0.6,
    "AU04": 0.5,
    "AU06": 0.55,
    "AU07": 0.7,
    "AU10": 0.6,
    "AU12": 0.5,
}
"""How much of each set of folds stays in an old face at rest."""

_NAMES = tuple(FOLDS)


class Wrinkles:
    """Height maps of all folds on the texture of the head, and their sum for a face.

    Args:
        head: the mesh.
    """

    def __init__(self, head: Head) -> None:
        position, pixel = _positions(head)
        sides = [
            _height(name, position * position.new_tensor([side, 1.0, 1.0]))
            for name in _NAMES
            for side in (1.0, -1.0)
        ]
        self._maps = position.new_zeros(len(sides), SIZE * SIZE)
        self._maps[:, pixel] = torch.stack(sides)
        self._per_centimetre = _density(position, pixel)
        self._columns = torch.tensor([AUS.index(name) for name in _NAMES])

    def textures(self, strength: Tensor, looks: Sequence[Looks]) -> Tensor:
        """Slopes and heights of the skin.

        Args:
            strength: (B, AUs, 2) in 0..1, left and right.
            looks: B people: age deepens the folds, and leaves some at rest.

        Returns:
            (B * SIZE * SIZE, 3) float32: slope to the right and upwards, height in centimetres.
        """
        rest, gain = _habits(looks, strength.device)
        weight = strength[:, self._columns.to(strength.device)] * gain + rest
        height = mix(weight.flatten(1), self._maps).view(-1, SIZE, SIZE)
        return self._slopes(height).view(-1, 3)

    def _slopes(self, height: Tensor) -> Tensor:
        padded = functional.pad(height[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
        right = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2 * self._per_centimetre[0]
        up = (padded[:, :-2, 1:-1] - padded[:, 2:, 1:-1]) / 2 * self._per_centimetre[1]
        return torch.stack([right, up, height], dim=-1)


def to_window(uv: Tensor) -> Tensor:
    """Texture coordinates in the map of wrinkles; beyond 0..1 there are none."""
    return (uv - WINDOW[0]) / (WINDOW[1] - WINDOW[0])


def _positions(head: Head) -> tuple[Tensor, Tensor]:
    """(N, 3) places on the mean head of the texels that the face covers, and their numbers."""
    flat = functional.pad(to_window(head.uv) * SIZE, (0, 1))
    face = head.part("skin", "lips")
    texels = rasterize_fragments(flat[None], head.triangle_uv[face], (SIZE, SIZE))
    return texels.interpolate(head.triangles[face], head.vertices), texels.pixel


def _density(position: Tensor, pixel: Tensor) -> Tensor:
    """(2, SIZE, SIZE) texels per centimetre to the right and upwards, smooth."""
    grid = position.new_full((3, SIZE * SIZE), torch.nan)
    grid[:, pixel] = position.T
    grid = grid.view(3, SIZE, SIZE)
    right = torch.linalg.vector_norm(grid[:, :, 2:] - grid[:, :, :-2], dim=0) / 2
    up = torch.linalg.vector_norm(grid[:, 2:] - grid[:, :-2], dim=0) / 2
    wide = functional.pad(right, (1, 1), value=torch.nan)
    tall = functional.pad(up, (0, 0, 1, 1), value=torch.nan)
    spacing = torch.stack([wide, tall]).nan_to_num(0.1).clamp(0.03, 0.3)
    return 1 / functional.avg_pool2d(spacing, 9, stride=1, padding=4, count_include_pad=False)


def _height(name: str, position: Tensor) -> Tensor:
    """(N,) centimetres, negative in a crease, of one AU on the left side."""
    front = (position[:, 2] > 3).float()
    wobble = torch.stack([value_noise(position, 0.9, 31), value_noise(position, 0.9, 32)], dim=1)
    points = position[:, :2] + 0.10 * wobble
    height = position.new_zeros(len(position))
    uneven = 0.8 + 0.45 * value_noise(position, 0.7, 33)
    for fold in FOLDS[name]:
        height -= fold.depth * uneven * _groove(points, fold)
    if name == "AU17":
        height += _pebbles(position)
    return height * front * torch.sigmoid(position[:, 0] * 12)


def _groove(points: Tensor, fold: Fold) -> Tensor:
    """(N,) 1 on the line, fading across it and towards its ends."""
    knots = points.new_tensor(fold.line)
    start, step = knots[:-1], knots[1:] - knots[:-1]
    offset = points[:, None] - start
    share = ((offset * step).sum(-1) / step.square().sum(-1)).clamp(0, 1)
    away: Tensor = torch.linalg.vector_norm(offset - share[..., None] * step, dim=-1)
    distance, piece = away.min(dim=1)
    length: Tensor = torch.linalg.vector_norm(step, dim=1)
    before = length.cumsum(0) - length
    along = (before[piece] + share.gather(1, piece[:, None])[:, 0] * length[piece]) / length.sum()
    fade = (
        (4 * along * (1 - along)).clamp(0, 1).sqrt() if fold.line[0][0] > 0 else 1 - along.square()
    )
    return torch.exp(-(distance / fold.width).square()) * fade


def _pebbles(position: Tensor) -> Tensor:
    """The skin of the chin, dimpled like an orange."""
    x, y = position[:, 0], position[:, 1]
    where = torch.exp(-((x / 1.5).square() + ((y + 8.3) / 1.0).square()))
    return 0.055 * where * value_noise(position, 0.42, 5)


def _habits(looks: Sequence[Looks], device: torch.device) -> tuple[Tensor, Tensor]:
    """Folds at rest and the gain of moving ones, (B, folds, 1) each."""
    seeds = torch.tensor([person.seed for person in looks])
    own = uniform(seeds, "folds", len(_NAMES))
    age = torch.tensor([person.age for person in looks])[:, None]
    stay = torch.tensor([AGEING.get(name, 0.0) for name in _NAMES])
    rest = stay * (0.06 + (age - 0.25).clamp_min(0)) * (0.4 + 0.9 * own)
    gain = (0.75 + 0.5 * age) * (0.8 + 0.4 * own.flip(1))
    return rest[..., None].to(device), gain[..., None].to(device)
