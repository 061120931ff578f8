"""Checks all files of a dataset: counts, findings, a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from aukit.contracts.dataset import Dataset, KnowsSources
from aukit.contracts.survey import Finding, Survey, Surveys, Weight
from aukit.data.kinds import code_kinds
from aukit.data.records import au_columns, level_counts, person_keys
from aukit.errors import ConfigError

_ORDER: tuple[Weight, ...] = ("error", "warning", "note")
RECORDING = ("partition", "subject", "task", "view")


@dataclass(frozen=True)
class Found:
    """Equal findings, counted together.

    Attributes:
        weight, what: as in `aukit.contracts.survey.Finding`.
        count: total frames, rows or files affected.
        places: number of files or recordings affected.
        example: one of them.
    """

    weight: Weight
    what: str
    count: int
    places: int
    example: str


@dataclass(frozen=True)
class Checked:
    """The result of a check.

    Attributes:
        counts: (name, count here, published count or None if unknown).
        aus: column of codes -> frames at each code (`records.level_counts`).
        findings: findings, worst first.
        licence, citation: licence and citation of the corpus.
    """

    counts: tuple[tuple[str, int, int | None], ...]
    aus: Mapping[str, Sequence[int]]
    findings: tuple[Found, ...]
    licence: str
    citation: str

    @property
    def usable(self) -> bool:
        """Whether no finding makes data unusable or wrong."""
        return all(found.weight != "error" for found in self.findings)

    @property
    def verdict(self) -> str:
        """The verdict in one line."""
        worst = [found for found in self.findings if found.weight == "error"]
        losses = [found for found in self.findings if found.weight == "warning"]
        if worst:
            return f"Not usable: {worst[0].what} ({worst[0].example})"
        if losses:
            kinds = "1 kind" if len(losses) == 1 else f"{len(losses)} kinds"
            return f"Usable; frames or codes are lost for {kinds} of reasons"
        short = [what for what, here, published in self.counts if published and here < published]
        return f"Usable, but incomplete: fewer {', '.join(short)}" if short else "No problems found"

    def to_json(self) -> dict[str, Any]:
        """The result as a JSON object."""
        return {**asdict(self), "usable": self.usable, "verdict": self.verdict}


def check(dataset: Dataset, index: pa.Table, decode: int = 0) -> Checked:
    """Check a dataset.

    Args:
        dataset: the dataset; one that implements `Surveys` reports more.
        index: index of the dataset.
        decode: frames to decode in each recording, evenly spread.
    """
    survey = dataset.survey() if isinstance(dataset, Surveys) else Survey((), 0)
    found = [*survey.findings, *(_decoded(dataset, index, decode) if decode else ())]
    aus = au_columns(index)
    here = {
        "people": len(set(person_keys(index))),
        "recordings": survey.recordings or _recordings(index).num_rows,
        "frames": index.num_rows,
        "coded frames": coded(index).num_rows if aus else 0,
    }
    return Checked(
        counts=tuple((what, n, survey.published.get(what)) for what, n in here.items()),
        aus={name: level_counts(index, name) for name in code_kinds(index)},
        findings=tuple(_together(found)),
        licence=survey.licence,
        citation=survey.citation,
    )


def coded(index: pa.Table) -> pa.Table:
    """The rows in which any AU is coded; all rows if the dataset codes none."""
    aus = au_columns(index)
    if not aus:
        return index
    mask = np.any([index.column(au).is_valid().to_numpy() for au in aus], axis=0)
    return index.filter(pa.array(mask))


def with_sources(dataset: Dataset, name: str) -> KnowsSources:
    """The dataset, typed as one that lists its files.

    Raises:
        ConfigError: it does not list its files.
    """
    if not isinstance(dataset, KnowsSources):
        raise ConfigError(f"'{name}' does not list its files: a manifest cannot be written")
    return dataset


def _recordings(index: pa.Table) -> pa.Table:
    """One row per recording: its first row and its number of rows."""
    rows = index.select([*RECORDING]).append_column("row", pa.array(np.arange(index.num_rows)))
    return rows.group_by([*RECORDING], use_threads=False).aggregate([("row", "list")])


def _decoded(dataset: Dataset, index: pa.Table, count: int) -> Iterable[Finding]:
    """Findings for pictures that cannot be read."""
    places = []
    for rows in _recordings(index).column("row_list").to_pylist():
        steps = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
        places += [rows[step] for step in np.unique(steps)]
    rows = index.take(pa.array(sorted(places), pa.int64()))
    for frames in dataset.read(coded(rows)):
        names = frames.rows.column("id").to_pylist()
        for name, reason in zip(names, frames.reasons, strict=True):
            if reason is not None:
                yield Finding("warning", f"no picture: {reason}", name)


def _together(findings: Iterable[Finding]) -> list[Found]:
    """Equal findings counted together, the worst first."""
    counts: Counter[tuple[Weight, str]] = Counter()
    places: dict[tuple[Weight, str], list[str]] = {}
    for finding in findings:
        key = finding.weight, finding.what
        counts[key] += finding.count
        places.setdefault(key, []).append(finding.where)
    found = [
        Found(weight, what, counts[weight, what], len(where), where[0])
        for (weight, what), where in places.items()
    ]
    return sorted(found, key=lambda one: _ORDER.index(one.weight))
