"""The kind of an AU column: intensities, or occurrences (presence only).

The kind is stored in the metadata of the column's field (`aukit.kind`), so that it stays with the
column, in files too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, cast

import pyarrow as pa

from aukit import au
from aukit.contracts.labels import Labels
from aukit.errors import DataError

AuKind = Literal["intensity", "occurrence"]
INTENSITY: AuKind = "intensity"
OCCURRENCE: AuKind = "occurrence"
_KIND = b"aukit.kind"
_KINDS = (INTENSITY, OCCURRENCE)

Kinds = Mapping[str, AuKind]
"""AU column -> kind; missing ones are intensities."""


def code_fields(aus: Iterable[str], kinds: Kinds | None = None) -> list[pa.Field]:
    """Fields for the codes of AUs."""
    return [pa.field(name, pa.float32(), metadata=_said(name, kinds)) for name in aus]


def estimate_fields(name: str, kinds: Kinds | None = None) -> list[pa.Field]:
    """Fields for the estimates of an AU.

    `AU01_predicted` is the expected intensity, or the probability of an occurrence; `AU01_level` is
    the decided level, or 0 or 1 for an occurrence.
    """
    said = _said(name, kinds)
    return [
        pa.field(f"{name}_predicted", pa.float32(), metadata=said),
        pa.field(f"{name}_level", pa.int8(), metadata=said),
    ]


def _said(name: str, kinds: Kinds | None) -> dict[bytes, str]:
    return {_KIND: (kinds or {}).get(name, INTENSITY)}


def au_kinds(table: pa.Table | pa.Schema) -> dict[str, AuKind]:
    """AU column -> kind; intensity if its field does not say."""
    schema = table.schema if isinstance(table, pa.Table) else table
    return {field.name: _kind(field) for field in schema if au.is_column(field.name)}


def code_kinds(table: pa.Table) -> dict[str, AuKind]:
    """Column of codes, including further ones such as `AU06_present` -> kind."""
    said = [field for field in table.schema if _KIND in (field.metadata or {})]
    return {**au_kinds(table), **{field.name: _kind(field) for field in said}}


def estimate_kinds(table: pa.Table | pa.Schema) -> dict[str, AuKind]:
    """AU column -> kind of its estimate (`AU01_predicted`)."""
    schema = table.schema if isinstance(table, pa.Table) else table
    estimates = {field.name.removesuffix("_predicted"): field for field in schema}
    return {name: _kind(field) for name, field in estimates.items() if au.is_column(name)}


def _kind(field: pa.Field) -> AuKind:
    text = (field.metadata or {}).get(_KIND, INTENSITY.encode()).decode()
    return cast(AuKind, text)


def kinds_of(labels: Labels) -> dict[str, AuKind]:
    """AU column -> kind in the labels."""
    return {name: OCCURRENCE if name in labels.occurrence else INTENSITY for name in labels.aus}


def occurrences(kinds: Mapping[str, str]) -> frozenset[str]:
    """The AUs labelled with presence only."""
    return frozenset(name for name, kind in kinds.items() if kind == OCCURRENCE)


def tops(kinds: Mapping[str, str], aus: Iterable[str]) -> tuple[int, ...]:
    """The highest code of each AU: 5, for an occurrence 1."""
    return tuple(1 if kinds.get(name) == OCCURRENCE else au.MAX_LEVEL for name in aus)


def with_kinds(table: pa.Table, kinds: Kinds) -> pa.Table:
    """The table with these kinds set on its AU columns."""
    fields = [
        field.with_metadata(_said(field.name, kinds)) if au.is_column(field.name) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields, metadata=table.schema.metadata))


def check_kinds(table: pa.Table) -> None:
    """Refuse columns of an unknown kind, and occurrences with codes other than 0 and 1.

    Raises:
        DataError: there is such a column.
    """
    for name, kind in au_kinds(table).items():
        if kind not in _KINDS:
            known = ", ".join(_KINDS)
            raise DataError(
                f"index column '{name}' has the unknown kind '{kind}'",
                f"kinds of AU columns: {known}",
            )
        column = table.column(name)
        if kind == OCCURRENCE and not set(column.unique().to_pylist()) <= {0.0, 1.0, None}:
            raise DataError(
                f"{name} is an occurrence, but has codes other than 0 and 1",
                "give it the kind 'intensity', or make the codes 0 and 1",
            )
