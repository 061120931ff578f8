"""Scores of predictions against a truth, both from any program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aukit import au
from aukit.contracts.metric import Metric
from aukit.data.records import au_columns, prediction_schema
from aukit.errors import DataError
from aukit.scoring.faces import choose_faces
from aukit.scoring.frames import shared_frames
from aukit.scoring.matching import Match, Matched, match_frames
from aukit.scoring.presence import Detection
from aukit.scoring.scores import paired_difference, score_predictions
from aukit.scoring.tables import Estimate, Scale, Side, read_predictions, read_truth


@dataclass(frozen=True)
class Reading:
    """How files are read.

    Attributes:
        person: column with the person; None: `subject` or a similar name.
        estimate: which estimate to score if a program writes several.
        scale, truth_scale: scale of columns whose name does not define it.
        match, shift: how frames are matched (`matching.match_frames`).
        skip_missing: skip frames without an estimate instead of refusing them.
        clip: clip intensities to 0..5.
        cut: lowest probability that counts as present.
        face: which of several faces in a frame (`faces.choose_faces`).
    """

    person: str | None = None
    estimate: Estimate = "auto"
    scale: Scale = "auto"
    truth_scale: Scale = "auto"
    match: Match = "auto"
    shift: int = 0
    skip_missing: bool = False
    clip: bool = False
    cut: float = 0.5
    face: str | None = None


@dataclass(frozen=True)
class Joined:
    """Truth and estimates, joined.

    Attributes:
        table: table in `records.prediction_schema`; presence is stored as 0 and 5.
        aus: the AUs that both sides have.
        presence: the AUs for which only presence can be scored.
        notes: notes for the reader.
    """

    table: pa.Table
    aus: tuple[str, ...]
    presence: frozenset[str]
    notes: tuple[str, ...]


def evaluate_tables(
    truth: Path,
    predictions: Sequence[Path],
    metric: Callable[[bool], Metric],
    reading: Reading | None = None,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Score one table of predictions, or the difference of two on the same frames.

    Args:
        truth: CSV or Parquet file with the true AUs, or a folder of such files.
        predictions: one file or folder, or two.
        metric: returns the metric for presence only (True) or for intensities (False).
        reading: how the files are read.
        draws, seed: as for `scoring.score_predictions`.

    Returns:
        JSON values: `aus`, `frames`, `presence`, `notes`, and `scores` as of `score_predictions`,
        or, for two tables, as of `paired_difference` (second minus first).

    Raises:
        DataError: data are missing, duplicated, or on another scale; the message says what and
            where.
    """
    reading = reading or Reading()
    known = read_truth(truth, reading.truth_scale, reading.person)
    joined = [_joined(known, path, reading) for path in predictions]
    notes = list(dict.fromkeys([*known.notes, *(note for one in joined for note in one.notes)]))
    tables = [one.table for one in joined]
    if len(joined) > 1:
        tables, more = _alike(joined, predictions)
        notes += more
    aus = au_columns(tables[0])
    only = [name for name in aus if any(name in one.presence for one in joined)]
    presence = len(only) == len(aus)
    chosen: Metric = metric(presence)
    if only and not presence:
        chosen = Detection(chosen, metric(True).names, aus, only)
        notes.append(f"only presence is known for {', '.join(only)}: no ICC, PCC or errors")
    scores = _scores(tables, chosen, draws, seed)
    if "dataset" not in known.keys.column_names:
        people = scores["people"].items()
        scores["people"] = {key.split("/", 2)[2]: value for key, value in people}
    return {
        "aus": [name for name in scores if au.is_column(name)],
        "frames": tables[0].num_rows,
        "people": len(scores["people"]),
        "presence": presence,
        "notes": notes,
        "scores": scores,
    }


def _scores(tables: Sequence[pa.Table], metric: Metric, draws: int, seed: int) -> dict[str, Any]:
    if len(tables) == 1:
        return score_predictions(tables[0], [metric], draws=draws, seed=seed)
    first, second = ([table] for table in tables)
    return paired_difference(first, second, [metric], draws=draws, seed=seed)


def _alike(joined: Sequence[Joined], paths: Sequence[Path]) -> tuple[list[pa.Table], list[str]]:
    """Tables with the common frames and AUs, and notes on what was left out."""
    notes = []
    aus = [name for name in joined[0].aus if all(name in one.aus for one in joined)]
    if not aus:
        raise DataError(f"{paths[0]} and {paths[1]} have no AU in common")
    if only := sorted({name for one in joined for name in one.aus} - set(aus)):
        notes.append(f"only one of the two has {', '.join(only)}: left out")
    names = prediction_schema(aus).names
    tables, lost = shared_frames([one.table.select(names) for one in joined])
    for path, count in zip(paths, lost, strict=True):
        if count:
            notes.append(f"{count} frames that are only in {path.name} are left out")
    if joined[0].presence.isdisjoint(aus) != joined[1].presence.isdisjoint(aus):
        notes.append("one of the two has presence only: presence is compared")
    return tables, notes


def _joined(truth: Side, path: Path, reading: Reading) -> Joined:
    predictions = read_predictions(
        path, reading.estimate, reading.scale, reading.person, reading.clip
    )
    predictions = choose_faces(predictions, reading.face)
    aus = tuple(name for name in truth.values if name in predictions.values)
    if not aus:
        raise DataError(
            f"{truth.path.name} codes {', '.join(truth.values)}; {path.name} estimates "
            f"{', '.join(predictions.values) or 'none'}: they have no AU in common"
        )
    matched = match_frames(truth, predictions, reading.match, reading.shift)
    coded = np.stack([~np.isnan(truth.values[name]) for name in aus], axis=1)
    estimated = np.stack([~np.isnan(predictions.values[name]) for name in aus], axis=1)
    there = (matched.place >= 0) & (estimated[matched.place] | ~coded).all(1)
    missing = int((coded.any(1) & ~there).sum())
    if missing and not reading.skip_missing:
        raise _missing(truth, path, matched, coded.any(1) & ~there)
    rows = np.flatnonzero(there & coded.any(1))
    if len(rows) == 0:
        raise DataError(f"no frame of {truth.path} is both coded and estimated in {path}")
    table = _table(truth, predictions, matched, aus, rows, reading.cut)
    cut = reading.cut if predictions.presence else None
    notes = [*predictions.notes, *_notes(truth, predictions, matched, aus, coded, missing, cut)]
    presence = (truth.presence | predictions.presence).intersection(aus)
    return Joined(table, aus, presence, tuple(notes))


def _missing(truth: Side, path: Path, matched: Matched, lacking: NDArray[np.bool_]) -> DataError:
    first = matched.names[int(np.flatnonzero(lacking)[0])].as_py()
    absent = int((lacking & (matched.place < 0)).sum())
    empty = int(lacking.sum()) - absent
    return DataError(
        f"{path} has no estimate for {int(lacking.sum())} of {len(truth)} frames "
        f"({absent} missing, {empty} without a value), e.g. {first} ({matched.how}"
        + (f"; first frames {matched.first[0]}, {matched.first[1]})" if matched.first else ")"),
        "skip them with --missing skip, or shift the predictions' frame numbers with --shift N",
    )


def _notes(
    truth: Side,
    predictions: Side,
    matched: Matched,
    aus: Sequence[str],
    coded: NDArray[np.bool_],
    missing: int,
    cut: float | None,
) -> Iterator[str]:
    name = predictions.path.name
    kind = "intensity" if cut is None else f"presence from {cut:g}"
    yield f"{name}: {kind}, columns as of {predictions.origin}; frames matched by {matched.how}"
    for side, other in ((truth, predictions), (predictions, truth)):
        if only := [unit for unit in side.values if unit not in other.values]:
            yield f"only {side.path.name} has {', '.join(only)}: left out"
    if predictions.left_out:
        units = ", ".join(predictions.left_out)
        kind = "intensity" if predictions.presence else "presence"
        yield f"{name} also has {kind} of {units}, which is not scored (--estimate {kind})"
    if missing:
        yield f"{missing} coded frames without an estimate in {name} are left out"
    if matched.first and matched.first[0] != matched.first[1]:
        ours, theirs = matched.first
        yield f"frames begin with {ours} in {truth.path.name}, {theirs} in {name} (--shift N?)"
    if matched.extra:
        yield f"{matched.extra} rows of {name} match no frame of the truth"
    if not coded.all():
        parts = [f"{u} {n}" for u, n in zip(aus, (~coded).sum(0).tolist(), strict=True) if n]
        yield f"not coded in {truth.path.name}: frames of {', '.join(parts)}"
    for unit in (name for name in aus if _is_constant(truth.values[name])):
        yield f"{unit} never changes in {truth.path.name}: its ICC and PCC are undefined"
    yield from _notes_on_people(_subjects(truth, predictions))


def _is_constant(values: NDArray[np.float64]) -> bool:
    return len(np.unique(values[~np.isnan(values)])) == 1


def _notes_on_people(side: Side | None) -> Iterator[str]:
    if side is None:
        yield "no column identifies people: no intervals (--person COLUMN)"
        return
    people = side.keys.column("subject")
    if nameless := people.null_count:
        yield f"{nameless} rows of {side.path.name} have no person: they count as one person"
    if len(people.unique()) == 1:
        yield f"{side.path.name} has only one person: no intervals"


def _subjects(truth: Side, predictions: Side) -> Side | None:
    """The side that identifies people."""
    sides = (side for side in (truth, predictions) if "subject" in side.keys.column_names)
    return next(sides, None)


def _table(
    truth: Side,
    predictions: Side,
    matched: Matched,
    aus: Sequence[str],
    rows: NDArray[np.int64],
    cut: float,
) -> pa.Table:
    """Truth and estimates of frames in `records.prediction_schema`."""
    places = matched.place[rows]
    schema = prediction_schema(aus)
    columns = _who(truth, predictions, rows, places)
    columns["id"] = matched.names.take(pa.array(rows))
    for name in aus:
        true = _intensity(truth.values[name][rows], name in truth.presence, 0.5)
        estimate = _intensity(predictions.values[name][places], name in predictions.presence, cut)
        levels = np.floor(estimate + 0.5)
        columns[name] = pa.array(true, pa.float32(), from_pandas=True)
        columns[f"{name}_predicted"] = pa.array(estimate, pa.float32(), from_pandas=True)
        columns[f"{name}_level"] = pa.array(levels, pa.float64(), from_pandas=True)
    arrays = [
        columns[f.name].cast(f.type) if f.name in columns else pa.nulls(len(rows), f.type)
        for f in schema
    ]
    return pa.table(arrays, schema=schema)


def _who(
    truth: Side, predictions: Side, rows: NDArray[np.int64], places: NDArray[np.int64]
) -> dict[str, Any]:
    columns = {}
    for name in ("dataset", "partition", "task", "view", "frame"):
        # Frames with names instead of numbers have them in `id`.
        if name in truth.keys.column_names and (
            name != "frame" or pa.types.is_integer(truth.keys.column(name).type)
        ):
            columns[name] = truth.keys.column(name).take(pa.array(rows)).combine_chunks()
    columns.setdefault("dataset", pa.array([truth.path.stem] * len(rows)))
    side = _subjects(truth, predictions)
    if side is None:
        columns["subject"] = pa.array(["everybody"] * len(rows))
    else:
        chosen = pa.array(rows if side is truth else places)
        columns["subject"] = side.keys.column("subject").take(chosen).combine_chunks()
    return columns


def _intensity(values: NDArray[np.float64], presence: bool, cut: float) -> NDArray[np.float64]:
    """Intensities; presence becomes 0 or 5, which any threshold separates."""
    if not presence:
        return values
    return np.where(np.isnan(values), np.nan, np.where(values >= cut, float(au.MAX_LEVEL), 0.0))
