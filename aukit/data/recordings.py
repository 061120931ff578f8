"""Recordings, and whether their frames and codes match."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aukit.contracts.survey import Finding
from aukit.data.codes import Numbers
from aukit.vision.film import count_frames

SHIFTED = "labels are shifted by"
NO_FRAME = "coded frames without a picture"
NO_CODE = "frames without a code"

Key = tuple[str | None, str, str | None, str | None]
"""Partition, subject, task and view: the identity of a recording."""


@dataclass(frozen=True)
class Recording:
    """A recording of one person by one camera.

    Attributes:
        subject: subject code.
        media: a video, or frame number of the corpus -> picture.
        labels: its label files, existing or not.
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
        """Its identity."""
        return self.partition, self.subject, self.task, self.view

    @property
    def name(self) -> str:
        """`train/F001/T1/frontal`."""
        return "/".join(part for part in self.key if part)

    @property
    def files(self) -> Iterable[Path]:
        """All files it is read from."""
        media = [self.media] if isinstance(self.media, Path) else self.media.values()
        return itertools.chain(media, self.labels)


def frames_of(recording: Recording) -> tuple[Numbers, float, tuple[Finding, ...]]:
    """Frame numbers of the pictures, frames per second, and problems."""
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
    """Mismatches of frames and codes; both arrays are sorted."""
    if not recording.labels:
        return
    if len(coded) == 0:
        yield Finding("error", "recording without labels", recording.name, len(shown))
        return
    if len(shown) == 0:
        return
    if offset := _shift(shown, coded):
        yield Finding("error", f"{SHIFTED} {offset:+d}", recording.name, len(coded))
    if not isinstance(recording.media, Path):
        # Only a span of the recording may be coded; frames outside it are not a problem.
        shown = shown[(shown >= coded[0]) & (shown <= coded[-1])]
    blind, bare = np.setdiff1d(coded, shown), np.setdiff1d(shown, coded)
    if len(blind):
        yield Finding("warning", NO_FRAME, recording.name, len(blind))
    if len(bare):
        yield Finding("warning", NO_CODE, recording.name, len(bare))


def _shift(shown: Numbers, coded: Numbers) -> int:
    """The shift of the codes, if there are as many codes as frames; 0 if all of them match."""
    outside = coded[-1] > shown[-1] if coded[0] > shown[0] else coded[0] < shown[0]
    fits = abs(len(coded) - len(shown)) <= 1
    offset = int(coded[0] - shown[0])
    return offset if outside and fits and abs(offset) < len(coded) else 0


def mostly_shifted(findings: Iterable[Finding], recordings: int) -> Iterator[Finding]:
    """A finding if most recordings have the same shift of their labels."""
    shifts = Counter(f.what.removeprefix(SHIFTED) for f in findings if f.what.startswith(SHIFTED))
    for shift, count in shifts.most_common(1):
        if 2 * count > recordings:
            what = f"all or nearly all labels are shifted by{shift}"
            yield Finding("error", what, f"--data.shift {-int(shift)}", count)
