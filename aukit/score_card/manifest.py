"""A table that describes the exported pictures of a score card, for judging them elsewhere.

| column | meaning |
|---|---|
| `image` | file name |
| `set` | `real`, `synthetic`, or `truth` (what the dataset itself shows for a request) |
| `request` | `vector` (all AUs of a real face) or `level` (one AU); empty for real faces |
| `id` | id of the real face, or of the source face |
| `target` | id of the real face with the target AUs; empty for levels and real faces |
| `person` | `dataset/partition/subject` |
| `AU01`, ... | the codes that the picture should show; empty if unknown |
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from aukit.contracts.labels import Labels
from aukit.faces.stored import StoredFaces
from aukit.score_card.judges import LOOK_BATCH
from aukit.score_card.pictures import Batch
from aukit.score_card.requests import Requests
from aukit.store.files import write_aside
from aukit.store.owned import writing
from aukit.vision.fingerprint import fingerprint

MANIFEST = "pictures.csv"


class Manifest:
    """Records the pictures of each request.

    Args:
        faces: faces that the requests are drawn from.
    """

    def __init__(self, faces: StoredFaces) -> None:
        self._faces = faces
        self._ids: list[str] = faces.table.column("id").to_pylist()
        self._named: list[tuple[str, str, int]] = []

    def keep(self, start: int, requests: Requests, pictures: Batch) -> None:
        """See a batch that begins with request number `start`."""
        for place, image in enumerate(pictures.painted):
            self._named.append((fingerprint(image), "synthetic", start + place))
            true = pictures.at(place)[2]
            if true is not None:
                self._named.append((fingerprint(true), "truth", start + place))

    def write(self, path: Path, requests: Requests) -> None:
        """Write the table.

        Raises:
            ConfigError: a file of that name exists and was not written by aukit.
        """
        heading = ["image", "set", "request", "id", "target", "person", *self._faces.aus]
        with writing(path), write_aside(path) as aside, aside.open("w", newline="") as text:
            rows = csv.writer(text)
            rows.writerow(heading)
            rows.writerows(self._real(requests.used.tolist()))
            rows.writerows(self._asked(requests))

    def _real(self, used: Sequence[int]) -> Iterator[list[str]]:
        for start in range(0, len(used), LOOK_BATCH):
            rows = used[start : start + LOOK_BATCH]
            batch = self._faces.batch(rows)
            for place, row in enumerate(rows):
                codes = _codes(batch.labels, place)
                image = fingerprint(batch.images[place])
                yield [*self._row(image, "real", "", row, ""), *codes]

    def _asked(self, requests: Requests) -> Iterator[list[str]]:
        shown = self._faces.labels.take(requests.rows)
        wanted = requests.targets
        codes = Labels(
            wanted.aus,
            torch.where(wanted.mask, wanted.values, shown.values),
            wanted.mask | shown.mask,
        )
        for image, kind, number in self._named:
            target = int(requests.real[number])
            vector = bool(requests.vectors[number])
            asked = "vector" if vector else "level"
            whose = self._ids[target] if vector else ""
            row = self._row(image, kind, asked, int(requests.rows[number]), whose)
            yield [*row, *_codes(codes, number)]

    def _row(self, image: str, kind: str, asked: str, row: int, target: str) -> list[str]:
        return [f"{image}.png", kind, asked, self._ids[row], target, self._faces.people[row]]


def _codes(labels: Labels, row: int) -> list[str]:
    pairs: Iterator[tuple[Tensor, Tensor]] = zip(labels.values[row], labels.mask[row], strict=True)
    return [f"{float(value):g}" if known else "" for value, known in pairs]
