"""What hides parts of a face: glasses, hair over the brows, a hand, a mask. Meshes, lit like faces.

Each is placed by the 68 points of the face that wears it, so it fits any head. Which a person wears
is drawn from the person's seed (glasses, hair), the scene's (a mask) or the picture's (a hand).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from aukit_avatars.appearance import Looks, skin_tone
from aukit_avatars.randomness import uniform

GLASSES, FRINGE, HAND, MASK = 0.22, 0.2, 0.1, 0.06
"""Shares of the people, people, pictures and scenes that have them."""

SIDES = 6
"""Corners of the cross-section of a tube."""

RIM, AROUND = 20, 1.25
"""Points along a rim; the lens is that much wider than the eye socket, centimetres."""

LENS = 0.12
"""How much of what is behind it a lens hides."""

STRANDS, ALONG = 15, 9
FINGERS, JOINTS = 4, 9
ROWS, COLUMNS = 9, 13
"""Strands of the fringe and points along each; fingers and points along each; the mask's grid."""


@dataclass(frozen=True)
class Props:
    """What B faces wear.

    Attributes:
        points: (B, P, 3) float32 centimetres in the head's frame; NaN for what is not there.
        colour: (B, P, 3) linear reflectance.
        gloss: (P,) strength of highlights.
        cover: (P,) how much of what is behind it a surface hides, 0..1.
        triangles: (T, 3) int64, seen from both sides.
    """

    points: Tensor
    colour: Tensor
    gloss: Tensor
    cover: Tensor
    triangles: Tensor

    def __getitem__(self, rows: slice) -> Props:
        return Props(self.points[rows], self.colour[rows], self.gloss, self.cover, self.triangles)

    def to(self, device: torch.device | str) -> Props:
        """The same on another device."""
        return Props(*(getattr(self, field.name).to(device) for field in fields(self)))


@dataclass(frozen=True)
class _Piece:
    """Part of what is worn: points (B, P, 3), triangles (T, 3), colour (B, 3), gloss and cover."""

    points: Tensor
    triangles: Tensor
    colour: Tensor
    gloss: float = 0.03
    cover: float = 1.0


def worn(
    marks: Tensor,
    forehead: Tensor,
    looks: Sequence[Looks],
    person: Tensor,
    scene: Tensor,
    picture: Tensor,
) -> Props:
    """What some faces wear.

    Args:
        marks: (B, 68, 3) the faces' points in the head's frame, centimetres.
        forehead: (B, M, 3) points from the brows up to the hair.
        looks: B people's looks: hands have the colour of their skin, strands that of their hair.
        person, scene, picture: (B,) int64 seeds.
    """
    pieces = [
        *_glasses(marks, person),
        *_fringe(marks, forehead, looks, person),
        *_hand(marks, looks, picture),
        *_mask(marks, scene),
    ]
    counts = [piece.points.shape[1] for piece in pieces]
    first = torch.tensor([0, *counts]).cumsum(0)[:-1].tolist()
    count = torch.tensor(counts)
    return Props(
        points=torch.cat([piece.points for piece in pieces], 1),
        colour=torch.cat(
            [piece.colour.to(marks)[:, None].expand_as(piece.points) for piece in pieces], 1
        ),
        gloss=marks.new_tensor([piece.gloss for piece in pieces]).repeat_interleave(count),
        cover=marks.new_tensor([piece.cover for piece in pieces]).repeat_interleave(count),
        triangles=torch.cat(
            [piece.triangles + start for piece, start in zip(pieces, first, strict=True)]
        ).to(marks.device),
    )


def _only(points: Tensor, there: Tensor) -> Tensor:
    """NaN where the prop is not there, so that its triangles are dropped."""
    return torch.where(there.to(points.device)[:, None, None], points, torch.nan)


def _glasses(marks: Tensor, person: Tensor) -> list[_Piece]:
    chance = uniform(person, "glasses", 8)
    there, shape = chance[:, 0] < GLASSES, chance[:, 1:].to(marks)
    dark = (0.02 + 0.25 * shape[:, :1] ** 2) * (0.4 + 0.6 * shape[:, 1:4])
    radius = 0.09 + 0.14 * shape[:, 4]
    front = marks[:, [21, 22, 27, 28]][..., 2].amax(1) + 0.5
    pieces = []
    for eye, ear in ((slice(36, 42), 0), (slice(42, 48), 16)):
        rim = _rim(marks[:, eye], front, shape)
        middle = rim.mean(1, keepdim=True)
        side = rim[:, [0 if ear else RIM // 2]]
        temple = _between(side, marks[:, ear, None] - marks.new_tensor([0, -3.2, 3.0]), 8)
        pieces += [
            _tube(_only(rim, there), radius, dark, closed=True),
            _tube(_only(temple, there), 0.8 * radius, dark),
            _Piece(_only(torch.cat([middle, rim], 1), there), _fan(), dark, 0.6, LENS),
        ]
    inner = [marks[:, column, None] for column in (39, 42)]
    ends = [torch.cat([point[..., :2], front[:, None, None]], -1) for point in inner]
    bridge = _between(ends[0], ends[1], 6)
    return [*pieces, _tube(_only(bridge, there), radius, dark)]


def _rim(eye: Tensor, front: Tensor, shape: Tensor) -> Tensor:
    """(B, RIM, 3) a rounded box round an eye, in a plane before the brow."""
    angle = torch.linspace(0, 2 * torch.pi, RIM + 1)[:-1].to(eye)
    middle = eye.mean(1)
    wide = (eye[..., 0].amax(1) - eye[..., 0].amin(1)) / 2 + AROUND * (0.75 + 0.3 * shape[:, 5])
    high = wide * (0.62 + 0.3 * shape[:, 6])
    box = 2.2 + 3.0 * shape[:, 0]  # exponent of the superellipse: 2 is round
    x = angle.cos().sign() * angle.cos().abs() ** (2 / box[:, None])
    y = angle.sin().sign() * angle.sin().abs() ** (2 / box[:, None])
    low = middle[:, 1] - 0.25 * high
    z = front[:, None] - 0.035 * (middle[:, :1] + wide[:, None] * x) ** 2 * 0.5
    return torch.stack([middle[:, :1] + wide[:, None] * x, low[:, None] + high[:, None] * y, z], -1)


def _fringe(
    marks: Tensor, forehead: Tensor, looks: Sequence[Looks], person: Tensor
) -> list[_Piece]:
    """Locks that hang from the hairline over the brows, some of them into the eyes."""
    chance = uniform(person, "fringe", 4 + 4 * STRANDS)
    bald = torch.tensor([one.style in ("bald", "shaven") for one in looks])
    there = (chance[:, 0] < FRINGE) & ~bald
    hair = torch.tensor([_grown(one) for one in looks])
    own = chance[:, 4:].view(-1, STRANDS, 4).to(marks)
    middle, high = marks[:, 27, 0], marks[:, 17:27, 1].mean(1)
    top = forehead[..., 1].amax(1) + 0.9
    lean = (chance[:, 1] - 0.5).to(marks) * 4
    step = torch.linspace(0, 1, ALONG).to(marks)
    pieces = []
    for strand in range(STRANDS):
        part = own[:, strand]
        root = middle + 0.6 * (strand - (STRANDS - 1) / 2) + 0.4 * (part[:, 0] - 0.5)
        tip = 1.15 * (root - middle) + middle + lean + part[:, 1] - 0.5
        low = high + 0.9 - 2.4 * part[:, 2] ** 2
        x = torch.lerp(root[:, None], tip[:, None], step**1.5)
        y = torch.lerp(top[:, None], low[:, None], step)
        z = _envelope(torch.stack([x, y], -1), forehead) + 0.12
        taper = (1.02 - step**2) * (0.2 + 0.22 * part[:, 3:4])
        path = _only(torch.stack([x, y, z], -1), there)
        pieces.append(_tube(path, taper, hair, gloss=0.08))
    return pieces


def _hand(marks: Tensor, looks: Sequence[Looks], picture: Tensor) -> list[_Piece]:
    """Fingers of a hand before the mouth, the chin, a cheek or an eye."""
    chance = uniform(picture, "hand", 8).to(marks)
    there = chance[:, 0] < HAND
    skin = torch.tensor([skin_tone(one.melanin) for one in looks])
    places = marks[:, [57, 8, 3, 13, 40, 46]]
    target = places[torch.arange(len(marks)), (chance[:, 1] * 6).long()]
    side = torch.where(chance[:, 2] < 0.5, -1.0, 1.0)
    angle = (0.15 + 0.9 * chance[:, 3]) * side
    along = torch.stack([angle.sin(), angle.cos(), 0 * angle], -1)
    across = torch.stack([angle.cos(), -angle.sin(), 0 * angle], -1)
    front = (marks[..., 2].amax(1) + target[:, 2]) / 2 + 0.6
    middle = torch.stack([target[:, 0], target[:, 1], front], -1)
    step = torch.linspace(0, 1, JOINTS).to(marks)
    round_end = (1 - (2 * step - 1).abs() ** 6) ** 0.5 + 0.05
    pieces = []
    for finger in range(FINGERS):
        offset = (finger - 1.5) * 1.65
        reach = marks.new_tensor([6.2, 7.4, 7.0, 5.4])[finger]
        tip = middle + offset * across + (reach - 3.5) * along
        root = middle + 0.9 * offset * across - 5.0 * along
        path = _between(root[:, None], tip[:, None], JOINTS)
        pieces.append(_tube(_only(path, there), 0.85 * round_end[None], skin, gloss=0.03))
    palm = _between((middle - 4.0 * along)[:, None], (middle - 13.0 * along)[:, None], JOINTS)
    pieces.append(_tube(_only(palm, there), 3.4 * round_end[None], skin, gloss=0.03, flat=0.4))
    return pieces


def _mask(marks: Tensor, scene: Tensor) -> list[_Piece]:
    """Cloth from the bridge of the nose to below the chin: the envelope of the points below it."""
    chance = uniform(scene, "mask", 5)
    there = chance[:, 0] < MASK
    cloth = 0.15 + 0.6 * chance[:, 1:2] * (0.6 + 0.4 * chance[:, 2:5])
    across = torch.linspace(-1, 1, COLUMNS).to(marks)
    down = torch.linspace(0, 1, ROWS).to(marks)
    top, low = marks[:, 28, 1], marks[:, 8, 1] - 0.7
    half = (marks[:, 14, 0] - marks[:, 2, 0]).abs() / 2
    y = torch.lerp(top[:, None], low[:, None], down)[..., None].expand(-1, -1, COLUMNS)
    narrow = 1 - 0.35 * down**2
    x = half[:, None, None] * narrow[:, None] * across
    below = marks[:, [*range(17), *range(28, 36), *range(48, 60)]]
    z = _envelope(torch.stack([x, y], -1).flatten(1, 2), below) + 0.5
    points = torch.stack([x.flatten(1), y.flatten(1), z], -1)
    return [_Piece(_only(points, there), _grid(ROWS, COLUMNS), cloth, 0.0)]


def _envelope(places: Tensor, below: Tensor) -> Tensor:
    """(B, N) height at (B, N, 2) of a cloth over (B, M, 3): the largest of hanging paraboloids."""
    away = (places[:, :, None] - below[:, None, :, :2]).square().sum(-1)
    return (below[:, None, :, 2] - 0.12 * away).amax(-1)


def _grown(looks: Looks) -> tuple[float, float, float]:
    """Hair with the grey in it."""
    red, green, blue = (value + looks.grey * (0.4 - value) for value in looks.hair)
    return red, green, blue


def _between(start: Tensor, end: Tensor, count: int) -> Tensor:
    """(B, count, 3) from (B, 1, 3) to (B, 1, 3)."""
    return torch.lerp(start, end, torch.linspace(0, 1, count).to(start)[:, None])


def _tube(
    path: Tensor,
    radius: Tensor,
    colour: Tensor,
    *,
    closed: bool = False,
    gloss: float = 0.15,
    flat: float = 1.0,
) -> _Piece:
    """A tube along (B, N, 3), of (B,) or (B or 1, N) radius; `flat` squeezes its depth."""
    ahead = torch.roll(path, -1, 1) - torch.roll(path, 1, 1)
    if not closed:
        ahead[:, 0], ahead[:, -1] = path[:, 1] - path[:, 0], path[:, -1] - path[:, -2]
    ahead = functional.normalize(ahead, dim=-1)
    depth = path.new_tensor([0.0, 0.0, 1.0]).expand_as(ahead)
    side = functional.normalize(torch.linalg.cross(ahead, depth), dim=-1)
    # A path that runs into the depth has no side of its own.
    side = torch.where(ahead[..., 2:].abs() > 0.98, path.new_tensor([1.0, 0, 0]), side)
    up = flat * torch.linalg.cross(side, ahead)
    angle = torch.linspace(0, 2 * torch.pi, SIDES + 1)[:-1].to(path)
    ring = angle.cos()[:, None] * side[:, :, None] + angle.sin()[:, None] * up[:, :, None]
    wide = radius[:, None] if radius.dim() == 1 else radius
    points = path[:, :, None] + wide.to(path)[..., None, None] * ring
    return _Piece(points.flatten(1, 2), _sleeve(path.shape[1], closed), colour, gloss)


@lru_cache(maxsize=16)
def _sleeve(count: int, closed: bool) -> Tensor:
    """Triangles between `count` rings of `SIDES` points."""
    row = torch.arange(count if closed else count - 1)[:, None] * SIDES
    here = torch.arange(SIDES)[None]
    after = (here + 1) % SIDES
    next_row = (row + SIDES) % (count * SIDES)
    a, b, c, d = row + here, row + after, next_row + here, next_row + after
    return torch.cat([torch.stack([a, b, c], -1), torch.stack([b, d, c], -1)]).view(-1, 3)


@lru_cache(maxsize=1)
def _fan() -> Tensor:
    """Triangles from a middle (point 0) to the `RIM` points round it."""
    here = torch.arange(RIM)
    return torch.stack([0 * here, 1 + here, 1 + (here + 1) % RIM], -1)


@lru_cache(maxsize=1)
def _grid(rows: int, columns: int) -> Tensor:
    """Triangles of a grid of points."""
    row = torch.arange(rows - 1)[:, None] * columns
    here = torch.arange(columns - 1)[None]
    a = row + here
    b, c, d = a + 1, a + columns, a + columns + 1
    return torch.cat([torch.stack([a, b, c], -1), torch.stack([b, d, c], -1)]).view(-1, 3)
