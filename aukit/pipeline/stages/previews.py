"""Preview pictures of a synthesizer during its fit.

A grid shows a few held-out faces and a few AUs: the face itself, then its synthesis at levels 0..5
(occurrences: 0 and 1). Below it is the truth, if the dataset can render it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from aukit.au import ACTION_UNITS, MAX_LEVEL, describe
from aukit.contracts.labels import Labels
from aukit.contracts.session import Paint
from aukit.faces.stored import StoredFaces
from aukit.faces.truth import Truth
from aukit.runs.names import grids
from aukit.store.files import write_aside
from aukit.vision.images import encode
from aukit.vision.sheet import contact_sheet

FACES, UNITS = 2, 4
"""Faces and AUs on a grid; with six levels each, they determine the cost of a preview."""
KEPT = 24
"""Grids kept; if there are more, every second one is deleted."""
TILE = 112
LEVELS = range(MAX_LEVEL + 1)


class Previews:
    """Writes grids into a folder; called by `training.Session.preview`.

    Args:
        faces: registered faces that the synthesizer is not fitted on.
        fitted: labels of the training faces; the most frequent AUs are shown.
        truth: renders the true pictures; None if the truth is unknown.
        folder: receives `00000123.png` after step 123; created if missing.
    """

    def __init__(
        self, faces: StoredFaces, fitted: Labels, truth: Truth | None, folder: Path
    ) -> None:
        self.faces = faces
        self.folder = folder
        self._truth = truth
        self._rows = plain_faces(faces, FACES)
        self._aus = commonest_aus(fitted, UNITS)
        self._cells = [(au, row) for au in self._aus for row in self._rows]
        self._true: Sequence[Tensor | None] | None = None

    def __call__(self, step: int, paint: Paint) -> None:
        """Write the grid of a step; the fit's random state is not changed."""
        if not self._cells:
            return
        rows, targets = self._requests()
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            painted = paint(self.faces.batch(rows), targets)
            if self._true is None:
                self._true = self._render(rows, targets)
        tiles, captions = zip(*self._tiles(painted), strict=True)
        sheet = contact_sheet(tiles, captions, TILE, len(LEVELS) + 1)
        self.folder.mkdir(parents=True, exist_ok=True)
        with write_aside(self.folder / f"{step:08d}.png") as aside:
            aside.write_bytes(encode(sheet[None])[0])
        thin_out(self.folder)

    def _requests(self) -> tuple[list[int], Labels]:
        """Requests for each face at each level of each AU, with other AUs unchanged."""
        asked = [(au, row, level) for au, row in self._cells for level in self._codes(au)]
        values = torch.zeros((len(asked), len(self.faces.aus)))
        mask = torch.zeros(values.shape, dtype=torch.bool)
        for number, (au, _, level) in enumerate(asked):
            values[number, self.faces.aus.index(au)] = level
            mask[number, self.faces.aus.index(au)] = True
        return [row for _, row, _ in asked], Labels(
            self.faces.aus, values, mask, self.faces.labels.occurrence
        )

    def _codes(self, au: str) -> range:
        """The codes at which an AU is synthesized."""
        return range(self.faces.labels.tops[self.faces.aus.index(au)] + 1)

    def _render(self, rows: list[int], targets: Labels) -> Sequence[Tensor | None]:
        """The true pictures, rendered once per fit; empty without a truth."""
        if self._truth is None:
            return []
        found = self._truth.paint(self.faces.table.take(rows), targets)
        pairs = zip(found.images, found.ok.tolist(), strict=True)
        return [image if ok else None for image, ok in pairs]

    def _tiles(self, painted: Tensor) -> Iterator[tuple[Tensor | None, str]]:
        places = iter(range(len(painted)))
        for au, row in self._cells:
            levels = self._codes(au)
            columns = [next(places) for _ in levels]
            blank = [(None, "")] * (len(LEVELS) - len(levels))
            yield self.faces.images([row])[0], f"{self.faces.people[row].rpartition('/')[2]}"
            for level, column in zip(levels, columns, strict=True):
                yield painted[column], f"{describe(au)}" if level == 0 else f"{au} = {level}"
            yield from blank
            if self._true:
                yield None, ""
                for level, column in zip(levels, columns, strict=True):
                    yield self._true[column], f"truth, {level}"
                yield from blank


def plain_faces(faces: StoredFaces, count: int) -> list[int]:
    """Rows of the most neutral face of each of `count` people."""
    activity = (faces.labels.values * faces.labels.mask).sum(1).tolist()
    ids = faces.table.column("id").to_pylist()
    best: dict[str, int] = {}
    for row in sorted(range(len(faces)), key=lambda row: (activity[row], ids[row])):
        best.setdefault(faces.people[row], row)
    return [best[person] for person in sorted(best)[:count]]


def commonest_aus(labels: Labels, count: int) -> list[str]:
    """The most frequent AU of each part of the face, at most `count`, in FACS order."""
    shown = ((labels.values >= 0.5) & labels.mask).sum(0).tolist()
    best: dict[str, tuple[int, str]] = {}
    for au, frames in zip(labels.aus, shown, strict=True):
        unit = ACTION_UNITS.get(int(au[2:]))
        region = au if unit is None else unit.region
        if frames and (region not in best or frames > best[region][0]):
            best[region] = (frames, au)
    chosen = sorted(best.values(), key=lambda entry: (-entry[0], entry[1]))[:count]
    return sorted(au for _, au in chosen)


def thin_out(folder: Path) -> None:
    """Delete every second grid if there are more than `KEPT`; the first and the last are kept."""
    found = grids(folder)
    if len(found) > KEPT:
        for path in found[1:-1:2]:
            path.unlink()
