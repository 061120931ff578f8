"""The FACS vocabulary: action units, their names, facial regions and the six intensity levels.

Numbers and names follow the Facial Action Coding System (Ekman, Friesen and Hager 2002). AU
intensity is ordinal: 0 (absent), then A (trace) to E (maximum), written 0..5 everywhere in aukit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from aukit.errors import ConfigError

Region = Literal["brow", "eye", "nose", "cheek", "mouth", "chin"]

LEVELS = ("0", "A", "B", "C", "D", "E")
MAX_LEVEL = 5


@dataclass(frozen=True)
class ActionUnit:
    """One action unit.

    Attributes:
        number: FACS number.
        name: FACS name.
        region: part of the face where it appears.
    """

    number: int
    name: str
    region: Region

    @property
    def column(self) -> str:
        """Column name in every table: `AU01`, `AU12`."""
        return column(self.number)


def column(number: int) -> str:
    """Column name of an AU number: 1 -> `AU01`."""
    return f"AU{number:02d}"


_TABLE: tuple[tuple[int, str, Region], ...] = (
    (1, "inner brow raiser", "brow"),
    (2, "outer brow raiser", "brow"),
    (4, "brow lowerer", "brow"),
    (5, "upper lid raiser", "eye"),
    (6, "cheek raiser", "cheek"),
    (7, "lid tightener", "eye"),
    (9, "nose wrinkler", "nose"),
    (10, "upper lip raiser", "mouth"),
    (11, "nasolabial deepener", "mouth"),
    (12, "lip corner puller", "mouth"),
    (13, "sharp lip puller", "mouth"),
    (14, "dimpler", "mouth"),
    (15, "lip corner depressor", "mouth"),
    (16, "lower lip depressor", "mouth"),
    (17, "chin raiser", "chin"),
    (18, "lip pucker", "mouth"),
    (20, "lip stretcher", "mouth"),
    (22, "lip funneler", "mouth"),
    (23, "lip tightener", "mouth"),
    (24, "lip pressor", "mouth"),
    (25, "lips part", "mouth"),
    (26, "jaw drop", "mouth"),
    (27, "mouth stretch", "mouth"),
    (28, "lip suck", "mouth"),
    (43, "eyes closed", "eye"),
    (45, "blink", "eye"),
)

ACTION_UNITS: dict[int, ActionUnit] = {n: ActionUnit(n, name, region) for n, name, region in _TABLE}

# The AU lists of the corpora used in the papers (FERA 2017 intensity, DISFA).
FERA17_INTENSITY = tuple(column(n) for n in (1, 4, 6, 10, 12, 14, 17))
DISFA = tuple(column(n) for n in (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26))

LISTS = {"fera17": FERA17_INTENSITY, "disfa": DISFA}
"""AU lists that can be requested by name."""

_COLUMN = re.compile(r"AU\d{2}")


def is_column(name: str) -> bool:
    """Whether a table column holds an AU (`AU01`, not `AU01_confidence`)."""
    return _COLUMN.fullmatch(name) is not None


def describe(name: str) -> str:
    """`AU12` -> `AU12 lip corner puller`; other names are returned unchanged."""
    unit = ACTION_UNITS.get(int(name[2:])) if is_column(name) else None
    return name if unit is None else f"{name} {unit.name}"


def parse(text: str) -> str:
    """Column name of an AU in any common spelling: `12`, `AU12`, `au 12`, `AU1`.

    Raises:
        ConfigError: the text is not an AU of the FACS table.
    """
    match = re.fullmatch(r"\s*(?:au)?\s*_?(\d{1,2})\s*", text, re.IGNORECASE)
    if match is None or int(match[1]) not in ACTION_UNITS:
        known = ", ".join(str(n) for n in ACTION_UNITS)
        raise ConfigError(f"'{text}' is not a known action unit", f"known AUs: {known}")
    return column(int(match[1]))


def parse_list(texts: Iterable[str]) -> tuple[str, ...]:
    """Column names of several AUs, in FACS order, without duplicates."""
    return tuple(sorted({parse(text) for text in texts}))
