"""Plans of real frames: all of them once, or equally many of each level."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aukit import au, records
from aukit.contracts.context import Context
from aukit.seeds import seed_of
from aukit.statistics.levels import UNKNOWN, levels_of
from aukit_resampling.plugin import NoneConfig, ResampleConfig

_log = logging.getLogger(__name__)

EMPTY_LEVELS = b"aukit.empty_levels"
"""Key of the plan's metadata: JSON, AU -> the levels that no frame shows."""


@dataclass(frozen=True)
class Uses:
    """How often the frames of one training set are used.

    Attributes:
        training_set: the AU.
        rows: indices into the labels.
        levels: intensity level of each of these rows.
        counts: how often each is used, at least once.
    """

    training_set: str
    rows: NDArray[np.intp]
    levels: NDArray[np.int8]
    counts: NDArray[np.int32]


class Unbalanced:
    """Every coded frame once in the training set of its AU."""

    def __init__(self, config: NoneConfig, context: Context) -> None:
        pass

    def plan(
        self, labels: pa.Table, sources: pa.Table, aus: tuple[str, ...], seed: int
    ) -> pa.Table:
        """One row for each AU and coded frame, ordered by AU, then frame id."""
        labels, levels = ordered(labels, aus)
        uses = []
        for place, name in enumerate(aus):
            (rows,) = np.nonzero(levels[:, place] != UNKNOWN)
            once = np.ones(len(rows), np.int32)
            uses.append(Uses(name, rows, levels[rows, place], once))
        return _table(labels, aus, uses)


class Resample:
    """Equally many frames of each AU at each of the six levels (Niinuma et al. 2021, 4.2.2).

    A level with more frames than wanted is down-sampled: a random subset, each frame once. A level
    with fewer is up-sampled: all its frames equally often, and a random subset once more to make
    up the number. (The paper says only that minority classes are up-sampled; drawing with
    replacement would leave out some of the rarest frames for nothing.) A level without any
    frame stays empty and is named in a warning and in the plan's metadata.
    """

    def __init__(self, config: ResampleConfig, context: Context) -> None:
        self.per_level = config.per_level

    def plan(
        self, labels: pa.Table, sources: pa.Table, aus: tuple[str, ...], seed: int
    ) -> pa.Table:
        """`per_level` uses of each AU and level, ordered by AU, level, frame id.

        The plan depends on the labels and the seed, not on the order of the rows, and what one AU
        draws does not depend on which other AUs are planned.
        """
        labels, levels = ordered(labels, aus)
        uses, empty = [], dict[str, list[int]]()
        for place, name in enumerate(aus):
            for level in range(au.MAX_LEVEL + 1):
                (rows,) = np.nonzero(levels[:, place] == level)
                if len(rows) == 0:
                    empty.setdefault(name, []).append(level)
                    continue
                random = np.random.default_rng(seed_of(seed, "resample", name, level))
                used, counts = draw(rows, self.per_level, random)
                uses.append(Uses(name, used, np.full(len(used), level, np.int8), counts))
        return note_empty_levels(_table(labels, aus, uses), empty)


def draw(
    rows: NDArray[np.intp], wanted: int, random: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Use rows as equally often as `wanted` uses in all allow.

    Args:
        rows: (n,) at least one.
        wanted: uses in all.
        random: draws the rows that are used once more than the others.

    Returns:
        the rows that are used, in their order, and how often: `wanted // n` times or once more.
    """
    each, rest = divmod(wanted, len(rows))
    counts = np.full(len(rows), each, np.int32)
    counts[random.permutation(len(rows))[:rest]] += 1
    return rows[counts > 0], counts[counts > 0]


def ordered(labels: pa.Table, aus: tuple[str, ...]) -> tuple[pa.Table, NDArray[np.int8]]:
    """The rows in the order of their ids, and (N, A) levels of their labels."""
    labels = labels.take(pc.sort_indices(labels, [("id", "ascending")]))
    return labels, levels_of(records.labels_of(labels, aus))


def _table(labels: pa.Table, aus: tuple[str, ...], uses: Iterable[Uses]) -> pa.Table:
    schema = records.plan_schema(aus)
    ids = labels.column("id").combine_chunks()
    parts = [_rows(ids, one, schema) for one in uses if len(one.rows)]
    return pa.concat_tables([schema.empty_table(), *parts]).combine_chunks()


def _rows(ids: pa.Array, uses: Uses, schema: pa.Schema) -> pa.Table:
    size = len(uses.rows)
    known = {
        "training_set": pa.repeat(uses.training_set, size),
        "level": pa.array(uses.levels),
        "origin": pa.repeat(records.REAL, size),
        "source": ids.take(pa.array(uses.rows)),
        "count": pa.array(uses.counts),
    }
    columns = [
        known[field.name] if field.name in known else pa.nulls(size, field.type) for field in schema
    ]
    return pa.table(columns, schema=schema)


def note_empty_levels(plan: pa.Table, empty: Mapping[str, Sequence[int]]) -> pa.Table:
    """Warn of levels that no frame shows, and write them into the plan's metadata."""
    for name, levels in empty.items():
        listed = ", ".join(map(str, levels))
        _log.warning("%s: no training frame at level %s; nothing stands in for it", name, listed)
    note = {EMPTY_LEVELS: json.dumps(empty).encode()}
    return plan.replace_schema_metadata({**plan.schema.metadata, **note})
