"""Matches estimates to the frames of the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aukit.errors import DataError
from aukit.scoring.tables import Side

Match = Literal["auto", "id", "frame", "order"]
PICTURE = "task"
"""Key of the column with the picture's name, if there are no frames (`file`, `input`, ...)."""
_APART = ("dataset", "partition", "subject", "task", "view")


@dataclass(frozen=True)
class Matched:
    """The frames of the truth and their rows in the predictions.

    Attributes:
        names: N strings that identify the frames of the truth.
        place: (N,) int64 row of the predictions; -1 if there is none.
        how: columns used, for display, e.g. `subject, frame`.
        extra: number of predictions without a frame in the truth.
        first: lowest frame number of truth and predictions, shifted; None without numbers.
    """

    names: pa.ChunkedArray
    place: NDArray[np.int64]
    how: str
    extra: int
    first: tuple[int, int] | None


def match_frames(truth: Side, predictions: Side, match: Match = "auto", shift: int = 0) -> Matched:
    """Find the estimate of each frame.

    Args:
        truth, predictions: the two sides.
        match: by `id`; by `frame` (numbers or names), and by dataset, partition, subject, task and
            view if both sides have them; by the `order` of the rows; `auto`: by id, else by frame,
            else by the name of the picture, if unique on both sides.
        shift: offset added to the frame numbers of the predictions.

    Raises:
        DataError: the sides cannot be matched this way, or a side has duplicate frames.
    """
    columns = _columns(truth, predictions, match)
    if columns[-1] == "frame":
        _require_alike(truth, predictions, shift)
    ours, theirs = _names(truth, columns, 0), _names(predictions, columns, shift)
    if columns == [PICTURE]:
        ours, theirs = _picture_names(ours, theirs)
    for side, names in ((truth, ours), (predictions, theirs)):
        _refuse_doubled(side, names, columns)
    place = pc.fill_null(pc.index_in(ours, theirs), -1).to_numpy().astype(np.int64)
    if (place < 0).all():
        raise DataError(
            f"{predictions.path} has none of the {len(truth)} frames of {truth.path}: "
            f"{ours[0].as_py()} there, {theirs[0].as_py()} here ({', '.join(columns)})",
            "check that both are of the same recordings; --shift N shifts the predictions' frame "
            "numbers",
        )
    extra = len(predictions) - int((place >= 0).sum())
    first = None
    if columns[-1] == "frame" and _has_numbers(truth):
        least = [int(pc.min(side.keys.column("frame")).as_py()) for side in (truth, predictions)]
        first = (least[0], least[1] + shift)
    return Matched(ours, place, ", ".join(columns), extra, first)


def _columns(truth: Side, predictions: Side, match: Match) -> list[str]:
    both = set(truth.keys.column_names) & set(predictions.keys.column_names)
    if match == "order" and len(truth) != len(predictions):
        raise DataError(
            f"{truth.path} has {len(truth)} rows, {predictions.path} {len(predictions)}: "
            "they cannot be matched by order"
        )
    pictures = match == "auto" and PICTURE in both and not both & {"id", "frame"}
    if pictures and _names_pictures(truth) and _names_pictures(predictions):
        return [PICTURE]
    wanted = {"auto": "id" if "id" in both else "frame", "order": "row"}.get(match, match)
    if wanted not in both:
        lacking = [s.path.name for s in (truth, predictions) if wanted not in s.keys.column_names]
        what = "ids" if wanted == "id" else "numbers"
        raise DataError(
            f"frames cannot be matched: no column of frame {what} in {' and in '.join(lacking)}",
            f"call it '{wanted}', or match rows by order: --match order",
        )
    if wanted != "frame":
        return [wanted]
    return [*(name for name in _APART if name in both), "frame"]


def _require_alike(truth: Side, predictions: Side, shift: int) -> None:
    """Refuse frames with numbers on one side and names on the other."""
    named = [side for side in (truth, predictions) if not _has_numbers(side)]
    if not named or (len(named) == 2 and not shift):
        return
    column = named[0].keys.column("frame")
    raise DataError(
        f"the frames of {named[0].path} are not numbers (e.g. '{column[0].as_py()}')",
        "--shift needs numbers on both sides" if shift else "the other side has numbers",
    )


def _has_numbers(side: Side) -> bool:
    return bool(pa.types.is_integer(side.keys.column("frame").type))


def _picture_names(
    ours: pa.ChunkedArray, theirs: pa.ChunkedArray
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """The picture names, without folders if they only match that way."""
    if pc.any(pc.is_in(ours, theirs)).as_py():
        return ours, theirs
    return _base_names(ours), _base_names(theirs)


def _base_names(names: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring_regex(names, r"^.*[/\\]", "")


def _names_pictures(side: Side) -> bool:
    """Whether each row has a unique name, with or without its folder."""
    names = side.keys.column(PICTURE)
    return _is_unique(names) or _is_unique(_base_names(names))


def _is_unique(names: pa.ChunkedArray) -> bool:
    return names.null_count == 0 and len(names.unique()) == len(names)


def _names(side: Side, columns: Sequence[str], shift: int) -> pa.ChunkedArray:
    """The identity of each frame as one string."""
    parts = [side.keys.column(name) for name in columns]
    if parts[-1].null_count:
        row = pc.index(parts[-1].is_null(), True).as_py() + 1
        what = {"id": "id", "frame": "frame number"}.get(columns[-1], "picture name")
        raise DataError(f"row {row} of {side.path} has no {what}", "remove such rows")
    if columns[-1] == "frame" and shift:
        parts[-1] = pc.add(parts[-1], shift)
    texts = [pc.fill_null(part.cast(pa.string()), "") for part in parts]
    joined = pc.binary_join_element_wise(*texts, "/") if len(texts) > 1 else texts[0]
    return joined.combine_chunks()


def _refuse_doubled(side: Side, names: pa.ChunkedArray, columns: Sequence[str]) -> None:
    if (doubled := len(names) - len(names.unique())) > 0:
        counts = pc.value_counts(names)
        place = pc.index(pc.greater(counts.field("counts"), 1), True).as_py()
        raise DataError(
            f"{side.path} has duplicate frames ({doubled}), e.g. "
            f"{counts.field('values')[place].as_py()}, identified only by {', '.join(columns)}",
            "both sides need the columns that identify recordings (subject, task, view), "
            "and one face per frame (--face)",
        )
