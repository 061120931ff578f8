"""How neutral the frames are that each way of `au0` takes, by the codes of a run's test people.

python plugins/aukit_temporal/scripts/measure_neutral.py runs/0001-procrustes-resample-vgg16-avatars
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args, get_type_hints

import torch

from aukit.contracts.context import Context
from aukit.data.records import au_columns
from aukit.faces.stored import StoredFaces
from aukit.runs.names import PLAN
from aukit.runs.results import read_stages
from aukit.store.files import read_table
from aukit_temporal.neutral import Au0
from aukit_temporal.plugin import Au0Config


def neutral_rows(faces: StoredFaces, way: str) -> list[int]:
    """The row that is taken of each person."""
    normalizer = Au0(Au0Config(way), Context())  # type: ignore[arg-type]
    normalizer.fit(faces)
    frames = dict(zip(normalizer.people.keys, normalizer.frames, strict=True))
    images = ((row, faces.images([row])[0]) for row in range(len(faces)))
    found: dict[str, int] = {}
    for row, image in images:
        person = faces.people[row]
        if person not in found and torch.equal(image, frames[person]):
            found[person] = row
    return list(found.values())


def main(run: Path) -> None:
    """Print the activity of all frames, and of those that each way takes."""
    stages = read_stages(run)
    aus = au_columns(read_table(run / PLAN))
    faces = StoredFaces([stages["align-test"].folder], aus)
    activity = (faces.labels.values * faces.labels.mask).sum(1)
    rows = {way: neutral_rows(faces, way) for way in get_args(get_type_hints(Au0Config)["neutral"])}
    for way, chosen in {"all frames": list(range(len(faces))), **rows}.items():
        sums = activity[chosen]
        print(f"{way:12} {len(chosen):6}  sum of intensities {sums.mean():.2f}"
              f"  neutral {(sums == 0).float().mean():.0%}")  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
