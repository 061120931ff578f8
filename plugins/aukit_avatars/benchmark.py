"""The fixed test set of `aukit benchmark`, and the results so far.

The people are avatars of version 2 from a seed of their own, so no recipe that anybody trains on
holds them unless it names that seed. Anything about the pictures may only change together with
`VERSION`: results of different versions are not compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
from torch import Tensor

from aukit import api, au
from aukit.contracts.context import Context
from aukit.errors import DataError
from aukit.progress import Progress
from aukit.store.files import read_object, write_json
from aukit.store.owned import new_folder
from aukit.vision.images import encode
from aukit_avatars.actions import AUS
from aukit_avatars.dataset import Avatars
from aukit_avatars.plugin import AvatarsConfig

VERSION = 3
"""Of the test set and its protocol."""

RECIPE = AvatarsConfig(
    version=2, train=0, valid=0, test=24, tasks=8, frames=4, size=160, rates="lively", seed=2026
)

PICTURES, TRUTH, ABOUT = "pictures", "truth.csv", "benchmark.json"
SETS = {"seven": au.FERA17_INTENSITY, "twenty": AUS}
"""AUs whose mean is a result: those of FERA 2017, and all that avatars have."""

SCORES = ("icc", "mae", "f1")


@dataclass(frozen=True)
class Frameset:
    """The test set on disk.

    Attributes:
        folder: holds a folder of pictures for each person, and the truth.
    """

    folder: Path

    @property
    def pictures(self) -> Path:
        """A folder for each person, with pictures whose names are unique."""
        return self.folder / PICTURES

    @property
    def truth(self) -> Path:
        """CSV: file, person, and the AUs as whole levels 0..5."""
        return self.folder / TRUTH


def frameset(folder: Path, device: str, progress: Progress) -> Frameset:
    """The test set in a folder, rendered if it is not there yet.

    Args:
        folder: new or empty, or one that this function made.
        device: where to render.
        progress: shows how far it is.

    Raises:
        ConfigError: the folder holds something else.
        DataError: it holds a test set of another version.
        StorageError: nothing can be written there.
    """
    about = read_object(folder / ABOUT)
    if about is None:
        _render(folder, Avatars(RECIPE, Context(device)), progress)
    elif about.get("version") != VERSION:
        raise DataError(
            f"{folder} holds version {about.get('version')} of the test set, not {VERSION}",
            "choose another -o",
        )
    return Frameset(folder)


def results() -> list[dict[str, Any]]:
    """Results so far on this version of the test set, the highest mean ICC of the seven first.

    Each has `name`, `about`, `frames`, and `means` as of `score`.
    """
    text = (files("aukit_avatars") / "data" / ABOUT).read_text(encoding="utf-8")
    known = [one for one in json.loads(text)["results"] if one["version"] == VERSION]
    return sorted(known, key=rank)


def rank(result: Mapping[str, Any]) -> float:
    """Sorts results: the highest mean ICC of the seven first, models without one last."""
    seven = result["means"]["seven"]
    return 1.0 if seven is None else -seven["icc"]["value"]


def score(test: Frameset, table: Path) -> dict[str, Any]:
    """Score estimates of the test set.

    Args:
        test: the test set.
        table: CSV or Parquet, as `aukit evaluate` takes it, with the names of the pictures.

    Returns:
        `version`, `frames` scored, `aus` that were estimated, `each`: AU -> score -> `value`,
        `low`, `high`; `means`: set of `SETS` -> the same, or None if not all of it was estimated;
        and `notes`.

    Raises:
        DataError: the table is not of the test set, or is not understood.
    """
    found = api.evaluate(test.truth, table, skip_missing=True)
    missing = {name: set(aus) - set(found["aus"]) for name, aus in SETS.items()}
    return {
        "version": VERSION,
        "frames": found["frames"],
        "aus": found["aus"],
        "means": {name: None if missing[name] else _means(test, table, name) for name in SETS},
        "each": {name: _shown(found["scores"][name]) for name in found["aus"]},
        "notes": found["notes"],
    }


def _means(test: Frameset, table: Path, name: str) -> dict[str, Any]:
    truth = pyarrow.csv.read_csv(test.truth)
    found = api.evaluate(truth.select(["file", "person", *SETS[name]]), table, skip_missing=True)
    return _shown(found["scores"]["mean"])


def _shown(scores: Mapping[str, Any]) -> dict[str, Any]:
    return {name: scores[name] for name in SCORES}


def _render(folder: Path, data: Avatars, progress: Progress) -> None:
    rows = data.index()
    with new_folder(folder) as aside, progress.start("render", rows.num_rows) as bar:
        for row, image in _pictures(data, rows):
            path = aside / PICTURES / row["subject"] / _name(row)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(image[None])[0])
            bar.advance()
        pyarrow.csv.write_csv(_truth(rows), aside / TRUTH)
        write_json(aside / ABOUT, {"version": VERSION, "pictures": rows.num_rows})


def _pictures(data: Avatars, rows: pa.Table) -> Iterator[tuple[dict[str, Any], Tensor]]:
    for frames in data.read(rows):
        for row, image in zip(frames.rows.to_pylist(), frames.images, strict=True):
            assert image is not None  # everything can be rendered
            yield row, image


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['subject']}-{row['task']}-{row['frame']}.png"


def _truth(rows: pa.Table) -> pa.Table:
    names = [name for name in rows.column_names if au.is_column(name)]
    files_of = [f"{PICTURES}/{row['subject']}/{_name(row)}" for row in rows.to_pylist()]
    columns = {"file": pa.array(files_of), "person": rows.column("subject")}
    return pa.table(columns | {name: rows.column(name) for name in names})
