"""The pictures of a score card: grids to look at, and files for other programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from aukit.contracts.judge import Measures
from aukit.faces.stored import StoredFaces
from aukit.faces.truth import Pictures
from aukit.score_card.requests import NONE, Requests
from aukit.store.files import write_aside
from aukit.vision.fingerprint import fingerprint
from aukit.vision.images import encode
from aukit.vision.sheet import contact_sheet

GRID_FACES = 3
TILE = 96

Shown = tuple[Tensor, Tensor, Tensor | None]
"""The input, the synthetic and the true picture (None if unknown)."""


@dataclass(frozen=True)
class Batch:
    """The pictures of a batch of requests.

    Attributes:
        given: (B, 3, S, S) uint8, the input faces.
        painted: (B, 3, S, S) uint8.
        truth: the true pictures; None where unknown.
    """

    given: Tensor
    painted: Tensor
    truth: Pictures | None

    def at(self, place: int) -> Shown:
        """The pictures of one request."""
        known = self.truth is not None and bool(self.truth.ok[place])
        true = self.truth.images[place] if self.truth is not None and known else None
        return self.given[place], self.painted[place], true


class Recorder:
    """Takes the place of a judge and writes the pictures it gets.

    Args:
        folder: folder to write to.
    """

    measures: Measures = "features"
    names: tuple[str, ...] = ("none",)
    calibrated = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: set[str] = set()

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """Write each picture as a PNG; returns an empty result, (B, 0)."""
        for image, content in zip(images, encode(images), strict=True):
            name = fingerprint(image)
            with write_aside(self.folder / f"{name}.png") as aside:
                aside.write_bytes(content)
            self.written.add(name)
        return torch.zeros(len(images), 0)


class Album:
    """Collects the pictures of a few faces at all levels of each AU, and makes grids."""

    def __init__(self) -> None:
        self._kept: dict[int, Shown] = {}
        self._faces: Counter[int] = Counter()

    def keep(self, start: int, requests: Requests, pictures: Batch) -> None:
        """See a batch that begins with request number `start`."""
        for place in range(len(pictures.given)):
            au = int(requests.au[start + place])
            if au == NONE:
                continue
            self._faces[au] += int(requests.level[start + place]) == 0  # of each face the first
            if self._faces[au] <= GRID_FACES:
                self._kept[start + place] = pictures.at(place)

    def write(self, folder: Path, faces: StoredFaces, requests: Requests) -> None:
        """Write one PNG per AU: for each face the source, the synthesized levels, and the truth
        below."""
        folder.mkdir(exist_ok=True)
        for au, name in enumerate(requests.targets.aus):
            if numbers := [number for number in self._kept if int(requests.au[number]) == au]:
                people = [faces.people[row] for row in requests.rows[numbers].tolist()]
                levels = sorted(set(requests.level[numbers].tolist()))
                tiles, captions = zip(*self._tiles(name, numbers, people, levels), strict=True)
                sheet = contact_sheet(tiles, captions, TILE, len(levels) + 1)
                with write_aside(folder / f"{name}.png") as aside:
                    aside.write_bytes(encode(sheet[None])[0])

    def _tiles(
        self, name: str, numbers: Sequence[int], people: Sequence[str], levels: Sequence[int]
    ) -> list[tuple[Tensor | None, str]]:
        tiles: list[tuple[Tensor | None, str]] = []
        for start in range(0, len(numbers), len(levels)):
            row = [self._kept[number] for number in numbers[start : start + len(levels)]]
            person = people[start].rpartition("/")[2]
            tiles.append((row[0][0], f"{person}, input"))
            pairs = list(zip(levels, row, strict=True))
            tiles += [(painted, f"{name} = {level}") for level, (_, painted, _) in pairs]
            if any(true is not None for _, _, true in row):
                tiles.append((None, ""))
                tiles += [(true, f"truth, {level}") for level, (_, _, true) in pairs]
        return tiles
