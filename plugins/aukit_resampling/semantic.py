"""Semantic resampling: training sets of synthetic faces only, with equal numbers per level."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aukit.contracts.context import Context
from aukit.data import records
from aukit.data.records import labels_of
from aukit.seeds import seed_of
from aukit.statistics.levels import UNKNOWN
from aukit_resampling.balancers import codes_of, note_empty_levels, ordered
from aukit_resampling.plugin import SemanticConfig

_log = logging.getLogger(__name__)

Rows = NDArray[np.intp]
Words = NDArray[np.uint64]

PROPOSALS = 16
"""Sources that a request proposes before it takes what the others left."""


class Semantic:
    """Synthetic faces of each AU at each of the six levels (Niinuma et al. 2021, 4.2.2).

    A request pairs a source, a frame on which the AU is absent (wrinkles can be added, hardly
    removed), with a target, the whole AU vector of a frame that shows the AU at the level. Both
    are drawn at random and independently, so they are mostly of two people; level 0 is synthetic
    too. With fewer frames than requests, each is used equally often (targets) or no more often
    than it must be (sources: 921 faces for 4,605 requests are used five times each, as in 4.7).

    The random numbers belong to the frames, not to the AU (coordinated sampling). A request that
    two AUs can both use is therefore mostly drawn by both, and synthesized once; what one AU draws
    is still a simple random sample, and does not depend on which other AUs are planned.
    """

    def __init__(self, config: SemanticConfig, context: Context) -> None:
        self.per_level = config.per_level

    def plan(
        self, labels: pa.Table, sources: pa.Table, aus: tuple[str, ...], seed: int
    ) -> pa.Table:
        """`per_level` requests of each AU and level, ordered by AU and level.

        A level that no frame shows stays empty, as does an AU that every source shows; both are
        named in warnings, the former in the plan's metadata too. Where an AU is coded on no source
        at all (faces of an uncoded dataset), every source may be used.
        """
        frames, codes = _Frames.of(labels, aus, seed), codes_of(labels, aus)
        painted, absent = _sources(sources, aus)
        requests, empty = [], dict[str, list[int]]()
        for place, name in enumerate(aus):
            (allowed,) = np.nonzero(absent[:, place])
            if len(allowed) == 0:
                _log.warning("%s: no source face, since all faces show this AU", name)
            for level in codes[name]:
                targets = frames.draw(place, level, self.per_level)
                if targets is None:
                    empty.setdefault(name, []).append(level)
                elif len(allowed):
                    chosen = match(targets.keys, allowed, len(painted))
                    requests.append(_Requests(name, level, targets, chosen))
        plan = _table(requests, frames.labels, painted, aus)
        return note_empty_levels(plan, empty)


@dataclass(frozen=True)
class _Drawn:
    """Targets of some requests: rows of the labels, and a random key of each request."""

    rows: Rows
    keys: Words


@dataclass(frozen=True)
class _Frames:
    """The frames whose AU vectors are taken, in the order of a random key that each has."""

    labels: pa.Table
    levels: NDArray[np.int8]
    keys: Words

    @classmethod
    def of(cls, labels: pa.Table, aus: tuple[str, ...], seed: int) -> _Frames:
        labels, levels = ordered(labels, aus)
        names = labels.column("id").to_pylist()
        keys = np.array([seed_of(seed, "semantic", name) for name in names], np.uint64)
        ranked = np.argsort(keys, kind="stable")
        return cls(labels.take(pa.array(ranked)), levels[ranked], keys[ranked])

    def draw(self, place: int, level: int, wanted: int) -> _Drawn | None:
        """`wanted` uses of the first frames of a level, each as often as the others; None without
        any."""
        (rows,) = np.nonzero(self.levels[:, place] == level)
        if len(rows) == 0:
            return None
        use = np.arange(wanted)
        chosen = rows[use % len(rows)]
        rounds = (use // len(rows)).astype(np.uint64)
        return _Drawn(chosen, mix(self.keys[chosen] + mix(rounds)))


def match(keys: Words, allowed: Rows, count: int) -> Rows:
    """A source for each request, none used more often than it must be.

    Requests propose one source after another out of all, by their keys; a proposal holds if the
    source is allowed and not used up. So requests of two AUs with equal keys agree on the source
    wherever both AUs allow it. Who is left over takes what is left over, in random order.

    Args:
        keys: (n,) random number of each request.
        allowed: rows of the sources that may be used, at least one.
        count: number of all sources.

    Returns:
        (n,) rows.
    """
    room = np.zeros(count, np.int64)
    room[allowed] = -(-len(keys) // len(allowed))
    chosen = np.full(len(keys), -1, np.intp)
    waiting: Rows = np.arange(len(keys))
    for number in range(PROPOSALS):
        words = mix(keys[waiting] + mix(np.uint64(number + 1)))
        proposed = (words % np.uint64(count)).astype(np.intp)
        held = _turn(proposed) < room[proposed]
        chosen[waiting[held]] = proposed[held]
        np.subtract.at(room, proposed[held], 1)
        waiting = waiting[~held]
    left = np.repeat(allowed, room[allowed])
    shuffled = np.argsort(mix(keys[0] + np.arange(len(left), dtype=np.uint64)))
    chosen[waiting] = left[shuffled[: len(waiting)]]
    return chosen


def _turn(values: Rows) -> Rows:
    """How many equal values stand before each."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    starts = np.searchsorted(ranked, ranked)
    turn = np.empty_like(order)
    turn[order] = np.arange(len(values)) - starts
    return turn


def mix(words: Words | np.uint64) -> Words:
    """Random-looking words, one for each: the finalizer of SplitMix64 (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = np.asarray(words, np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)))


def _sources(sources: pa.Table, aus: tuple[str, ...]) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Ids of the faces that may be sources, and (N, A) whether an AU is absent from them.

    Frames on which nothing is coded are left out, unless nothing is coded on any.
    """
    sources, _ = ordered(sources, ())
    coded = labels_of(sources, records.au_columns(sources)).mask.numpy().any(1)
    if coded.any():
        sources = sources.filter(pa.array(coded))
    _, levels = ordered(sources, aus)
    absent = (levels == 0) | (levels == UNKNOWN).all(0)
    return sources.column("id").combine_chunks(), absent


@dataclass(frozen=True)
class _Requests:
    """The requests of one AU at one level."""

    training_set: str
    level: int
    targets: _Drawn
    sources: Rows

    def table(self, labels: pa.Table, painted: pa.Array, aus: tuple[str, ...]) -> pa.Table:
        size, schema = len(self.sources), records.plan_schema(aus)
        rows = pa.array(self.targets.rows)
        vectors = {name: labels.column(name).take(rows) for name in labels.column_names}
        known = {
            "training_set": pa.repeat(self.training_set, size),
            "level": pa.repeat(pa.scalar(self.level, pa.int8()), size),
            "origin": pa.repeat(records.SYNTHETIC, size),
            "source": painted.take(pa.array(self.sources)),
            "target": vectors["id"],
            "count": pa.repeat(pa.scalar(1, pa.int32()), size),
            "seed": pa.array((self.targets.keys >> np.uint64(1)).astype(np.int64)),
        }
        columns = {**{name: vectors.get(name, pa.nulls(size)) for name in aus}, **known}
        return pa.table([columns[f.name].cast(f.type) for f in schema], schema=schema)


def _table(
    requests: Iterable[_Requests], labels: pa.Table, painted: pa.Array, aus: tuple[str, ...]
) -> pa.Table:
    parts = [part.table(labels, painted, aus) for part in requests]
    return pa.concat_tables([records.plan_schema(aus).empty_table(), *parts]).combine_chunks()
