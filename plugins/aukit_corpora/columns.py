"""Recognizes the columns of a table: files, people and AUs."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from aukit import au as facs
from aukit.contracts.survey import Finding
from aukit.data.codes import Floats, cleaned
from aukit.data.kinds import INTENSITY, OCCURRENCE, AuKind
from aukit.errors import ConfigError, DataError
from aukit_corpora.cells import codes_of, read_cells
from aukit_corpora.plugin import TableOptions

NAMES: dict[str, tuple[str, ...]] = {
    "file": ("file", "filename", "file_name", "path", "image", "picture", "img", "video", "clip",
             "url", "input"),
    "frame": ("frame", "frame_number", "frame_idx", "frame_index", "frame_id", "framenumber"),
    "subject": ("subject", "person", "participant", "subject_id", "participant_id", "id_subject"),
    "task": ("task", "session", "trial", "sequence"),
    "view": ("view", "camera", "pose"),
    "partition": ("partition", "split", "set", "fold"),
}  # fmt: skip
"""What a column says -> its usual names; the first that is there wins."""

_AU = re.compile(
    r"au[\s_-]*0?(\d{1,2})(?:[\s_-]*(r|c|int|intensity|occ|occurrence|presence))?", re.I
)
_OF_KIND = {"r": INTENSITY, "c": OCCURRENCE, "i": INTENSITY, "o": OCCURRENCE, "p": OCCURRENCE}


class Columns:
    """A table with recognized columns.

    Args:
        path: the table.
        config: the meaning of columns with unusual names.
    """

    def __init__(self, path: Path, config: TableOptions) -> None:
        self.path = path
        self.config = config
        self.table: pa.Table = read_cells(path)
        self._missing = [_number_of(text) for text in config.missing.split(",") if text.strip()]

    @cached_property
    def roles(self) -> dict[str, str]:
        """Role (`file`, `frame`, ...) -> column, for existing columns.

        Raises:
            ConfigError: a column named in the options does not exist.
            DataError: there is no column with files.
        """
        known = {name.strip().lower(): name for name in reversed(self.table.column_names)}
        found = {}
        for role, usual in NAMES.items():
            asked = getattr(self.config, role)
            names = (asked.strip().lower(),) if asked else usual
            column = next((known[name] for name in names if name in known), None)
            if column is not None:
                found[role] = column
            elif asked:
                raise ConfigError(f"{self.path.name} has no column '{asked}'", self._there())
        if "file" not in found:
            raise DataError(
                f"{self.path.name} has no column with pictures or videos",
                f"name it: --data.file NAME; {self._there()}",
            )
        return found

    def _there(self) -> str:
        return f"it has: {', '.join(self.table.column_names)}"

    @cached_property
    def _au_columns(self) -> dict[str, tuple[str, AuKind | None]]:
        """AU -> column, and what its name says that it holds."""
        if self.config.aus:
            return self._named_aus()
        found: dict[str, tuple[str, AuKind | None]] = {}
        for name in self.table.column_names:
            match = _AU.fullmatch(name.strip())
            if match is None or int(match[1]) not in facs.ACTION_UNITS:
                continue
            kind = _OF_KIND[match[2][0].lower()] if match[2] else None
            au = facs.column(int(match[1]))
            # Of both kinds of one AU, the intensity says more.
            if au not in found or kind == INTENSITY:
                found[au] = (name, kind)
        if not found:
            raise DataError(
                f"{self.path.name} has no AU columns",
                f"name them: --data.aus AU12=NAME,AU04=NAME; {self._there()}",
            )
        return dict(sorted(found.items()))

    def _named_aus(self) -> dict[str, tuple[str, AuKind | None]]:
        found: dict[str, tuple[str, AuKind | None]] = {}
        for part in self.config.aus.split(","):
            au, _, column = part.partition("=")
            if column.strip() not in self.table.column_names:
                raise ConfigError(f"{self.path.name} has no column '{column}'", self._there())
            found[facs.parse(au)] = (column.strip(), None)
        return dict(sorted(found.items()))

    @property
    def aus(self) -> tuple[str, ...]:
        """AU columns, in FACS order."""
        return tuple(self._au_columns)

    @cached_property
    def codes(self) -> tuple[dict[str, Floats], dict[str, AuKind], tuple[Finding, ...]]:
        """AU -> one code per row, AU -> kind, and findings."""
        codes: dict[str, Floats] = {}
        kinds: dict[str, AuKind] = {}
        found: list[Finding] = []
        for au, (column, told) in self._au_columns.items():
            where = f"{self.path.name}, {column}"
            raw, bad = codes_of(self.table.column(column))
            if bad:
                found.append(Finding("warning", "cells without valid codes", where, bad))
            kinds[au] = self._kind(told, raw)
            codes[au], unknown = cleaned(raw, kinds[au], where, self._missing)
            found += unknown
        return codes, kinds, tuple(found)

    def _kind(self, told: AuKind | None, raw: Floats) -> AuKind:
        if self.config.kind != "auto":
            return self.config.kind
        codes = set(np.unique(raw[~np.isnan(raw)]).tolist()) - set(self._missing)
        return told or (OCCURRENCE if codes and codes <= {0.0, 1.0} else INTENSITY)

    def texts(self, role: str) -> list[str | None]:
        """The cells of the column with a role; None where empty or missing."""
        if role not in self.roles:
            return [None] * self.table.num_rows
        cells = self.table.column(self.roles[role]).to_pylist()
        return [cell.strip() or None if cell is not None else None for cell in cells]


def _number_of(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(
            f"missing: '{text}' is not a list of numbers", "use e.g. 9,-1,999"
        ) from error
