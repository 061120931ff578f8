"""Faces in several views: one row per view, with its own `view` and id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from aukit.config.choice import Choice
from aukit.contracts.aligner import ShowsViews
from aukit.errors import ConfigError
from aukit.views import View, view_name


def shows_views(choice: Choice, aligner: Any) -> ShowsViews:
    """The aligner, typed as one that can render views.

    Raises:
        ConfigError: it cannot.
    """
    if not isinstance(aligner, ShowsViews):
        raise ConfigError(
            f"aligner '{choice.component.name}' cannot render other views",
            "choose a 3D aligner: --aligner 3d or --aligner facemesh",
        )
    return aligner


def in_view(table: pa.Table, view: View) -> pa.Table:
    """Relabel rows of faces as rows of a view: `a/b/3` becomes `a/b/3@-20,40`."""
    name = view_name(view)
    ids = [f"{row}@{name}" for row in table.column("id").to_pylist()]
    for column, values in (("id", ids), ("view", [name] * len(ids))):
        place = table.column_names.index(column)
        field = table.schema.field(place)
        table = table.set_column(place, field, pa.array(values, field.type))
    return table


def without_view(name: str, view: str | None) -> str:
    """The id of a row without its view."""
    return name if view is None else name.removesuffix(f"@{view}")


def interleaved(tables: Sequence[pa.Table]) -> pa.Table:
    """All views of the first row, then all of the second, ..."""
    rows = tables[0].num_rows
    order = [view * rows + row for row in range(rows) for view in range(len(tables))]
    return pa.concat_tables(tables).take(pa.array(order, pa.int64()))
