"""AU intensities of photos and videos: the engine of `aukit predict`.

All faces are registered first, in chunks, since the person followed through a video and a person's
usual appearance are known only at its end. Then they are estimated in chunks. Chunks finished by an
interrupted attempt are kept, and the result is identical to the byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from aukit.contracts.estimator import Prediction
from aukit.contracts.executor import Executor
from aukit.contracts.faces import FaceSource
from aukit.data.records import OK
from aukit.errors import ConfigError, DataError
from aukit.faces.registration import Registration
from aukit.faces.shards import align_rows, shard_path
from aukit.faces.stored import StoredFaces, shards
from aukit.media.dataset import fingerprints, survey
from aukit.media.model import Model, Reader
from aukit.media.people import Followed, Grouping, at_rest, parts_of
from aukit.media.tables import CSV, TABLE, Columns, estimate_table, write_tables
from aukit.progress import Progress, Rate, Silent
from aukit.store.files import read_table, write_table
from aukit.store.owned import Output
from aukit.store.stages import Stages

BATCH = 64
"""Faces estimated at a time."""


@dataclass(frozen=True)
class Task:
    """An estimation task.

    Attributes:
        inputs: paths of photos, videos and folders.
        grouping: which faces to use, and how people are identified.
        every: use every Nth frame of a video.
        neutral: neutral face: a frame number, or the path of a picture if there is only one person;
            None: estimated from each person's files.
        columns: naming scheme of the CSV file.
    """

    inputs: tuple[str, ...]
    grouping: Grouping = field(default_factory=Grouping)
    every: int = 1
    neutral: int | str | None = None
    columns: Columns = "aukit"


@dataclass
class Result:
    """The outcome of a task.

    Attributes:
        table: path of the Parquet table, in `records.estimate_schema`.
        csv: path of the same as CSV.
        frames: photos and video frames read.
        faces: faces with estimates.
        dropped: reason -> rows without an estimate.
        examples: reason -> path of a file with such a row.
    """

    table: Path
    csv: Path
    frames: int = 0
    faces: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)


def predict_files(
    model: Model, task: Task, output: Path, executor: Executor, progress: Progress | None = None
) -> Result:
    """Estimate the faces of photos and videos.

    Args:
        model: the model.
        task: the task.
        output: receives `predictions.parquet` and `predictions.csv`, replacing those that aukit
            made there before.
        executor: runs the chunks of the registration.
        progress: shows progress.

    Raises:
        ConfigError: files that would be replaced were not made by aukit, or the task is invalid.
        DataError: an input does not exist or contains no photos or videos, the model's faces were
            registered differently, or the neutral frame has no face.
        StorageError: the output cannot be written, or another process is writing there.
    """
    task = _checked(model, task)
    files = survey(task.inputs).files
    registration = model.registration(task.inputs, task.every)
    index = registration.dataset.index()
    results = Output(output)
    results.refuse_foreign([TABLE, CSV])
    with results.alone("predict") as folder:
        work = _Work(model, task, Stages(folder), progress or Silent())
        neutral = work.neutral()
        faces = work.register(registration, index, files, executor)
        estimates = shards(work.estimate(faces, neutral))
        with results.writing([TABLE, CSV]):
            tables = write_tables(estimates, output, task.columns)
        result = Result(*tables, frames=index.num_rows)
        _count(estimates, result)
    return result


def _checked(model: Model, task: Task) -> Task:
    """The checked task; a neutral picture implies that one person is in all files."""
    if task.neutral is None:
        return task
    if not model.compares:
        raise ConfigError(
            "--neutral was given, but this model does not compare faces",
            "leave out --neutral",
        )
    if isinstance(task.neutral, int):
        return task
    if task.grouping.faces == "all":
        raise ConfigError(
            "a neutral picture shows one person, but all faces were requested",
            "give the number of a frame in which everyone is neutral, or leave out --faces all",
        )
    return replace(task, grouping=replace(task.grouping, people="one"))


class _Work:
    """The stages of a task, stored by key."""

    def __init__(self, model: Model, task: Task, stages: Stages, progress: Progress) -> None:
        self.model = model
        self.task = task
        self.stages = stages
        self.progress = progress

    def neutral(self) -> Path | None:
        """Folder with the registered face of the neutral picture, if one was given.

        Raises:
            DataError: the picture has no usable face.
        """
        name = self.task.neutral
        if not isinstance(name, str):
            return None
        registration = self.model.registration((name,), faces="best")
        document = {**registration.to_json(), "files": fingerprints(survey([name]).files)}

        def compute(folder: Path) -> None:
            tables = list(registration.faces_of(registration.dataset.index().slice(0, 1)))
            write_table(shard_path(folder, 0), pa.concat_tables(tables))

        made, _ = self.stages.run("neutral", document, compute)
        folder = made.folder
        table = read_table(shard_path(folder, 0), ["status", "reason"])
        status, reason = table.to_pylist()[0].values()
        if status != OK:
            raise DataError(
                f"the neutral picture {name} has no usable face: {reason}",
                "give a picture, or the number of a frame, with a neutral face",
            )
        return folder

    def register(
        self, registration: Registration, index: pa.Table, files: Sequence[Path], executor: Executor
    ) -> Path:
        """Folder with every face of every frame."""

        def compute(folder: Path) -> None:
            align_rows(registration, index, folder, executor, self.progress)

        document = {**registration.to_json(), "files": fingerprints(files)}
        return self.stages.run("align", document, compute)[0].folder

    def estimate(self, faces: Path, neutral: Path | None) -> Path:
        """Folder with the estimates, one shard per shard of faces."""
        grouping, rest = self.task.grouping, self.task.neutral

        def compute(folder: Path) -> None:
            known = rest if isinstance(rest, int) else neutral
            Estimates(self.model, grouping, faces, known).write(folder, self.progress)

        document = {
            **self.model.to_json(),
            "faces": faces.name,
            "grouping": [grouping.faces, grouping.people],
            "neutral": rest if neutral is None else neutral.name,
        }
        return self.stages.run("predict", document, compute)[0].folder


class Estimates:
    """Estimates of registered faces.

    Args:
        model: the model.
        grouping: which faces to use, and how people are identified.
        faces: folder of registered faces, with all faces of each frame.
        neutral: number of a frame in which everyone is neutral, or a folder with the neutral face
            of the only person; None: estimated from the faces.
    """

    def __init__(
        self, model: Model, grouping: Grouping, faces: Path, neutral: int | Path | None
    ) -> None:
        self._model = model
        self._faces = faces
        self._neutral = neutral
        self._parts = list(parts_of(shards(faces), grouping))

    def write(self, folder: Path, progress: Progress) -> None:
        """Fill a folder with shards in `records.estimate_schema`; existing ones are kept.

        Raises:
            DataError: a person has no face in the neutral frame.
        """
        source = self._source()
        reader = None if source is None else self._model.reader(source, self._rest(source))
        start = 0
        rate = Rate("faces")
        with progress.start("predict", sum(len(part.people) for part in self._parts)) as bar:
            for number, part in enumerate(self._parts):
                rows = range(start, start := start + len(part.people))
                if not shard_path(folder, number).exists():
                    found = estimated(reader, source, rows) if reader and source else []
                    table = estimate_table(part.rows, self._model.aus, self._model.kinds, found)
                    write_table(shard_path(folder, number), table)
                rate.advance(bar, len(rows))

    def _source(self) -> Followed | None:
        """The selected faces; None if there are none."""
        places = [place for part in self._parts for place in part.places]
        people = [person for part in self._parts for person in part.people]
        if not places:
            return None
        return Followed(StoredFaces([self._faces], self._model.aus, limit=0), places, people)

    def _rest(self, source: Followed) -> FaceSource | None:
        if isinstance(self._neutral, Path):
            return Followed(StoredFaces([self._neutral], source.aus), [0], [""])
        return None if self._neutral is None else at_rest(source, self._neutral)


def estimated(reader: Reader, source: FaceSource, rows: range) -> list[Prediction]:
    """Estimates of rows of a source, in batches."""
    starts = rows[::BATCH]
    batches = (range(start, min(start + BATCH, rows.stop)) for start in starts)
    return [reader.predict(source.batch(batch)) for batch in batches]


def _count(parts: Sequence[Path], result: Result) -> None:
    for path in parts:
        for row in read_table(path, ["file", "status", "reason"]).to_pylist():
            if row["status"] == OK:
                result.faces += 1
            else:
                result.dropped[row["reason"]] += 1
                result.examples.setdefault(row["reason"], row["file"])


def require_estimates(result: Result) -> None:
    """Refuse a result without any estimate.

    Raises:
        DataError: there is no estimate; the message gives the reasons.
    """
    if result.faces == 0:
        reasons = ", ".join(f"{reason}: {n}" for reason, n in result.dropped.most_common(3))
        raise DataError(
            f"no face was found in {result.frames} frames ({reasons})",
            f"{result.table} lists every frame with its reason",
        )
