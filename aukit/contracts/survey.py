"""A dataset's report on its own files, for `aukit data check`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

Weight = Literal["error", "warning", "note"]
"""An error means unusable or wrong data; a warning, lost frames; a note, no loss."""


@dataclass(frozen=True)
class Finding:
    """A finding about a dataset's files.

    Attributes:
        weight: severity.
        what: the problem, without names, so that equal problems are counted together.
        where: the file or the recording.
        count: number of frames, rows or files affected.
    """

    weight: Weight
    what: str
    where: str
    count: int = 1


@dataclass(frozen=True)
class Survey:
    """The result of checking all files without decoding pictures.

    Attributes:
        findings: findings in the order of the files.
        recordings: videos, or folders of pictures, of the dataset.
        published: published counts of the corpus by name: `people`, `recordings`, `frames`,
            `coded frames`.
        licence: the terms of use, in one sentence.
        citation: what to cite.
    """

    findings: tuple[Finding, ...]
    recordings: int
    published: Mapping[str, int] = field(default_factory=dict)
    licence: str = ""
    citation: str = ""


@runtime_checkable
class Surveys(Protocol):
    """A dataset that can report problems of its files."""

    def survey(self) -> Survey:
        """Check names, headers and labels of all files, without decoding pictures."""
        ...
