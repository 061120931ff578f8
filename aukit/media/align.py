"""Registers the faces in photos, folders and videos: the engine of `aukit align`.

Frames are streamed in chunks; chunks finished by an interrupted attempt are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from aukit.config.choice import Choice, make, named
from aukit.config.values import DEFAULT
from aukit.contracts.context import Context
from aukit.contracts.executor import Executor
from aukit.errors import DataError
from aukit.faces.registration import Registration, Which
from aukit.faces.shards import align_rows
from aukit.faces.stored import shards
from aukit.faces.views import shows_views
from aukit.media.dataset import FILES, FilesOptions, fingerprints, survey
from aukit.media.pictures import Overview, PictureFolder
from aukit.media.tracks import follow, selected
from aukit.progress import Progress, Silent
from aukit.store.files import read_schema, write_aside
from aukit.store.owned import Output
from aukit.store.stages import Stages
from aukit.views import View

FACES, PICTURES, OVERVIEW = "faces.parquet", "aligned", "overview.png"


@dataclass(frozen=True)
class Task:
    """A registration task.

    Attributes:
        inputs: paths of photos, videos and folders.
        landmarker, aligner: the chosen components.
        context: context to build them with.
        faces: `best`: the best face of a photo, the person seen most in a video; or `all`.
        every: use every Nth frame of a video.
        views: views to render each face in; empty: as the aligner registers it.
        pictures: also write each face as PNG: True, False, or None for faces of photos only.
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
    """The outcome of a task.

    Attributes:
        table: path of `faces.parquet`, in `records.face_schema`.
        overview: path of the contact sheet; None if there is no face.
        frames: photos and video frames read.
        faces: registered faces.
        dropped: reason -> rows without a face.
        examples: reason -> path of a file with such a row.
        passed_over: suffix -> number of files in folders that are not photos or videos by name.
    """

    table: Path
    overview: Path | None = None
    frames: int = 0
    faces: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    passed_over: Counter[str] = field(default_factory=Counter)


def align_files(
    task: Task, output: Path, executor: Executor, progress: Progress | None = None
) -> Result:
    """Register the faces of photos and videos.

    Args:
        task: the task.
        output: receives `faces.parquet`, `aligned/*.png` and `overview.png`, replacing those that
            aukit made there before.
        executor: runs the chunks.
        progress: shows progress.

    Raises:
        DataError: an input does not exist or contains no photos or videos.
        ConfigError: the aligner cannot render the views, or files that would be replaced in the
            output folder were not made by aukit.
        MissingWeights: the landmarker's or the aligner's weights are not on this machine.
        StorageError: the output cannot be written, or another process is writing there.
    """
    options = FilesOptions(tuple(task.inputs), task.every)
    data = Choice(FILES, options, {}, DEFAULT)
    registration = Registration(
        data, task.landmarker, task.aligner, task.context, "all", task.views
    )
    found = survey(task.inputs)
    _refuse_aligner(task, registration)
    index = registration.dataset.index()
    results = Output(output)
    results.refuse_foreign([FACES, OVERVIEW])
    results.refuse_foreign_folder(PICTURES)

    def compute(folder: Path) -> None:
        align_rows(registration, index, folder, executor, progress or Silent())

    with results.alone("align") as work:
        document = {**registration.to_json(), "files": fingerprints(found.files)}
        made, _ = Stages(work).run("align", document, compute)
        result = _write(shards(made.folder), results, work, task)
    result.frames = index.num_rows
    result.passed_over = found.passed_over
    return result


def _refuse_aligner(task: Task, registration: Registration) -> None:
    """Check an aligner before anything is read or written.

    Raises:
        ConfigError: it cannot render views.
        MissingWeights: its weights are not on this machine.
    """
    with named(task.aligner, "align"):
        if task.views:
            shows_views(task.aligner, make(task.aligner, task.context))
        registration.describe()


_SHOWN_COLUMNS = ["id", "image", "subject", "view", "frame", "face", "reason"]


def _write(parts: Sequence[Path], output: Output, work: Path, task: Task) -> Result:
    """Write the table, the pictures and the overview in one pass."""
    result = Result(output.folder / FACES)
    tracks = follow(parts)
    pictures = PictureFolder(output, PICTURES, work)
    overview = Overview(task.context.seed)
    with output.writing([FACES]), write_aside(result.table) as aside:
        with _writer(aside, parts[0]) as writer:
            for table in selected(parts, tracks, task.faces):
                writer.write_table(table, row_group_size=256)
                for row in table.select(_SHOWN_COLUMNS).to_pylist():
                    _count(row, result)
                    if row["image"] is not None:
                        overview.offer(row)
                        if row["frame"] is None if task.pictures is None else task.pictures:
                            pictures.add(row)
        pictures.finish()
    if result.faces:
        result.overview = output.folder / OVERVIEW
        with output.writing([OVERVIEW]):
            overview.write(result.overview)
    else:
        output.remove([OVERVIEW])
    return result


def _writer(path: Path, like: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, read_schema(like), compression="zstd")


def _count(row: Mapping[str, Any], result: Result) -> None:
    if row["image"] is not None:
        result.faces += 1
        return
    result.dropped[row["reason"]] += 1
    result.examples.setdefault(row["reason"], row["subject"])


def require_faces(result: Result) -> None:
    """Refuse a result without any face.

    Raises:
        DataError: there is no face; the message gives the reasons.
    """
    if result.faces == 0:
        reasons = ", ".join(f"{reason}: {n}" for reason, n in result.dropped.most_common(3))
        raise DataError(
            f"no face was registered in {result.frames} frames ({reasons})",
            f"{result.table} lists every frame with its reason",
        )


__all__ = ["Result", "Task", "align_files", "require_faces"]
