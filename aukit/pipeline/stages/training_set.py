"""From a balancer's plan to the training set of an estimator, with checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from aukit.data.records import REAL, SYNTHETIC, plan_schema
from aukit.errors import LeakageError, PluginError
from aukit.faces.views import without_view
from aukit.store.files import digest


def label_table(rows: pa.Table, aus: Sequence[str]) -> pa.Table:
    """What a balancer may see of faces: names, groups and labels; null if an AU is not coded."""
    good = rows.filter(pc.equal(rows.column("status"), "ok"))
    for name in aus:
        if name not in good.column_names:
            good = good.append_column(name, pa.nulls(good.num_rows, pa.float32()))
    return good.select(["id", "subject", "view", "task", *aus])


def check_plan(
    plan: pa.Table, aus: tuple[str, ...], use: Sequence[str], paint: Sequence[str]
) -> None:
    """Refuse a plan that breaks its contract or uses faces it may not.

    Args:
        plan: the balancer's result.
        aus: the AUs to balance.
        use: ids of training faces.
        paint: ids of faces that may be synthesized.

    Raises:
        PluginError: wrong columns, an unknown AU or an invalid count.
        LeakageError: a source or target is not a training face.
    """
    expected = plan_schema(aus)
    if not plan.schema.equals(expected):
        found = ", ".join(f"{f.name}: {f.type}" for f in plan.schema)
        raise PluginError(f"the plan's columns differ from the contract: {found}")
    if unknown := set(plan.column("training_set").unique().to_pylist()) - set(aus):
        raise PluginError(f"the plan has training sets of unknown AUs: {sorted(unknown)}")
    if pc.any(pc.less(plan.column("count"), 1)).as_py():
        raise PluginError("the plan has a count below 1")
    real = pc.equal(plan.column("origin"), REAL)
    _subset(plan.filter(real).column("source"), use, "uses")
    _subset(plan.filter(pc.invert(real)).column("source"), paint, "paints")
    _subset(plan.column("target").drop_null(), use, "takes its targets from")


def _subset(ids: pa.ChunkedArray, allowed: Sequence[str], verb: str) -> None:
    outside = ids.unique().to_pylist()
    if stray := set(outside) - set(allowed):
        example = min(stray)
        raise LeakageError(f"the plan {verb} {len(stray)} faces outside training, e.g. {example}")


VIEW = "view"
"""Column of a plan that says in which view a synthetic face is shown; where it is missing, each is
shown in all."""


def in_turn(plans: Mapping[str, pa.Table]) -> pa.Table:
    """One plan out of a plan for each view; real frames are those of the first."""
    parts: list[pa.Table] = []
    for view, plan in plans.items():
        real = pc.equal(plan.column("origin"), REAL)
        kept = plan.filter(pc.invert(real)) if parts else plan
        views = pc.if_else(
            pc.equal(kept.column("origin"), REAL), pa.scalar(None, pa.string()), view
        )
        parts.append(kept.append_column(VIEW, views))
    return pa.concat_tables(parts).combine_chunks()


def requested_views(plan: pa.Table, aus: tuple[str, ...]) -> dict[str, list[str]]:
    """Id of each synthetic face -> names of the views in which a plan wants it, in its order."""
    rows = plan.filter(pc.equal(plan.column("origin"), SYNTHETIC))
    found: dict[str, dict[str, None]] = {}
    for name, view in zip(_request_ids(rows, aus), rows.column(VIEW).to_pylist(), strict=True):
        found.setdefault(name, {})[view] = None
    return {name: list(views) for name, views in found.items()}


def request_id(source: str, seed: int | None, target: Sequence[float | None]) -> str:
    """Id of the synthetic face of a request; equal requests share one face."""
    return f"{source}#{digest([seed, list(target)])}"


def synthetic_requests(plan: pa.Table, aus: tuple[str, ...]) -> pa.Table:
    """The distinct synthetic faces that a plan asks for: `id`, `source`, `seed` and target AUs."""
    rows = plan.filter(pc.equal(plan.column("origin"), SYNTHETIC))
    ids = _request_ids(rows, aus)
    first = sorted({name: row for row, name in reversed(list(enumerate(ids)))}.values())
    picked = rows.select(["source", "seed", *aus]).take(pa.array(first, pa.int64()))
    return picked.add_column(0, "id", pa.array([ids[row] for row in first], pa.string()))


def _request_ids(rows: pa.Table, aus: tuple[str, ...]) -> list[str]:
    targets = zip(*(rows.column(name).to_pylist() for name in aus), strict=True)
    triples = zip(
        rows.column("source").to_pylist(), rows.column("seed").to_pylist(), targets, strict=True
    )
    return [request_id(source, seed, target) for source, seed, target in triples]


def _planned_names(rows: pa.Table, aus: tuple[str, ...]) -> list[str]:
    """What a plan calls the synthetic faces of its rows: with their view, if it names one."""
    names = _request_ids(rows, aus)
    if VIEW not in rows.column_names:
        return names
    return [f"{name}@{v}" for name, v in zip(names, rows.column(VIEW).to_pylist(), strict=True)]


def plan_counts(plan: pa.Table, ids: Sequence[str], aus: tuple[str, ...]) -> Tensor:
    """How often each face appears in each AU's training set: (N, A) float32 for faces `ids`.

    A face shown in several views has the same id in several rows; each row gets the uses.
    """
    distinct = dict.fromkeys(ids)
    position = {name: row for row, name in enumerate(distinct)}
    column = {name: number for number, name in enumerate(aus)}
    synthetic = pc.equal(plan.column("origin"), SYNTHETIC).to_numpy(zero_copy_only=False)
    names = plan.column("source").to_pylist()
    if synthetic.any():
        made = iter(_planned_names(plan.filter(pa.array(synthetic)), aus))
        names = [next(made) if s else n for s, n in zip(synthetic, names, strict=True)]
    counts = np.zeros((len(distinct), len(aus)), np.float32)
    sets = plan.column("training_set").to_pylist()
    uses = plan.column("count").to_numpy()
    rows = np.array([position.get(name, -1) for name in names], dtype=np.int64)
    columns = np.array([column[name] for name in sets], dtype=np.int64)
    there = rows >= 0  # dropped faces are missing, and counted elsewhere
    np.add.at(counts, (rows[there], columns[there]), uses[there])
    return torch.from_numpy(counts[[position[name] for name in ids]])


def planned_ids(table: pa.Table, plan: pa.Table) -> list[str]:
    """The ids by which a plan knows some faces: without their views, unless it names views."""
    if VIEW in plan.column_names:
        names: list[str] = table.column("id").to_pylist()
        return names
    rows = zip(table.column("id").to_pylist(), table.column("view").to_pylist(), strict=True)
    return [without_view(name, view) for name, view in rows]


def planned_uses(plan: pa.Table, views: int) -> int:
    """Uses of faces that a plan asks for, each synthetic one in so many views, if it names none."""
    if VIEW in plan.column_names:
        views = 1
    synthetic = pc.equal(plan.column("origin"), SYNTHETIC)
    counts = plan.column("count")
    return int(pc.sum(pc.if_else(synthetic, pc.multiply(counts, views), counts)).as_py() or 0)
