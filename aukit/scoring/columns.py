"""Recognizes the columns of AU tables from different programs.

| origin | intensity 0..5 | presence | frame |
|---|---|---|---|
| aukit | `AU01_predicted` (`AU01` is the truth) | | `id`, `frame` |
| OpenFace | `AU01_r` | `AU01_c`, 0 or 1 | `frame` from 1; `success` 0: no face |
| LibreFace | `au_1_intensity` | `au_1`, 0 or 1 | `frame_idx` from 0 |
| py-feat | | `AU01`, a probability | `frame` from 0 |
| any other | `AU01`, `AU1`, `au_1`: by the values, or `--scale` | | `frame` |

Case and spaces around names are ignored. aukit's own Parquet files say which AUs are coded as
occurrence only (`aukit.data.kinds`).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aukit import au
from aukit.errors import DataError

KEYS: dict[str, tuple[str, ...]] = {
    "id": ("id",),
    "dataset": ("dataset",),
    "partition": ("partition",),
    "subject": ("subject", "person", "participant", "subject_id", "participant_id"),
    "task": ("task", "sequence", "video", "session", "trial", "input", "file", "filename"),
    "view": ("view", "camera"),
    "frame": ("frame", "frame_idx", "frame_index", "frame_number", "frame_id", "framenumber"),
    "face": ("face_id", "face", "face_idx"),
    "confidence": ("confidence", "facescore", "face_score"),
    "success": ("success",),
}
"""Key -> column names; the first one present wins."""

MEASURED = ("confidence", "success")
"""Keys whose columns hold numbers; the others hold text."""

_PLAIN = re.compile(r"au_?(\d{1,2})")
_OWN = re.compile(r"au(\d{2})_predicted")
_OPENFACE = re.compile(r"au(\d{2})_r"), re.compile(r"au(\d{2})_c")
_LIBREFACE = re.compile(r"au_(\d{1,2})_intensity")
_AUKIT_KEYS = {"id", "dataset", "partition", "subject", "view", "frame"}
_PYFEAT = ("facerectx", "facescore")


@dataclass(frozen=True)
class Layout:
    """The columns of a table.

    Attributes:
        origin: the program that writes such tables, or `plain`.
        keys: key that identifies frames (names in `KEYS`) -> column.
        intensity: AU -> column with intensities in 0..5.
        presence: AU -> column with presence, or its probability, in 0..1.
        unknown: AU -> column whose name does not define the scale.
    """

    origin: str
    keys: Mapping[str, str]
    intensity: Mapping[str, str] = field(default_factory=dict)
    presence: Mapping[str, str] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def au_columns(self) -> list[str]:
        """Every column that holds an AU."""
        return [*self.intensity.values(), *self.presence.values(), *self.unknown.values()]

    @property
    def texts(self) -> list[str]:
        """Every text column."""
        return [column for key, column in self.keys.items() if key not in MEASURED]

    @property
    def numbers(self) -> list[str]:
        """Every numeric column."""
        measured = [column for key, column in self.keys.items() if key in MEASURED]
        return [*self.au_columns, *measured]

    def with_occurrences(self, columns: Collection[str]) -> Layout:
        """The layout with the given columns known to hold presence."""
        moved = {
            unit: c for unit, c in [*self.intensity.items(), *self.unknown.items()] if c in columns
        }
        return replace(
            self,
            intensity=_without(self.intensity, moved),
            presence={**self.presence, **moved},
            unknown=_without(self.unknown, moved),
        )


def recognise(names: Sequence[str], truth: bool) -> Layout:
    """Recognize the columns of a table.

    Args:
        names: names in the file.
        truth: whether the table is used as the truth; aukit's own tables hold both.

    Raises:
        DataError: two columns have the same meaning or the same name.
    """
    known = {name.strip().lower(): name for name in reversed(names)}
    keys = {key: known[name] for key, options in KEYS.items() if (name := _first(options, known))}
    _refuse_doubled(names, keys)
    plain = _matching(_PLAIN, names)
    if own := _matching(_OWN, names):
        return Layout("aukit", keys, plain if truth else own)
    if known.keys() >= _AUKIT_KEYS:
        return Layout("aukit", keys, plain)
    openface = [_matching(pattern, names) for pattern in _OPENFACE]
    if any(openface):
        return Layout("OpenFace", keys, *openface)
    if libreface := _matching(_LIBREFACE, names):
        return Layout("LibreFace", keys, libreface, plain)
    if plain and any(name in known for name in _PYFEAT):
        return Layout("py-feat", keys, presence=plain)
    return Layout("plain", keys, unknown=plain)


def _without(columns: Mapping[str, str], units: Collection[str]) -> dict[str, str]:
    return {unit: column for unit, column in columns.items() if unit not in units}


def _refuse_doubled(names: Sequence[str], keys: Mapping[str, str]) -> None:
    alike = [name.strip().lower() for name in names]
    for name in keys.values():
        if alike.count(name.strip().lower()) > 1:
            raise DataError(f"two columns are called '{name.strip()}'", "leave one of them out")


def _first(options: Sequence[str], known: Mapping[str, str]) -> str | None:
    return next((name for name in options if name in known), None)


def _matching(pattern: re.Pattern[str], names: Sequence[str]) -> dict[str, str]:
    matches = ((pattern.fullmatch(name.strip().lower()), name) for name in names)
    pairs = sorted((au.column(int(match[1])), name) for match, name in matches if match)
    for (unit, first), (other, second) in itertools.pairwise(pairs):
        if unit == other:
            raise DataError(
                f"the columns '{first}' and '{second}' both hold {unit}", "leave one of them out"
            )
    return dict(pairs)
