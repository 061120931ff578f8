"""The tables of aukit: frames, faces, plans and predictions, as Arrow schemas.

One record is one face in one frame. Every AU is one float32 column; null means *not coded*,
whatever the corpus used for it. Its field's metadata (`aukit.kind`) says whether codes are
intensities, 0..5, or occurrences, 0 or 1. The schema version is in the file's metadata.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from aukit import au
from aukit.contracts.labels import Labels
from aukit.data.kinds import (
    Kinds,
    au_kinds,
    check_kinds,
    code_fields,
    code_kinds,
    estimate_fields,
    kinds_of,
    occurrences,
    tops,
)
from aukit.errors import DataError

SCHEMA_VERSION = 1
REAL, SYNTHETIC = "real", "synthetic"
TRAIN, VALID, TEST = "train", "valid", "test"
ALL = "all"
"""Selects every frame for testing, for a corpus other than the fitted ones."""
OK, DROPPED = "ok", "dropped"

_text = pa.string()


def _list(length: int) -> pa.DataType:
    # The child must be called "element", or the schema changes in a round trip.
    return pa.list_(pa.field("element", pa.float32()), length)


_INDEX = [
    pa.field("id", _text, nullable=False),
    pa.field("dataset", _text, nullable=False),
    pa.field("partition", _text),
    pa.field("subject", _text, nullable=False),
    pa.field("task", _text),
    pa.field("view", _text),
    pa.field("frame", pa.int64()),
    pa.field("time_s", pa.float64()),
]

_FACE = [
    pa.field("face", pa.int16(), nullable=False),
    pa.field("image", pa.binary()),
    pa.field("width", pa.int32()),
    pa.field("height", pa.int32()),
    pa.field("box", _list(4)),
    pa.field("score", pa.float32()),
    pa.field("landmarks", _list(136)),
    pa.field("transform", _list(9)),
    pa.field("valid_share", pa.float32()),
    pa.field("occlusion", pa.float32()),
    pa.field("status", _text, nullable=False),
    pa.field("reason", _text),
    pa.field("origin", _text, nullable=False),
    pa.field("parent", _text),
    pa.field("seed", pa.int64()),
]


def _schema(fields: Sequence[pa.Field], content: str) -> pa.Schema:
    metadata = {"aukit.schema": str(SCHEMA_VERSION), "aukit.content": content}
    return pa.schema(fields, metadata=metadata)


def index_schema(aus: Iterable[str], kinds: Kinds | None = None) -> pa.Schema:
    """Frames without pixels.

    Args:
        aus: AU columns.
        kinds: kinds of the columns; missing ones are intensities.

    `id` is stable between runs (`dataset/partition/subject/task/view/frame`); `partition` is
    `train`, `valid`, `test` or null; (`dataset`, `partition`, `subject`) is the person; `view` is
    `frontal`, a pose such as `-40,20` (pitch, yaw in degrees), or null.
    """
    return _schema([*_INDEX, *code_fields(aus, kinds)], "index")


def face_schema(aus: Iterable[str], kinds: Kinds | None = None) -> pa.Schema:
    """Registered faces: the index columns, then one face each.

    `image` is PNG; `box`, x0 y0 x1 y1 in source pixels; `landmarks`, the 68 iBUG points as x y
    pairs in aligned pixels; `transform`, the 3x3 matrix row by row from source to aligned pixels;
    `valid_share`, the share of pixels that come from the source; `occlusion`, the share of the face
    that is hidden, null if unknown; `status` is `ok` or `dropped`, the latter with a `reason`;
    `origin` is `real` or `synthetic`, the latter with `parent` and `seed`.
    """
    return _schema([*_INDEX, *_FACE, *code_fields(aus, kinds)], "faces")


def plan_schema(aus: Iterable[str], kinds: Kinds | None = None) -> pa.Schema:
    """A balancer's plan: one row per request.

    `training_set` is the AU whose training set the row belongs to and `level` its code there;
    `source` is the frame to use or to synthesize from, `count` how often the result is used;
    `target` is the frame whose AU vector a synthetic row takes, and the AU columns hold that vector
    (null in real rows).
    """
    fields = [
        pa.field("training_set", _text, nullable=False),
        pa.field("level", pa.int8(), nullable=False),
        pa.field("origin", _text, nullable=False),
        pa.field("source", _text, nullable=False),
        pa.field("target", _text),
        pa.field("count", pa.int32(), nullable=False),
        pa.field("seed", pa.int64()),
    ]
    return _schema([*fields, *code_fields(aus, kinds)], "plan")


def prediction_schema(
    aus: Sequence[str],
    kinds: Kinds | None = None,
    estimated: Kinds | None = None,
) -> pa.Schema:
    """Truth and estimates: the index columns, then per AU the truth (`AU01`) and `estimate_fields`.

    Args:
        aus: AU columns.
        kinds: kinds of the truth; missing ones are intensities.
        estimated: kinds of the estimates.
    """
    truth = code_fields(aus, kinds)
    pairs = ([field, *estimate_fields(field.name, estimated)] for field in truth)
    return _schema([*_INDEX, *itertools.chain.from_iterable(pairs)], "predictions")


_ESTIMATE = [
    pa.field("id", _text, nullable=False),
    pa.field("file", _text, nullable=False),
    pa.field("frame", pa.int64()),
    pa.field("time_s", pa.float64()),
    pa.field("face", pa.int16(), nullable=False),
    pa.field("confidence", pa.float32()),
    pa.field("valid_share", pa.float32()),
    pa.field("occlusion", pa.float32()),
    pa.field("left", pa.float32()),
    pa.field("top", pa.float32()),
    pa.field("right", pa.float32()),
    pa.field("bottom", pa.float32()),
    pa.field("status", _text, nullable=False),
    pa.field("reason", _text),
]


def estimate_schema(aus: Iterable[str], kinds: Kinds | None = None) -> pa.Schema:
    """Estimates for the user's own pictures: one row per face, or per frame without a face.

    `file` is the photo or video, `frame` the number of a video's frame from 0, `face` numbers the
    people of one file; `confidence` is the landmarker's, 0..1; `valid_share` is the share of the
    registered picture that comes from the source; `occlusion` is the share of the face that is
    hidden, null if unknown; `left` to `bottom` are its box in pixels; `status` is `ok` or
    `dropped`, the latter with a `reason` and no estimate. Then, for each AU, the columns of
    `estimate_fields`.
    """
    columns = itertools.chain.from_iterable(estimate_fields(name, kinds) for name in aus)
    return _schema([*_ESTIMATE, *columns], "estimates")


def au_columns(table: pa.Table | pa.Schema) -> tuple[str, ...]:
    """The AU columns of a table, in its order."""
    schema = table.schema if isinstance(table, pa.Table) else table
    return tuple(name for name in schema.names if au.is_column(name))


def labels_of(table: pa.Table, aus: Sequence[str]) -> Labels:
    """AU columns as a batch of labels; nulls and missing columns are masked.

    Raises:
        DataError: an intensity is outside 0..5 (e.g. an untranslated code for "unknown").
    """
    values = np.zeros((table.num_rows, len(aus)), np.float32)
    mask = np.zeros((table.num_rows, len(aus)), bool)
    for position, name in enumerate(aus):
        if name in table.column_names:
            column = table.column(name).to_numpy(zero_copy_only=False).astype(np.float32)
            mask[:, position] = ~np.isnan(column)
            values[:, position] = np.nan_to_num(column)
    known = occurrences(au_kinds(table)).intersection(aus)
    if ((values < 0) | (values > au.MAX_LEVEL)).any():
        row, position = np.argwhere((values < 0) | (values > au.MAX_LEVEL))[0]
        raise DataError(
            f"{aus[position]} is {values[row, position]:g} in row {row}: intensities range from "
            f"0 to 5",
            "codes such as 9, -1 or 999 mean 'not coded' and must become null",
        )
    return Labels(tuple(aus), torch.from_numpy(values), torch.from_numpy(mask), known)


def level_counts(index: pa.Table, au: str) -> list[int]:
    """Number of frames at each code of a column: levels 0..5, or 0 and 1 for an occurrence.

    Intensities between two levels count for the nearer one.
    """
    labels = labels_of(index, (au,))
    levels = labels.values[labels.mask].round().long()
    (top,) = tops(code_kinds(index), (au,))
    counts: list[int] = levels.bincount(minlength=top + 1).tolist()
    return counts


def with_labels(table: pa.Table, labels: Labels) -> pa.Table:
    """The table with its AU columns replaced by (or extended with) these labels."""
    values, mask = labels.values.cpu().numpy(), labels.mask.cpu().numpy()
    for position, field in enumerate(code_fields(labels.aus, kinds_of(labels))):
        column = pa.array(values[:, position], pa.float32(), mask=~mask[:, position])
        if field.name in table.column_names:
            table = table.set_column(table.column_names.index(field.name), field, column)
        else:
            table = table.append_column(field, column)
    return table


def person_keys(table: pa.Table) -> list[str]:
    """`dataset/partition/subject` of each row: the identity (FERA17 re-uses subject codes)."""
    columns = [table.column(name) for name in ("dataset", "partition", "subject")]
    joined = pc.binary_join_element_wise(
        *columns, "/", null_handling="replace", null_replacement="None"
    )
    # Millions of rows share the strings of some dozen people.
    keys = joined.combine_chunks().dictionary_encode()
    names = keys.dictionary.to_pylist()
    return [names[place] for place in keys.indices.to_numpy()]


def check_index(table: pa.Table) -> None:
    """Refuse an index that breaks the contract.

    Raises:
        DataError: a column is missing or has a wrong type, an id is duplicated, or a code is off
            its column's scale.
    """
    expected = index_schema(au_columns(table))
    for wanted in expected:
        if wanted.name not in table.column_names:
            raise DataError(f"the index has no column '{wanted.name}'")
        if table.schema.field(wanted.name).type != wanted.type:
            found = table.schema.field(wanted.name).type
            raise DataError(f"index column '{wanted.name}' is {found}, expected {wanted.type}")
    ids = table.column("id")
    if (distinct := ids.unique()) is not None and len(distinct) != len(ids):
        raise DataError(f"the index has {len(ids) - len(distinct)} duplicate ids")
    labels_of(table, au_columns(table))
    check_kinds(table)


def partition_rows(index: pa.Table, partition: str | None) -> pa.Table:
    """The index rows of a partition; None: rows without a partition; `all`: every row."""
    if partition == ALL:
        return index
    if partition is None:
        return index.filter(pc.is_null(index.column("partition")))
    return index.filter(pc.fill_null(pc.equal(index.column("partition"), partition), False))


def view_rows(index: pa.Table, views: Sequence[str]) -> pa.Table:
    """The index rows of the named views; all rows if no view is named."""
    if not views:
        return index
    return index.filter(pc.is_in(index.column("view"), pa.array(views, pa.string())))


def only_in_some(coded: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """AUs coded in some of the datasets but not in all."""
    sets: list[set[str]] = [set(aus) for aus in coded]
    return tuple(sorted(set().union(*sets) - sets[0].intersection(*sets)))
