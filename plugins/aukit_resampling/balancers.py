"""Plans of real frames: all of them once, or equal numbers per level."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aukit.contracts.context import Context
from aukit.data import records
from aukit.seeds import seed_of
from aukit.statistics.levels import UNKNOWN, levels_of
from aukit_resampling.plugin import NoneConfig, ResampleConfig

_log = logging.getLogger(__name__)

ALL = ""
"""Stands for all views together."""
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
        return plan_table(labels, aus, uses)


class Resample:
    """Equal numbers of frames per AU at each of the six levels (Niinuma et al. 2021, 4.2.2).

    A level with too many frames is down-sampled to a random subset, each frame once. A level with
    too few is up-sampled: all its frames equally often, and a random subset once more for the
    remainder. (The paper only says that minority classes are up-sampled; drawing with replacement
    would lose some of the rarest frames.) A level without frames stays empty and is reported in a
    warning and in the plan's metadata.

    With `per_view`, the number holds for each view, as in the paper's comparison of nine views
    (section 4.6: 500 per level, AU and pose); a level that a view lacks is reported too.
    """

    def __init__(self, config: ResampleConfig, context: Context) -> None:
        self.config = config

    def plan(
        self, labels: pa.Table, sources: pa.Table, aus: tuple[str, ...], seed: int
    ) -> pa.Table:
        """`per_level` uses of each AU and level, ordered by AU, level, view, frame id.

        The plan depends on the labels and the seed, not on the order of the rows, and what one AU
        draws does not depend on which other AUs are planned.
        """
        codes = codes_of(labels, aus)
        labels, levels = ordered(labels, aus)
        views = _views(labels) if self.config.per_view else {ALL: np.ones(len(levels), bool)}
        uses, lacking = [], dict[str, list[tuple[int, str]]]()
        cells = [(place, name, level) for place, name in enumerate(aus) for level in codes[name]]
        for (place, name, level), view in product(cells, views):
            (rows,) = np.nonzero((levels[:, place] == level) & views[view])
            if len(rows):
                uses.append(self._draw(name, level, view, rows, seed))
            else:
                lacking.setdefault(name, []).append((level, view))
        empty = _empty_levels(lacking, len(views))
        return note_empty_levels(plan_table(labels, aus, uses), empty)

    def _draw(self, name: str, level: int, view: str, rows: NDArray[np.intp], seed: int) -> Uses:
        names = (name, level) if view == ALL else (name, level, view)
        random = np.random.default_rng(seed_of(seed, "resample", *names))
        used, counts = draw(rows, self.config.per_level, random)
        return Uses(name, used, np.full(len(used), level, np.int8), counts)


def codes_of(labels: pa.Table, aus: Sequence[str]) -> dict[str, range]:
    """The possible codes of each AU: 0..5, for an occurrence 0 and 1."""
    labels_of = records.labels_of(labels.slice(0, 0), aus)
    return {name: range(top + 1) for name, top in zip(aus, labels_of.tops, strict=True)}


def _views(labels: pa.Table) -> dict[str, NDArray[np.bool_]]:
    """Which rows are seen from each view; rows without a view are a view of their own."""
    column = np.array([view or "unknown" for view in labels.column("view").to_pylist()])
    return {str(view): column == view for view in np.unique(column)}


def _empty_levels(
    lacking: Mapping[str, Sequence[tuple[int, str]]], views: int
) -> dict[str, list[int]]:
    """Levels that no view shows; those that only some views lack are warnings."""
    empty = {}
    for name, places in lacking.items():
        count = Counter(level for level, _ in places)
        empty[name] = [level for level in count if count[level] == views]
        some = [f"{level} in view {view}" for level, view in places if count[level] < views]
        if some:
            _log.warning("%s: no training frame at level %s", name, ", ".join(some))
    return {name: levels for name, levels in empty.items() if levels}


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


def plan_table(labels: pa.Table, aus: tuple[str, ...], uses: Iterable[Uses]) -> pa.Table:
    """A plan of real frames, in the order of the uses."""
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
        _log.warning("%s: no training frame at level %s; the level stays empty", name, listed)
    note = {EMPTY_LEVELS: json.dumps(empty).encode()}
    return plan.replace_schema_metadata({**plan.schema.metadata, **note})
