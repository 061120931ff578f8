"""Chooses the face to score in frames with several."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aukit.errors import DataError
from aukit.scoring.tables import Side

BEST = "best"
_OF_A_FACE = ("row", "face", "confidence")
_SHOWN = 8


def choose_faces(side: Side, face: str | None) -> Side:
    """One face of each frame.

    Args:
        side: the predictions.
        face: `best`, the one with the highest confidence (the first in a tie), or the name or
            number of a face (`columns.KEYS`); None: keep all rows.

    Raises:
        DataError: there is no column with confidence or face, or no row has that face.
    """
    if face is None:
        return side
    rows = _most_confident(side) if face == BEST else _named(side, face)
    lost = len(side) - len(rows)
    note = f"{lost} rows of {side.path.name} with other faces are left out (--face {face})"
    keys = side.keys.take(pa.array(rows))
    return replace(
        side,
        keys=keys.set_column(0, "row", pa.array(range(len(rows)))),
        values={name: column[rows] for name, column in side.values.items()},
        notes=(*side.notes, note) if lost else side.notes,
    )


def _most_confident(side: Side) -> NDArray[np.int64]:
    confidence = np.nan_to_num(_column(side, "confidence").to_numpy(), nan=-np.inf)
    apart = [name for name in side.keys.column_names if name not in _OF_A_FACE]
    texts = [pc.fill_null(side.keys.column(name).cast(pa.string()), "") for name in apart]
    frames = pc.binary_join_element_wise(*texts, "\0").combine_chunks().dictionary_encode()
    places = frames.indices.to_numpy()
    order = np.lexsort((-confidence, places))  # stable: the first in a tie stays first
    first = np.r_[True, np.diff(places[order]) != 0]
    return np.sort(order[first]).astype(np.int64)


def _named(side: Side, face: str) -> NDArray[np.int64]:
    faces = _column(side, "face")
    rows = np.flatnonzero(pc.fill_null(pc.equal(faces, face), False).to_numpy())
    if len(rows) == 0:
        known = sorted(filter(None, faces.unique().to_pylist()))
        more = ", ..." if len(known) > _SHOWN else ""
        raise DataError(
            f"{side.path} has no face '{face}'", f"faces: {', '.join(known[:_SHOWN])}{more}"
        )
    return rows


def _column(side: Side, name: str) -> pa.ChunkedArray:
    if name not in side.keys.column_names:
        called = {"face": "face_id", "confidence": "confidence or FaceScore"}[name]
        raise DataError(f"{side.path} has no column with the {name} of faces ({called})")
    return side.keys.column(name)
