"""Checks of datasets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from aukit.contracts.dataset import Frames, RendersTruth
from aukit.contracts.labels import Labels
from aukit.data import records
from aukit.errors import DataError
from aukit.testing.subject import Check, CheckFailed, Subject, require, skip

ROWS = 6
"""Frames that are read; reading a whole corpus would take hours."""


def check_index_keeps_the_contract(subject: Subject) -> None:
    """The index has the schema and frames; ids are unique, labels 0..5 or null, AUs in order."""
    dataset = subject.make()
    index = dataset.index()
    try:
        records.check_index(index)
    except DataError as error:
        raise CheckFailed(f"the index breaks the contract: {error}") from error
    expected = records.index_schema(dataset.aus)
    require(index.schema.equals(expected), f"index columns: {index.schema.names}")
    require(index.num_rows > 0, "the index is empty")
    require(tuple(dataset.aus) == tuple(sorted(dataset.aus)), f"AUs out of order: {dataset.aus}")
    partitions = set(index["partition"].to_pylist())
    known = {records.TRAIN, records.VALID, records.TEST, None}
    require(partitions <= known, f"partitions are {partitions}")


def check_index_is_stable(subject: Subject) -> None:
    """Asked again, and asked of another instance, the index is the same."""
    dataset = subject.make()
    first = dataset.index()
    require(first.equals(dataset.index()), "the index changes when it is asked for again")
    require(first.equals(subject.make().index()), "another instance has another index")


def check_frames_come_in_the_order_of_their_rows(subject: Subject) -> None:
    """Every asked row comes back once, in order, with a picture or a reason."""
    dataset = subject.make()
    rows = _some_rows(dataset.index())
    batches = list(dataset.read(rows))
    ids = [name for frames in batches for name in frames.rows["id"].to_pylist()]
    require(ids == rows["id"].to_pylist(), f"asked for {rows['id'].to_pylist()}, came {ids}")
    for frames in batches:
        _require_sound(frames, bool(dataset.landmarks))


def check_pictures_do_not_depend_on_what_else_is_read(subject: Subject) -> None:
    """A frame shows the same again, alone, and in another order."""
    dataset = subject.make()
    rows = _some_rows(dataset.index())
    whole = _pictures(dataset, rows)
    order = list(range(rows.num_rows))[::-1]
    alone = [picture for row in order for picture in _pictures(dataset, rows.slice(row, 1))]
    for how, other in (
        ("read again", _pictures(dataset, rows)),
        ("in reverse order", _pictures(dataset, rows.take(order))[::-1]),
        ("one by one", alone[::-1]),
    ):
        require(len(other) == len(whole), f"{len(other)} pictures {how}, not {len(whole)}")
        for first, second in zip(whole, other, strict=True):
            same = first is second or (
                first is not None and second is not None and torch.equal(first, second)
            )
            require(same, f"a picture is another one {how}")


def check_truth_follows_the_targets(subject: Subject) -> None:
    """Masked targets render the frame itself; other intensities render another picture."""
    dataset: Any = subject.make()
    renders = isinstance(dataset, RendersTruth)
    if not renders:
        skip("the dataset does not render truth")
    rows = _some_rows(dataset.index())
    own = _pictures(dataset, rows)
    shape = (rows.num_rows, len(dataset.aus))
    levels = torch.full(shape, 5.0)
    hidden = Labels(dataset.aus, torch.zeros(shape), torch.zeros(shape, dtype=torch.bool))
    shown = Labels(dataset.aus, levels, torch.ones(shape, dtype=torch.bool))
    same, other = (dataset.render(rows, targets).images for targets in (hidden, shown))
    for before, after, changed in zip(own, same, other, strict=True):
        if before is not None and after is not None and changed is not None:
            require(torch.equal(before, after), "masked targets change the picture")
            require(not torch.equal(before, changed), "targets do not change the picture")


def _some_rows(index: pa.Table) -> pa.Table:
    """A few rows from everywhere in the index."""
    places = np.linspace(0, index.num_rows - 1, min(ROWS, index.num_rows)).astype(int)
    return index.take(pa.array(np.unique(places)))


def _pictures(dataset: Any, rows: pa.Table) -> list[Tensor | None]:
    batches: Iterator[Frames] = dataset.read(rows)
    return [image for frames in batches for image in frames.images]


def _require_sound(frames: Frames, landmarks: bool) -> None:
    count = frames.rows.num_rows
    require(
        len(frames.images) == len(frames.reasons) == count, "a batch is not as long as its rows"
    )
    for image, reason in zip(frames.images, frames.reasons, strict=True):
        require((image is None) != (reason is None), "a frame needs a picture or a reason")
        if image is not None:
            shape = tuple(image.shape)
            require(image.dtype == torch.uint8, f"a picture is {image.dtype}, not uint8")
            require(len(shape) == 3 and shape[0] == 3, f"a picture has shape {shape}")
    require((frames.faces is not None) == landmarks, "`landmarks` and the faces disagree")
    if frames.faces is not None:
        require(len(frames.faces) == count, "not as many `faces` as rows")


CHECKS: tuple[Check, ...] = (
    check_index_keeps_the_contract,
    check_index_is_stable,
    check_frames_come_in_the_order_of_their_rows,
    check_pictures_do_not_depend_on_what_else_is_read,
    check_truth_follows_the_targets,
)
