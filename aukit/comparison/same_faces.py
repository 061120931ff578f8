"""The same test faces as each cell of a comparison registered them, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aukit.data.records import OK
from aukit.faces.stored import shards
from aukit.runs.results import read_stages
from aukit.store.files import read_table

MOST = 6
"""Faces shown, of different people if there are enough."""


def same_faces(document: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[bytes, str]]]]:
    """For a few test frames, the registered face in every cell, captioned with the cell.

    Cells that register faces the same way share one picture.

    Args:
        document: content of `comparison.json`; faces are read from the runs it names.
    """
    folders = {cell["label"]: folder for cell in document["cells"] if (folder := _faces(cell))}
    by_folder: dict[str, list[str]] = {}
    for label, folder in folders.items():
        by_folder.setdefault(folder.name, []).append(label)
    if len(by_folder) < 2:
        return
    shown = [(folders[labels[0]], ", ".join(labels)) for labels in by_folder.values()]
    known = [_people(folder) for folder, _ in shown]
    common = [name for name in known[0] if all(name in one for one in known[1:])]
    if not common:  # cells of different test data
        return
    chosen = list(_spread(common, known[0]))
    pictures = [(_images(folder, chosen), labels) for folder, labels in shown]
    for name in chosen:
        yield name, [(images[name], labels) for images, labels in pictures]


def _faces(cell: Mapping[str, Any]) -> Path | None:
    found = read_stages(Path(cell["run"])).get("align-test") if cell["run"] else None
    return None if found is None or not shards(found.folder) else found.folder


def _people(folder: Path) -> dict[str, str]:
    """Face id -> person, of registered faces."""
    found: dict[str, str] = {}
    for path in shards(folder):
        table = read_table(path, ["id", "subject", "status"])
        table = table.filter(pc.equal(table.column("status"), OK))
        names = (table.column(name).to_pylist() for name in ("id", "subject"))
        found.update(zip(*names, strict=True))
    return found


def _spread(names: Sequence[str], people: Mapping[str, str]) -> Iterator[str]:
    """The middle frame of each person."""
    frames: dict[str, list[str]] = {}
    for name in names:
        frames.setdefault(people[name], []).append(name)
    yield from (own[len(own) // 2] for own in list(frames.values())[:MOST])


def _images(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for path in shards(folder):
        table = read_table(path, ["id", "image"])
        rows = table.filter(pc.is_in(table.column("id"), pa.array(names))).to_pylist()
        found.update((row["id"], row["image"]) for row in rows)
    return found
