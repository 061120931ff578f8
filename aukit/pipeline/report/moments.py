"""Sheets that show one moment in several views side by side, to inspect registration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from aukit.data.records import OK, REAL
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

    Where each synthetic face was made for one view, a sheet has the faces of one person instead.

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
    moments = _views_of(rows, _moment)
    if max(map(len, moments.values())) < 2:
        moments = _views_of([row for row in rows if row["origin"] != REAL], _person)
    if not moments:
        return []
    chosen = list(_spread(moments))
    pictures = _pictures(folder, {name for key in chosen for name in moments[key].values() if name})
    return [_sheet(key, moments[key], views, pictures) for key in chosen]


def _views_of(
    rows: list[dict[str, Any]], key: Callable[[dict[str, Any]], tuple[Any, ...]]
) -> dict[tuple[Any, ...], dict[str, str | None]]:
    """The id of a face in each view, for the rows that have one key; None where it was dropped."""
    found: dict[tuple[Any, ...], dict[str, str | None]] = {}
    for row in rows:
        shown = row["id"] if row["status"] == OK else None
        found.setdefault(key(row), {})[row["view"]] = shown
    return found


def _person(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["subject"],)


def _moment(row: dict[str, Any]) -> tuple[Any, ...]:
    """Person and time; each synthetic face is a moment of its own."""
    when = (row["task"], row["frame"], row["face"])
    made = without_view(row["id"], row["view"]) if row["origin"] != REAL else ""
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
    person, *when = key
    caption = f"{person} {when[0]} #{when[1]}" if when else f"{person}, another face in each view"
    return encode(sheet[None], "jpeg")[0], caption
