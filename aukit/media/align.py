"""Photos, folders and videos in, registered faces out: the engine of `aukit align`.

Frames stream through in chunks; what an interrupted attempt finished is kept. A second, cheap pass
over the boxes follows faces through videos, so that "the best face" of a video is one person's.
"""

from __future__ import annotations

import heapq
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from aukit.config.choice import Choice, make, named
from aukit.config.values import DEFAULT
from aukit.contracts.context import Context
from aukit.contracts.executor import Executor
from aukit.data.records import DROPPED
from aukit.errors import DataError
from aukit.faces.registration import Registration, Which
from aukit.faces.shards import align_rows
from aukit.faces.stored import decode, shards
from aukit.faces.views import shows_views, without_view
from aukit.media.dataset import FILES, FilesOptions, find
from aukit.progress import Progress, Silent
from aukit.seeds import seed_of
from aukit.store.files import ensure_writable, write_aside
from aukit.store.stages import Stages
from aukit.views import View
from aukit.vision.images import encode
from aukit.vision.sheet import contact_sheet
from aukit.vision.tracking import Tracker

FACES, PICTURES, OVERVIEW = "faces.parquet", "aligned", "overview.png"
OTHER_FACE = "only other people than the followed one"
SHOWN = 48
"""Faces on the overview."""


@dataclass(frozen=True)
class Task:
    """What to register, and how.

    Attributes:
        inputs: paths of photos, videos and folders.
        landmarker, aligner: the chosen components.
        context: given to them.
        faces: `best`: the best face of a photo, the most seen person of a video; or `all`.
        every: of a video, take one frame in so many.
        views: views that each face is shown in; none: as the aligner registers it.
        pictures: write each face as PNG too: True, False, or None for those of photos only.
    """

    inputs: tuple[str, ...]
    landmarker: Choice
    aligner: Choice
    context: Context
    faces: Which = "best"
    every: int = 1
    views: tuple[View, ...] = ()
    pictures: bool | None = None


@dataclass
class Result:
    """What was written.

    Attributes:
        table: `faces.parquet`, in `records.face_schema`.
        overview: contact sheet, None where there is no face.
        frames: photos and video frames looked at.
        faces: registered faces.
        dropped: reason -> rows without a face.
        examples: reason -> path of a file with such a row.
    """

    table: Path
    overview: Path | None = None
    frames: int = 0
    faces: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)


def align_files(
    task: Task, output: Path, executor: Executor, progress: Progress | None = None
) -> Result:
    """Register the faces of photos and videos.

    Args:
        task: what, and how.
        output: gets `faces.parquet`, `aligned/*.png` and `overview.png`.
        executor: runs the chunks.
        progress: shows how far it is.

    Raises:
        DataError: an input does not exist, or holds nothing to read.
        ConfigError: the aligner cannot show the views.
        MissingWeights: the landmarker's or the aligner's weights are not on this machine.
        StorageError: the output cannot be written.
    """
    options = FilesOptions(tuple(task.inputs), task.every)
    data = Choice(FILES, options, {}, DEFAULT)
    registration = Registration(
        data, task.landmarker, task.aligner, task.context, "all", task.views
    )
    files = find(task.inputs)
    _refuse_aligner(task, registration)
    index = registration.dataset.index()
    ensure_writable(output)
    stages = Stages(output / ".stages")

    def compute(folder: Path) -> None:
        align_rows(registration, index, folder, executor, progress or Silent())

    document = {**registration.to_json(), "files": [_fingerprint(path) for path in files]}
    folder, _ = stages.run("align", document, compute)
    result = _write(shards(folder), output, task)
    result.frames = index.num_rows
    shutil.rmtree(stages.root)
    return result


def _refuse_aligner(task: Task, registration: Registration) -> None:
    """Find out what an aligner cannot do before anything is read or written.

    Raises:
        ConfigError: it cannot show views.
        MissingWeights: its weights are not on this machine.
    """
    with named(task.aligner, "align"):
        if task.views:
            shows_views(task.aligner, make(task.aligner, task.context))
        registration.describe()


def _fingerprint(path: Path) -> list[Any]:
    status = path.stat()
    return [path.as_posix(), status.st_size, status.st_mtime_ns]


_SHOWN_COLUMNS = ["id", "image", "subject", "view", "frame", "face", "reason"]


def _write(parts: Sequence[Path], output: Path, task: Task) -> Result:
    """The table, the pictures and the overview, in one pass."""
    result = Result(output / FACES)
    tracks = follow(parts)
    pictures = _PictureFolder(output / PICTURES)
    overview = _Overview(task.context.seed)
    with write_aside(result.table) as aside, _writer(aside, parts[0]) as writer:
        for table in _selected(parts, tracks, task.faces):
            writer.write_table(table, row_group_size=256)
            for row in table.select(_SHOWN_COLUMNS).to_pylist():
                _count(row, result)
                if row["image"] is not None:
                    overview.offer(row)
                    if row["frame"] is None if task.pictures is None else task.pictures:
                        pictures.add(row)
    pictures.finish()
    if result.faces:
        result.overview = output / OVERVIEW
        overview.write(result.overview)
    return result


class _Overview:
    """A fair draw of unknown many faces, the same every time.

    Args:
        seed: of the draw.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = 0
        self._drawn: list[tuple[int, int, bytes, str]] = []

    def offer(self, row: Mapping[str, Any]) -> None:
        """Take a face, or another one in its place: those with the largest keys stay."""
        self._count += 1
        entry = (seed_of(self._seed, row["id"]), self._count, row["image"], _caption(row))
        push = heapq.heappush if len(self._drawn) < SHOWN else heapq.heappushpop
        push(self._drawn, entry)

    def write(self, path: Path) -> None:
        """Draw the contact sheet."""
        chosen = sorted(self._drawn, key=lambda entry: entry[1])
        faces = decode([image for _, _, image, _ in chosen]).unbind()
        sheet = contact_sheet(faces, [caption for *_, caption in chosen])
        with write_aside(path) as aside:
            aside.write_bytes(encode(sheet[None])[0])


def _writer(path: Path, like: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, pq.ParquetFile(like).schema_arrow, compression="zstd")


def _count(row: Mapping[str, Any], result: Result) -> None:
    if row["image"] is not None:
        result.faces += 1
        return
    result.dropped[row["reason"]] += 1
    result.examples.setdefault(row["reason"], row["subject"])


def _caption(row: Mapping[str, Any]) -> str:
    place = "" if row["frame"] is None else f" #{row['frame']}"
    face = f" face {row['face']}" if row["face"] else ""
    view = f" {row['view']}" if row["view"] else ""
    return f"{Path(row['subject']).name}{place}{face}{view}"


class _PictureFolder:
    """Faces as PNG files, made aside so that no old ones remain among them.

    Args:
        folder: where they are in the end.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._aside = folder.with_name(f".{folder.name}.partial")
        self._count = 0
        shutil.rmtree(self._aside, ignore_errors=True)

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one face, named after its file, frame and number."""
        self._aside.mkdir(exist_ok=True)
        parts = [f"{self._count:06d}", Path(row["subject"]).stem]
        parts += [] if row["frame"] is None else [str(row["frame"])]
        parts += [str(row["face"])] if row["face"] else []
        parts += [row["view"]] if row["view"] else []
        (self._aside / f"{'-'.join(parts)}.png").write_bytes(row["image"])
        self._count += 1

    def finish(self) -> None:
        """Put them in place of what was there."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._count:
            self._aside.rename(self.folder)


@dataclass(frozen=True)
class Tracks:
    """Faces followed through videos.

    Attributes:
        numbers: id of a row, without its view -> number of its track.
        followed: path of a video -> the tracks that are taken for one person.
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
    """The longest track, and others that may be the same face, found again.

    Two faces in one frame are two people; so a track is left out when it shares a frame with a
    longer one that is taken.

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
        table = pq.ParquetFile(part).read(columns=["id", "subject", "view", "frame", "box"])
        frames: dict[Frame, dict[str, dict[str, Any]]] = {}
        for row in table.to_pylist():
            if row["frame"] is not None:
                name, frame = _id(row), (row["subject"], row["frame"])
                frames.setdefault(frame, {}).setdefault(name, {**row, "id": name})
        yield from ((frame, list(faces.values())) for frame, faces in frames.items())


def _id(row: Mapping[str, Any]) -> str:
    """The id of a face, whatever view a row shows it in."""
    return without_view(row["id"], row["view"])


def _selected(parts: Sequence[Path], tracks: Tracks, which: Which) -> Iterator[pa.Table]:
    """The rows that are wanted, a shard at a time, with track numbers for faces of videos."""
    for part in parts:
        table = pq.ParquetFile(part).read()
        rows = table.select(["id", "subject", "view", "frame", "face", "status"]).to_pylist()
        kept = _best(rows, tracks) if which == "best" else [(i, False) for i in range(len(rows))]
        yield _rewritten(table.take([i for i, _ in kept]), [other for _, other in kept], tracks)


def _best(rows: Sequence[Mapping[str, Any]], tracks: Tracks) -> list[tuple[int, bool]]:
    """(row, whether it stands for a frame without the tracked face): one row a frame and view."""
    chosen: dict[tuple[Any, ...], tuple[int, bool]] = {}
    for number, row in enumerate(rows):
        frame = (row["subject"], row["frame"], row["view"])
        track = tracks.numbers.get(_id(row))
        other = track is not None and track not in tracks.followed[row["subject"]]
        if frame not in chosen or (chosen[frame][1] and not other):
            chosen[frame] = (number, other)
    return list(chosen.values())


_OF_A_FACE = ("image", "box", "score", "landmarks", "transform", "valid_share")


def _rewritten(table: pa.Table, others: Sequence[bool], tracks: Tracks) -> pa.Table:
    """Rows that stand for a missing face emptied; faces of videos numbered by track."""
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


def require_faces(result: Result) -> None:
    """Refuse a result without a single face.

    Raises:
        DataError: with the reasons.
    """
    if result.faces == 0:
        reasons = ", ".join(f"{reason}: {n}" for reason, n in result.dropped.most_common(3))
        raise DataError(
            f"no face was registered in {result.frames} frames ({reasons})",
            f"every frame and its reason is in {result.table}",
        )


__all__ = ["Result", "Task", "Tracks", "align_files", "follow", "require_faces"]
