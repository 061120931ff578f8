"""Sheets that show one moment in several views side by side, to inspect registration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aukit.data.records import OK
from aukit.faces.pictures import decode
from aukit.faces.stored import read_rows, shards
from aukit.faces.views import without_view
from aukit.store.files import read_table
from aukit.vision.images import encode
from aukit.vision.sheet import contact_sheet

MOMENTS = 4
"""Rows shown, of different people if there are enough."""

TILE = 120


def view_rows(folder: Path) -> list[tuple[bytes, str]]:
    """Sheets of some moments of a stage folder, a column a view; none where each has one view only.

    Args:
        folder: stage folder with `part-*.parquet` in `records.face_schema`.

    Returns:
        (JPEG bytes, caption) pairs.
    """
    names = ["id", "subject", "task", "view", "frame", "face", "origin", "status"]
    rows = read_rows(folder).select(names).to_pylist()
    views = list(dict.fromkeys(row["view"] for row in rows))
    if len(views) < 2:
        return []
    moments: dict[tuple[Any, ...], dict[str, str | None]] = {}
    for row in rows:
        shown = row["id"] if row["status"] == OK else None
        moments.setdefault(_moment(row), {})[row["view"]] = shown
    if max(map(len, moments.values())) < 2:
        return []
    chosen = list(_spread(moments))
    pictures = _pictures(folder, {name for key in chosen for name in moments[key].values() if name})
    return [_sheet(key, moments[key], views, pictures) for key in chosen]


def _moment(row: dict[str, Any]) -> tuple[Any, ...]:
    """Person and time; each synthetic face is a moment of its own."""
    when = (row["task"], row["frame"], row["face"])
    made = without_view(row["id"], row["view"]) if row["origin"] != "real" else ""
    return (row["subject"], *when, made)


def _spread(moments: dict[tuple[Any, ...], dict[str, str | None]]) -> Iterator[tuple[Any, ...]]:
    """Moments with the most views, one per person, from the middle of each person's moments."""
    most = max(len(shown) for shown in moments.values())
    people: dict[str, list[tuple[Any, ...]]] = {}
    for key, shown in moments.items():
        if len(shown) == most:
            people.setdefault(key[0], []).append(key)
    yield from (
        keys[len(keys) // 2] for _, keys in zip(range(MOMENTS), people.values(), strict=False)
    )


def _pictures(folder: Path, wanted: set[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for path in shards(folder):
        table = read_table(path, ["id", "image"])
        ids = table.column("id").to_pylist()
        for place in (place for place, name in enumerate(ids) if name in wanted):
            found[ids[place]] = table.column("image")[place].as_py()
    return found


def _sheet(
    key: tuple[Any, ...], shown: dict[str, str | None], views: list[str], pictures: dict[str, bytes]
) -> tuple[bytes, str]:
    names = [shown.get(view) for view in views]
    images = [None if name is None else decode([pictures[name]])[0] for name in names]
    captions = [str(view) for view in views]
    sheet = contact_sheet(images, captions, TILE, len(views))
    return encode(sheet[None], "jpeg")[0], f"{key[0]} {key[1]} #{key[2]}"
