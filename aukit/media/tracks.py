"""Tracks faces through videos, so that "the best face" of a video is always the same person.

This is a second, cheap pass over the boxes of registered faces; no pixels are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from aukit.data.records import DROPPED
from aukit.faces.registration import Which
from aukit.faces.views import without_view
from aukit.store.files import read_table
from aukit.vision.tracking import Tracker

OTHER_FACE = "only people other than the followed one"


@dataclass(frozen=True)
class Tracks:
    """Faces tracked through videos.

    Attributes:
        numbers: id of a row without its view -> track number.
        followed: path of a video -> tracks assumed to be the followed person.
    """

    numbers: Mapping[str, int]
    followed: Mapping[str, frozenset[int]]


def follow(parts: Sequence[Path]) -> Tracks:
    """Join the faces of successive video frames into tracks, by the overlap of their boxes."""
    numbers: dict[str, int] = {}
    frames: dict[str, dict[int, set[int]]] = {}
    trackers: dict[str, Tracker] = {}
    for (subject, frame), rows in _video_frames(parts):
        boxes = torch.tensor([row["box"] for row in rows if row["box"]]).reshape(-1, 4)
        found = trackers.setdefault(subject, Tracker()).update(boxes)
        for track in found:
            frames.setdefault(subject, {}).setdefault(track, set()).add(frame)
        seen = (row["id"] for row in rows if row["box"])
        numbers.update(zip(seen, found, strict=True))
    return Tracks(numbers, {subject: _one_person(tracks) for subject, tracks in frames.items()})


def _one_person(frames: Mapping[int, set[int]]) -> frozenset[int]:
    """The longest track, and others that may be the same face reappearing.

    Two faces in one frame are two people, so a track is left out if it shares a frame with a longer
    selected one.

    Args:
        frames: track -> numbers of its frames.
    """
    taken: set[int] = set()
    covered: set[int] = set()
    for track in sorted(frames, key=lambda track: (-len(frames[track]), track)):
        if covered.isdisjoint(frames[track]):
            taken.add(track)
            covered |= frames[track]
    return frozenset(taken)


Frame = tuple[str, int]


def _video_frames(parts: Sequence[Path]) -> Iterator[tuple[Frame, list[dict[str, Any]]]]:
    """(path, frame number) and rows of every video frame; a frame lies within one shard."""
    for part in parts:
        table = read_table(part, ["id", "subject", "view", "frame", "box"])
        frames: dict[Frame, dict[str, dict[str, Any]]] = {}
        for row in table.to_pylist():
            if row["frame"] is not None:
                name, frame = _id(row), (row["subject"], row["frame"])
                frames.setdefault(frame, {}).setdefault(name, {**row, "id": name})
        yield from ((frame, list(faces.values())) for frame, faces in frames.items())


def _id(row: Mapping[str, Any]) -> str:
    """The id of a face without its view."""
    return without_view(row["id"], row["view"])


def selected(parts: Sequence[Path], tracks: Tracks, which: Which) -> Iterator[pa.Table]:
    """The selected rows, one shard at a time, with track numbers for faces of videos."""
    for part in parts:
        table = read_table(part)
        rows = table.select(["id", "subject", "view", "frame", "face", "status"]).to_pylist()
        kept = picked(rows, tracks, which)
        yield rewritten(table.take([i for i, _ in kept]), [other for _, other in kept], tracks)


def picked(
    rows: Sequence[Mapping[str, Any]], tracks: Tracks, which: Which
) -> list[tuple[int, bool]]:
    """The selected rows, and whether each stands for a frame without the followed face.

    Args:
        rows: `id`, `subject`, `view` and `frame` of faces, with complete frames.
        tracks: tracks of the faces of videos.
        which: `best`: one row per frame and view; `all`: every row.
    """
    if which == "all":
        return [(number, False) for number in range(len(rows))]
    chosen: dict[tuple[Any, ...], tuple[int, bool]] = {}
    for number, row in enumerate(rows):
        frame = (row["subject"], row["frame"], row["view"])
        track = tracks.numbers.get(_id(row))
        other = track is not None and track not in tracks.followed[row["subject"]]
        if frame not in chosen or (chosen[frame][1] and not other):
            chosen[frame] = (number, other)
    return list(chosen.values())


_OF_A_FACE = ("image", "box", "score", "landmarks", "transform", "valid_share", "occlusion")


def rewritten(table: pa.Table, others: Sequence[bool], tracks: Tracks) -> pa.Table:
    """Clear rows that stand for a missing face, and number faces of videos by track."""
    if not tracks.numbers:
        return table
    rows = table.to_pylist()
    for row, other in zip(rows, others, strict=True):
        track = tracks.numbers.get(_id(row))
        view = f"@{row['view']}" if row["view"] else ""
        if other:
            row.update(dict.fromkeys(_OF_A_FACE), status=DROPPED, reason=OTHER_FACE, face=0)
            row["id"] = _frame_id(_id(row)) + view
        elif track is not None:
            row["face"] = track
            row["id"] = _frame_id(_id(row)) + (f"/{track}" if track else "") + view
    return pa.Table.from_pylist(rows, schema=table.schema)


def _frame_id(name: str) -> str:
    """`files/a.mp4#12/3` -> `files/a.mp4#12`."""
    frame, mark, rest = name.rpartition("#")
    return frame + mark + rest.partition("/")[0]
