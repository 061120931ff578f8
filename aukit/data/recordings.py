"""Recordings, and whether what can be seen of them and what was coded meet."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aukit.contracts.survey import Finding
from aukit.data.codes import Numbers
from aukit.vision.film import count_frames

SHIFTED = "labels are shifted by"

Key = tuple[str | None, str, str | None, str | None]
"""Partition, subject, task and view: what a recording is called."""


@dataclass(frozen=True)
class Recording:
    """One person before one camera, for a while.

    Attributes:
        subject: who.
        media: a video, or the corpus's frame number -> picture.
        labels: label files that belong to it, there or not.
        task, view, partition: as in `records.index_schema`.
        first: the corpus's number of a video's first frame.
    """

    subject: str
    media: Path | Mapping[int, Path]
    labels: tuple[Path, ...] = ()
    task: str | None = None
    view: str | None = None
    partition: str | None = None
    first: int = 0

    @property
    def key(self) -> Key:
        """What it is called."""
        return self.partition, self.subject, self.task, self.view

    @property
    def name(self) -> str:
        """`train/F001/T1/frontal`."""
        return "/".join(part for part in self.key if part)

    @property
    def files(self) -> Iterable[Path]:
        """Everything that it is read from."""
        media = [self.media] if isinstance(self.media, Path) else self.media.values()
        return itertools.chain(media, self.labels)


def frames_of(recording: Recording) -> tuple[Numbers, float, tuple[Finding, ...]]:
    """Frame numbers of what can be seen, frames a second, and problems."""
    if not isinstance(recording.media, Path):
        return np.array(sorted(recording.media), np.int64), 0.0, ()
    where = str(recording.media)
    if not recording.media.exists():
        return np.zeros(0, np.int64), 0.0, (Finding("error", "missing video", where),)
    count, rate = count_frames(recording.media)
    if count == 0:
        return np.zeros(0, np.int64), 0.0, (Finding("error", "unreadable video", where),)
    return np.arange(count, dtype=np.int64), rate, ()


def compared(recording: Recording, shown: Numbers, coded: Numbers) -> Iterator[Finding]:
    """How frames and codes fail to meet."""
    if not recording.labels:
        return
    if len(coded) == 0:
        yield Finding("error", "recording without labels", recording.name, len(shown))
        return
    if len(shown) == 0:
        return
    if not isinstance(recording.media, Path):
        shown = shown[(shown >= coded[0]) & (shown <= coded[-1])]
    offset = int(coded[0] - shown[0]) if len(shown) else 0
    if offset and abs(len(coded) - len(shown)) <= 1 and abs(offset) < len(coded):
        yield Finding("error", f"{SHIFTED} {offset:+d}", recording.name, len(coded))
    blind, bare = np.setdiff1d(coded, shown), np.setdiff1d(shown, coded)
    if len(blind):
        yield Finding("warning", "coded frames without a picture", recording.name, len(blind))
    if len(bare):
        yield Finding("warning", "frames without a code", recording.name, len(bare))
