"""What a dataset knows to say about its own files, for `aukit data check`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

Weight = Literal["error", "warning", "note"]
"""An error makes data unusable or wrong; a warning loses frames; a note loses nothing."""


@dataclass(frozen=True)
class Finding:
    """Something about a dataset's files that its user should know.

    Attributes:
        weight: how bad it is.
        what: the problem, without names, so that equal ones are counted together.
        where: the file or the recording.
        count: frames, rows or files that it is about.
    """

    weight: Weight
    what: str
    where: str
    count: int = 1


@dataclass(frozen=True)
class Survey:
    """What a look at all files, but not into the pictures, has found.

    Attributes:
        findings: in the order of the files.
        recordings: videos, or folders of pictures, that belong to the dataset.
        published: numbers that the corpus was published with, by what they count: `people`,
            `recordings`, `frames`, `coded frames`.
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
        """Look at names, headers and labels of everything; decode no picture."""
        ...
