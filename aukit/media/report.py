"""The report of `aukit predict --report`, from the table of estimates and the files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from aukit.data.kinds import estimate_kinds, tops
from aukit.data.records import OK
from aukit.errors import ConfigError
from aukit.media.dataset import path_of
from aukit.media.predict import Result
from aukit.media.tables import SIDES
from aukit.progress import Progress
from aukit.report.estimates import Curves, EstimatesPage, Pictures, write_estimates_page
from aukit.runs.told import Told
from aukit.store.files import read_table
from aukit.vision import images
from aukit.vision.film import Film
from aukit.vision.resize import resized

PEOPLE, PHOTOS, UNITS = 12, 60, 6
"""Most people with curves, most photos, and most AUs whose peaks or values are shown."""

AROUND, SIDE, QUALITY = 0.5, 240, 80
"""Margin around a face's box relative to its size, side of a picture, JPEG quality."""

LEAST = 0.5
"""Intensity from which an AU is listed below a photo."""

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class _Estimates:
    """Columns of a table in `records.estimate_schema`.

    Attributes:
        table: the table.
        aus: AU columns, length A.
        values: (N, A) estimates; NaN if missing.
        good: (N,) bool, rows with estimates.
        frames: (N,) video frame numbers; NaN for photos.
    """

    table: pa.Table
    aus: tuple[str, ...]
    values: NDArray[np.float64]
    good: NDArray[np.bool_]
    frames: NDArray[np.float64]

    @classmethod
    def of(cls, table: pa.Table) -> _Estimates:
        names = table.column_names
        aus = tuple(n.removesuffix("_predicted") for n in names if n.endswith("_predicted"))
        values = np.stack([_numbers(table, f"{name}_predicted") for name in aus], 1)
        good = np.array([status == OK for status in table.column("status").to_pylist()])
        return cls(table, aus, values, good, _numbers(table, "frame"))

    def people(self) -> dict[str, Rows]:
        """Title -> rows of a face of a video, in time order; those seen most first."""
        seen: dict[tuple[str, int], list[int]] = {}
        rows = self.table.select(["file", "face"]).to_pylist()
        for row in np.flatnonzero(self.good & np.isfinite(self.frames)):
            seen.setdefault((rows[row]["file"], rows[row]["face"]), []).append(int(row))
        files = {file for file, _ in seen}
        ordered = sorted(seen.items(), key=lambda one: -len(one[1]))
        return {_titled(*who, files): np.array(found) for who, found in ordered}


def _titled(file: str, face: int, files: set[str]) -> str:
    name = Path(file).name if len({Path(other).name for other in files}) == len(files) else file
    return f"{name}, face {face}"


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    column = table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.array(column, np.float64)


def check_report(path: Path) -> None:
    """Refuse a name that does not end in `.html`.

    Raises:
        ConfigError: it does not.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"{path}: reports are written as .html", "use a name that ends in .html")


def write_predict_report(
    result: Result, told: Told, inputs: Sequence[str], path: Path, progress: Progress
) -> None:
    """Write the page about a result of `predict_files`.

    Args:
        result: the result.
        told: the model card.
        inputs: the inputs as given.
        path: path of the page; its folder exists.
        progress: shows progress.
    """
    found = _Estimates.of(read_table(result.table))
    people = found.people()
    shown = dict(list(people.items())[:PEOPLE])
    with progress.start("report") as bar:
        wanted = {title: peaks(found, rows) for title, rows in shown.items()}
        photos = np.flatnonzero(found.good & np.isnan(found.frames))[:PHOTOS]
        captions = {row: text for one in wanted.values() for row, text in one.items()}
        captions |= {int(row): _strongest(found, int(row)) for row in photos}
        pictures: dict[int, bytes] = {}
        for row, picture in _pictures(found.table, sorted(captions)):
            pictures[row] = picture
            bar.advance()
    page = EstimatesPage(
        title=f"AUs of {', '.join(Path(name).name or name for name in inputs[:3])}"
        + (f" and {len(inputs) - 3} more" if len(inputs) > 3 else ""),
        facts=_facts(result, told, len(people)),
        notes=list(_notes(result, len(people))),
        aus=found.aus,
        tops=dict(zip(found.aus, tops(estimate_kinds(found.table), found.aus), strict=True)),
        people=[_curves(found, title, rows) for title, rows in shown.items()],
        peaks={title: _of(one, captions, pictures) for title, one in wanted.items()},
        photos=_of(photos.tolist(), captions, pictures),
        missing=[(why, n, result.examples[why]) for why, n in result.dropped.most_common()],
        scores=told.scores,
        card=told.card,
    )
    write_estimates_page(page, path)


def _of(
    rows: Sequence[int] | Mapping[int, str],
    captions: Mapping[int, str],
    pictures: Mapping[int, bytes],
) -> Pictures:
    return [(pictures[row], captions[row]) for row in rows if row in pictures]


def _facts(result: Result, told: Told, people: int) -> dict[str, str]:
    facts = {"model": told.name, "photos and frames": f"{result.frames:,}"}
    facts |= {"faces with estimates": f"{result.faces:,}"}
    return {**facts, "faces followed": f"{people:,}"} if people else facts


def _notes(result: Result, people: int) -> Iterator[str]:
    lost = sum(result.dropped.values())
    if result.faces == 0:
        yield "Nothing was estimated; the reasons are below."
    elif lost > result.faces:
        yield f"More rows lack an estimate ({lost:,}) than have one; the reasons are below."
    if people > PEOPLE:
        yield f"Only the {PEOPLE} faces seen most of {people:,} are drawn; the tables have all."


def _curves(found: _Estimates, title: str, rows: Rows) -> Curves:
    """A person's curves from first to last frame, with gaps where the face was not seen."""
    frames = found.frames[rows].astype(int)
    times = _numbers(found.table, "time_s")[rows]
    timed = bool(np.isfinite(times).all())
    step = int(np.diff(frames).min()) if len(frames) > 1 else 1
    places = (frames - frames[0]) // max(step, 1)
    values = np.full((int(places[-1]) + 1, len(found.aus)), np.nan)
    values[places] = found.values[rows]
    seconds = np.interp(np.arange(len(values)), places, times if timed else frames)
    return Curves(title, seconds, values, timed)


def peaks(found: _Estimates, rows: Rows) -> dict[int, str]:
    """Row -> caption, for the frames in which the AUs that change most are strongest."""
    values = found.values[rows]
    chosen = np.argsort(-(values.max(0) - values.min(0)), kind="stable")[:UNITS]
    strongest: dict[int, list[int]] = {}
    for column in chosen:
        strongest.setdefault(int(rows[values[:, column].argmax()]), []).append(int(column))
    return {row: _caption(found, row, strongest[row]) for row in sorted(strongest)}


def _caption(found: _Estimates, row: int, columns: Sequence[int]) -> str:
    when = found.table.column("time_s")[row].as_py()
    frame = int(found.frames[row])
    place = f"frame {frame}" if when is None else f"{when:.2f} s, frame {frame}"
    return f"{place}: {_listed(found, row, columns)}"


def _strongest(found: _Estimates, row: int) -> str:
    order = [int(n) for n in np.argsort(-found.values[row], kind="stable")[:UNITS]]
    active = [column for column in order if found.values[row, column] >= LEAST]
    name = Path(found.table.column("file")[row].as_py()).name
    return f"{name}: {_listed(found, row, active) or 'no AU above 0.5'}"


def _listed(found: _Estimates, row: int, columns: Sequence[int]) -> str:
    return ", ".join(f"{found.aus[n]} {found.values[row, n]:.1f}" for n in columns)


def _pictures(table: pa.Table, rows: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """(row, JPEG of the face with a margin); rows whose picture is gone are skipped."""
    film: Film | None = None
    for row in rows:
        entry = table.slice(row, 1).to_pylist()[0]
        path = path_of(entry["file"])
        if entry["frame"] is None:
            picture = images.read(path).image
        else:
            if film is None or film.path != path:
                film = Film(path)
            picture = film.shot(entry["frame"]).image
        if picture is not None:
            yield row, images.encode(_around(picture, entry)[None], "jpeg", QUALITY)[0]


def _around(picture: Tensor, row: Mapping[str, Any]) -> Tensor:
    """(3, SIDE, SIDE) uint8: the square around a face, black outside the picture."""
    left, top, right, bottom = (float(row[side]) for side in SIDES)
    half = max(right - left, bottom - top, 2) * (0.5 + AROUND)
    x, y = (left + right) / 2, (top + bottom) / 2
    low, size = (round(x - half), round(y - half)), round(2 * half)
    square = torch.zeros(3, size, size)
    height, width = picture.shape[1:]
    x0, y0, x1, y1 = (
        max(low[0], 0), max(low[1], 0), min(low[0] + size, width), min(low[1] + size, height)
    )  # fmt: skip
    square[:, y0 - low[1] : y1 - low[1], x0 - low[0] : x1 - low[0]] = picture[:, y0:y1, x0:x1]
    return resized(square[None], SIDE)[0].round().clamp(0, 255).to(torch.uint8)
