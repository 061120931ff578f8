"""Faces in several views: one row a view, told apart by the column `view` and by the id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aukit.config import Choice
from aukit.contracts.aligner import ShowsViews
from aukit.errors import ConfigError
from aukit.records import SYNTHETIC
from aukit.views import View, view_name


def shows_views(choice: Choice, aligner: Any) -> ShowsViews:
    """An aligner that can show views.

    Raises:
        ConfigError: it cannot.
    """
    if not isinstance(aligner, ShowsViews):
        raise ConfigError(
            f"aligner '{choice.component.name}' cannot show other views",
            "choose one that knows the face in space: --aligner 3d, or --aligner facemesh",
        )
    return aligner


def in_view(table: pa.Table, view: View) -> pa.Table:
    """Rows of faces as those of a view: `a/b/3` becomes `a/b/3@-20,40`."""
    name = view_name(view)
    ids = [f"{row}@{name}" for row in table.column("id").to_pylist()]
    for column, values in (("id", ids), ("view", [name] * len(ids))):
        place = table.column_names.index(column)
        field = table.schema.field(place)
        table = table.set_column(place, field, pa.array(values, field.type))
    return table


def without_view(name: str, view: str | None) -> str:
    """The id of a row before it was shown in a view."""
    return name if view is None else name.removesuffix(f"@{view}")


def planned_ids(table: pa.Table) -> list[str]:
    """The ids by which a plan knows some faces, whatever view they are in."""
    rows = zip(table.column("id").to_pylist(), table.column("view").to_pylist(), strict=True)
    return [without_view(name, view) for name, view in rows]


def planned_uses(plan: pa.Table, views: int) -> int:
    """Uses of faces that a plan asks for, each synthetic one in so many views."""
    synthetic = pc.equal(plan.column("origin"), SYNTHETIC)
    counts = plan.column("count")
    return int(pc.sum(pc.if_else(synthetic, pc.multiply(counts, views), counts)).as_py() or 0)


def interleaved(tables: Sequence[pa.Table]) -> pa.Table:
    """All views of the first row, then all of the second, ..."""
    rows = tables[0].num_rows
    order = [view * rows + row for row in range(rows) for view in range(len(tables))]
    return pa.concat_tables(tables).take(pa.array(order, pa.int64()))
