"""The section of a report that shows the score card of a synthesizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aukit.report.card_rows import CROSS_TALK, Entry, digits, tables
from aukit.report.figures import Figure
from aukit.report.heat_maps import change_map
from aukit.report.score_tables import UNDEFINED

TITLE = "{faces} synthetic faces of {people} people unseen by the synthesizer"
_SETS = {"painted": "in synthetic faces", "truth": "in the true pictures"}


@dataclass(frozen=True)
class Value:
    """A score in a table: its text and that of its interval."""

    text: str
    interval: str = ""


@dataclass(frozen=True)
class Table:
    """A table of scores.

    Attributes:
        title: heading.
        columns: headings of the score columns.
        rows: name, remark, and a value per column; None if there is none.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[Value | None]]]


@dataclass(frozen=True)
class CardSection:
    """What the report shows of a card."""

    notes: Sequence[str]
    tables: Sequence[Table]
    figures: Sequence[Figure]


def card_section(card: Mapping[str, Any]) -> CardSection | None:
    """The section of a card; None without one."""
    if not card:
        return None
    return CardSection(card["notes"], list(_tables(card)), list(_figures(card)))


def _tables(card: Mapping[str, Any]) -> Iterator[Table]:
    for table in tables(card, TITLE):
        rows = [
            (name, remark, [_value(entry) for entry in entries])
            for name, remark, entries in table.rows
        ]
        yield Table(table.title, table.columns, rows)


def _value(entry: Entry | None) -> Value | None:
    if entry is None:
        return None
    value, low, high = (entry.get(part) for part in ("value", "low", "high"))
    if value is None:
        return Value(UNDEFINED)
    if low is None or high is None:
        return Value(digits(value))
    return Value(digits(value), f"{digits(low, value)} to {digits(high, value)}")


def _figures(card: Mapping[str, Any]) -> Iterator[Figure]:
    for judge, table in card["cross_talk"].items():
        known = [place for place, _ in enumerate(card["aus"]) if _is_known(table, place)]
        names = [str(int(card["aus"][place][2:])) for place in known]
        for key, where in _SETS.items():
            matrix = table[CROSS_TALK].get(key)
            if matrix is not None and known:
                shown = [[matrix[row][column] for column in known] for row in known]
                caption = f"{where}, judged by {judge}"
                title = f"Change of each AU when one is set to {CROSS_TALK}, {caption}"
                yield Figure(caption, change_map(shown, names, title, float(CROSS_TALK)))


def _is_known(table: Mapping[str, Any], place: int) -> bool:
    """Whether a judge covers this AU."""
    return any(row[place] is not None for row in table[CROSS_TALK]["painted"])
