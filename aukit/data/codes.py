"""Reads label files into frames and codes, in which null means not coded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from aukit.au import MAX_LEVEL
from aukit.contracts.survey import Finding
from aukit.data.kinds import OCCURRENCE, AuKind

Floats: TypeAlias = npt.NDArray[np.float32]
Numbers: TypeAlias = npt.NDArray[np.int64]

NOT_CODED = "not coded"
CONTRADICTED = "coded twice, differently"
MISSING_CODES = (9.0, -1.0, 999.0)
"""Values that corpora use for "could not be coded"."""

_BETWEEN = re.compile(r"[,;\0]")


@dataclass(frozen=True)
class Codes:
    """The codes of one recording.

    Attributes:
        frames: (F,) int64, increasing: the corpus's own frame numbers.
        values: (F, A) float32, one column per AU; NaN where not coded.
        reasons: frame -> why its codes were left out as doubtful.
        findings: problems in the files.
    """

    frames: Numbers
    values: Floats
    reasons: Mapping[int, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def pairs(path: Path) -> tuple[Numbers, Floats, tuple[Finding, ...]]:
    """A label file of `frame,code` lines: frames, codes, and problems.

    Separators may be commas, semicolons or spaces; Windows line endings, blank lines and a heading
    are allowed. Other lines that are not two numbers give a finding, not an error.
    """
    rows, amiss = rows_of(path)
    whole = [row[:2] for row in rows if len(row) >= 2 and row[0] == row[0]]
    cut = len(rows) - len(whole)
    found = [*amiss, *([Finding("error", "incomplete lines", str(path), cut)] if cut else [])]
    if not whole:
        found.append(Finding("error", "label file without any code", str(path)))
    table = np.array(whole, np.float64).reshape(-1, 2)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.float32), tuple(found)


def rows_of(path: Path) -> tuple[list[list[float]], tuple[Finding, ...]]:
    """The lines of numbers of a text file, and problems; a heading is skipped."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return [], (Finding("error", "unreadable label file", str(path)),)
    rows: list[list[float]] = []
    bad = 0
    for line in text.lstrip("\ufeff").splitlines():
        try:
            row = [float(cell) for cell in _BETWEEN.sub(" ", line).split()]
        except ValueError:
            bad += bool(rows)
        else:
            rows += [row] if row else []
    return rows, (Finding("error", "lines without codes", str(path), bad),) if bad else ()


def cleaned(
    values: Floats, kind: AuKind, where: str, missing: Sequence[float] = MISSING_CODES
) -> tuple[Floats, tuple[Finding, ...]]:
    """Replace codes for "not coded" by NaN; also codes off the scale, with a finding."""
    values = np.where(np.isin(values, missing), np.nan, values).astype(np.float32)
    most = 1 if kind == OCCURRENCE else MAX_LEVEL
    wrong = (values < 0) | (values > most)
    if kind == OCCURRENCE:
        wrong |= ~np.isnan(values) & (values != np.round(values))
    if not wrong.any():
        return values, ()
    shown = ", ".join(f"{code:g}" for code in np.unique(values[wrong])[:3])
    finding = Finding("warning", f"unknown codes ({shown})", where, int(wrong.sum()))
    return np.where(wrong, np.float32(np.nan), values), (finding,)


def merged(
    columns: Mapping[str, tuple[Numbers, Floats]],
    aus: Sequence[str],
    where: str,
    findings: Iterable[Finding] = (),
) -> Codes:
    """Merge the codes of several AUs, each with its own frames, into one table.

    Duplicate rows of an AU count once; if they contradict each other, the AU is not coded there,
    with a reason.

    Args:
        columns: AU -> frames and codes, in file order.
        aus: columns of the result.
        where: the recording, for findings.
        findings: earlier findings, to be included.
    """
    found = list(findings)
    every = [frames for frames, _ in columns.values()]
    frames = np.unique(np.concatenate(every)) if every else np.zeros(0, np.int64)
    values = np.full((len(frames), len(aus)), np.nan, np.float32)
    doubted: set[int] = set()
    doubled = 0
    for au, (own, codes) in columns.items():
        if au not in aus:
            continue
        places = np.searchsorted(frames, own)
        values[places, aus.index(au)] = codes
        if len(np.unique(own)) < len(own):
            doubled += len(own) - len(np.unique(own))
            clash = ~_same(values[places, aus.index(au)], codes)
            values[places[clash], aus.index(au)] = np.nan
            doubted |= set(own[clash].tolist())
    if doubled:
        found.append(Finding("warning", "duplicate label rows", where, doubled))
    reasons = dict.fromkeys(sorted(doubted), CONTRADICTED)
    if doubted:
        found.append(Finding("warning", CONTRADICTED, where, len(doubted)))
    return Codes(frames, values, reasons, tuple(found))


def _same(first: Floats, second: Floats) -> npt.NDArray[np.bool_]:
    equal: npt.NDArray[np.bool_] = (first == second) | (np.isnan(first) & np.isnan(second))
    return equal
