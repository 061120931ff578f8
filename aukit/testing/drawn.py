"""Drawn faces: cartoons whose brows, eyes and mouth follow their AU labels, with exact landmarks.

Small, made in memory from a seed, and regular enough for any estimator to learn within seconds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from aukit import au
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.data import records
from aukit.seeds import seed_of

Floats = NDArray[np.float32]

AUS = ("AU01", "AU04", "AU12", "AU25")
"""AUs that the drawn faces are labelled with by default; each shows in the drawing."""

# What moves at full intensity: AU -> (landmarks, right, down), in units of the face's width. The
# horizontal part is mirrored on the other side of the face.
_MOVES: dict[str, list[tuple[Sequence[int], float, float]]] = {
    "AU01": [((20, 21, 22, 23), 0, -0.09)],
    "AU02": [((17, 18, 25, 26), 0, -0.08)],
    "AU04": [((*range(17, 27),), -0.02, 0.06)],
    "AU05": [((37, 38, 43, 44), 0, -0.03)],
    "AU06": [((40, 41, 46, 47), 0, -0.03)],
    "AU07": [((37, 38, 43, 44), 0, 0.02), ((40, 41, 46, 47), 0, -0.015)],
    "AU09": [((*range(31, 36),), 0, -0.04)],
    "AU10": [((49, 50, 51, 52, 53, 61, 62, 63), 0, -0.04)],
    "AU12": [((48, 54, 60, 64), 0.06, -0.08)],
    "AU14": [((48, 54, 60, 64), 0.05, 0)],
    "AU15": [((48, 54, 60, 64), 0, 0.07)],
    "AU17": [((*range(55, 60), *range(65, 68)), 0, -0.035)],
    "AU20": [((48, 54, 60, 64), 0.09, 0.02)],
    "AU23": [((*range(49, 54),), 0, 0.02), ((*range(55, 60),), 0, -0.02)],
    "AU25": [((*range(55, 60), *range(65, 68)), 0, 0.10)],
    "AU26": [((*range(55, 60), *range(65, 68), *range(5, 12)), 0, 0.12)],
}

# Lines of the drawing: landmarks, whether the line is closed, half its width, and its darkness.
_STROKES: tuple[tuple[tuple[int, ...], bool, float, float], ...] = (
    (tuple(range(17, 22)), False, 0.018, 0.9),
    (tuple(range(22, 27)), False, 0.018, 0.9),
    (tuple(range(27, 31)), False, 0.008, 0.4),
    (tuple(range(31, 36)), False, 0.010, 0.5),
    (tuple(range(36, 42)), True, 0.012, 0.8),
    (tuple(range(42, 48)), True, 0.012, 0.8),
    (tuple(range(48, 60)), True, 0.016, 0.7),
    (tuple(range(60, 68)), True, 0.008, 0.7),
)


def neutral() -> Tensor:
    """(68, 2) float32 iBUG points of an expressionless face in the unit square, x right, y down."""
    jaw = _arc(17, 0.5, 0.42, 0.40, 0.50, 180, 0)
    brows = [_arc(5, 0.31, 0.36, 0.12, 0.06, 200, 340), _arc(5, 0.69, 0.36, 0.12, 0.06, 200, 340)]
    bridge = torch.stack([torch.full((4,), 0.5), torch.linspace(0.40, 0.56, 4)], 1)
    nostrils = _arc(5, 0.5, 0.59, 0.08, 0.03, 180, 0)
    eyes = [_ring(6, 0.32, 0.42, 0.08, 0.035), _ring(6, 0.68, 0.42, 0.08, 0.035)]
    lips = [_ring(12, 0.5, 0.74, 0.15, 0.055), _ring(8, 0.5, 0.74, 0.11, 0.015)]
    return torch.cat([jaw, *brows, bridge, nostrils, *eyes, *lips])


def _arc(
    count: int, x: float, y: float, width: float, height: float, start: float, end: float
) -> Tensor:
    """Points on an ellipse from one angle to another; degrees, counter-clockwise on the screen."""
    angle = torch.linspace(math.radians(start), math.radians(end), count)
    return torch.stack([x + width * angle.cos(), y + height * angle.sin()], 1)


def _ring(count: int, x: float, y: float, width: float, height: float) -> Tensor:
    """Points around an ellipse, clockwise on the screen from its left end."""
    angle = math.pi + torch.arange(count) * (2 * math.pi / count)
    return torch.stack([x + width * angle.cos(), y + height * angle.sin()], 1)


def landmarks(labels: Labels) -> Tensor:
    """(B, 68, 2) float32 points of faces with these AUs, in the unit square.

    AUs that are masked, or that the drawing does not know, move nothing.
    """
    shown = torch.where(labels.mask, labels.values, 0.0) / au.MAX_LEVEL
    points = neutral().expand(len(labels), 68, 2).clone()
    side = (neutral()[:, 0] - 0.5).sign()
    for place, name in enumerate(labels.aus):
        for indices, right, down in _MOVES.get(name, []):
            chosen = list(indices)
            move = torch.stack([right * side[chosen], torch.full((len(chosen),), down)], 1)
            points[:, chosen] += shown[:, place, None, None] * move
    return points


def draw(points: Tensor, looks: Sequence[int], size: int) -> Tensor:
    """Pictures of faces.

    Args:
        points: (B, 68, 2) in the unit square.
        looks: a number for each face that decides the colour of its skin and of its background.
        size: side of the pictures.

    Returns:
        (B, 3, size, size) uint8.
    """
    # In NumPy: torch's threads cost more than they save on pictures this small.
    across: Floats = ((np.arange(size) + 0.5) / size).astype(np.float32)
    x, y = across[None, :], across[:, None]
    tints = np.stack([np.random.default_rng(look).random((2, 3)) for look in looks])
    inside = ((x - 0.5) / 0.42) ** 2 + ((y - 0.5) / 0.47) ** 2 < 1
    skin, ground = 0.55 + 0.4 * tints[:, 0], 0.5 * tints[:, 1]
    # Light from one side, so that a mirrored face is another picture.
    light = 0.7 + 0.3 * x
    image = light * np.where(inside, skin[:, :, None, None], ground[:, :, None, None])
    corners = points.numpy().astype(np.float32)
    for indices, closed, width, darkness in _STROKES:
        line = corners[:, [*indices, indices[0]] if closed else list(indices)]
        ink = ((width - _distance(x, y, line)) * size + 0.5).clip(0, 1) * darkness
        image = image * (1 - ink[:, None])
    return torch.from_numpy((image * 255).round().astype(np.uint8))


def _distance(x: Floats, y: Floats, line: Floats) -> Floats:
    """(B, S, S) distance of pixels at (1, S) x and (S, 1) y from (B, K, 2) polylines."""
    squares = []
    for start, end in itertools.pairwise(line.transpose(1, 0, 2)[..., None, None]):
        (x0, y0), (dx, dy) = start.swapaxes(0, 1), (end - start).swapaxes(0, 1)
        along = ((x - x0) * dx + (y - y0) * dy) / np.maximum(dx**2 + dy**2, 1e-12)
        share = along.clip(0, 1)
        squares.append((x - x0 - share * dx) ** 2 + (y - y0 - share * dy) ** 2)
    nearest: Floats = np.sqrt(np.minimum.reduce(squares))
    return nearest


class DrawnFaces:
    """Registered drawn faces in memory (`FaceSource`).

    Args:
        count: number of faces; their levels go round 0..5, each AU in an order of its own.
        people: the faces belong to so many people in turn.
        aus: AU columns.
        size: side of the pictures.
        partition: partition of all people.
        uncoded: share of labels that are masked.
        seed: of people, labels and masks.
    """

    def __init__(
        self,
        count: int = 16,
        people: int = 4,
        aus: tuple[str, ...] = AUS,
        size: int = 64,
        partition: str = records.TRAIN,
        uncoded: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.aus = aus
        self.size = size
        random = np.random.default_rng(seed)
        levels = np.stack([random.permutation(np.arange(count) % 6) for _ in aus], axis=1)
        mask = torch.from_numpy(random.random((count, len(aus))) >= uncoded)
        shown = torch.from_numpy(levels.astype(np.float32))
        self.shown = Labels(aus, shown, torch.ones_like(mask))
        self.labels = Labels(aus, torch.where(mask, shown, 0.0), mask)
        self.table = records.with_labels(_rows(count, people, partition, seed), self.labels)
        self._people = records.person_keys(self.table)
        self._ids: list[str] = self.table.column("id").to_pylist()

    def __len__(self) -> int:
        return len(self._ids)

    @cached_property
    def _drawn(self) -> tuple[Tensor, Tensor]:
        """Pictures and landmarks of all faces."""
        points = landmarks(self.shown)
        looks = [seed_of(0, person) for person in self._people]
        return draw(points, looks, self.size), points * self.size - 0.5

    def batch(self, indices: Sequence[int]) -> FaceBatch:
        """The rows at `indices`, in that order."""
        chosen = list(indices)
        images, points = self._drawn
        return FaceBatch(
            ids=tuple(self._ids[row] for row in chosen),
            subjects=tuple(self._people[row] for row in chosen),
            images=images[chosen],
            labels=self.labels.take(chosen),
            landmarks=points[chosen],
        )

    def targets(self, values: Tensor | float, mask: Tensor | bool = True) -> Labels:
        """What a synthesizer may be asked for: intensities for all faces, by broadcasting."""
        shape = (len(self), len(self.aus))
        return Labels(
            self.aus,
            torch.as_tensor(values, dtype=torch.float32).expand(shape).clone(),
            torch.as_tensor(mask).expand(shape).clone(),
        )


def _rows(count: int, people: int, partition: str, seed: int) -> pa.Table:
    subjects = [f"D{row % people:02d}" for row in range(count)]
    columns = {
        "id": [f"drawn/{partition}/{who}/t{seed}/{row}" for row, who in enumerate(subjects)],
        "dataset": ["drawn"] * count,
        "partition": [partition] * count,
        "subject": subjects,
        "task": [f"t{seed}"] * count,
        "view": ["frontal"] * count,
        "frame": list(range(count)),
        "time_s": [row / 25 for row in range(count)],
    }
    return pa.table(columns, schema=records.index_schema(()))


def scenes(count: int = 6, seed: int = 0) -> tuple[list[Tensor], list[Faces]]:
    """Pictures of different sizes, each with one drawn face somewhere in it.

    Returns:
        uint8 (3, H, W) pictures, and for each its face with exact iBUG landmarks in pixels.
    """
    random = np.random.default_rng(seed)
    source = DrawnFaces(count, people=count, size=160, seed=seed)
    images, faces = [], []
    for row in range(count):
        batch = source.batch([row])
        above, left = (int(n) for n in random.integers(30, 90, 2))
        below, right = (int(n) for n in random.integers(30, 90, 2))
        padded = torch.nn.functional.pad(batch.images[0].float(), (left, right, above, below))
        points = batch.landmarks + torch.tensor([left, above])
        images.append(padded.to(torch.uint8))
        faces.append(face_of(points))
    return images, faces


def face_of(points: Tensor) -> Faces:
    """One face from (1, 68, 2) iBUG points, its box around them; none from (0, 68, 2)."""
    boxes = torch.cat([points.amin(1), points.amax(1)], 1) if len(points) else torch.zeros(0, 4)
    return Faces(boxes=boxes, scores=torch.ones(len(points)), landmarks={IBUG68: points})


def label_table(frames: int = 300, aus: tuple[str, ...] = AUS, seed: int = 0) -> pa.Table:
    """What a balancer sees: skewed levels of several people, a tenth of them not coded."""
    random = np.random.default_rng(seed)
    share = [0.6, 0.18, 0.1, 0.06, 0.04, 0.02]
    columns: dict[str, object] = {
        "id": [f"drawn/train/D{row % 7:02d}/t/{row:05d}" for row in range(frames)],
        "subject": [f"D{row % 7:02d}" for row in range(frames)],
        "view": ["frontal" if row % 2 else "-20,40" for row in range(frames)],
        "task": [f"t{row % 3}" for row in range(frames)],
    }
    for name in aus:
        levels = random.choice(6, frames, p=share).astype(np.float32)
        columns[name] = pa.array(levels, mask=random.random(frames) < 0.1)
    return pa.table(columns)
