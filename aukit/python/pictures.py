"""The user's own pictures: register faces, predict AUs, edit faces."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aukit.defaults import ALIGN
from aukit.errors import ConfigError, DataError
from aukit.python.components import choose
from aukit.registry.loading import default_registry, resolve_weights

if TYPE_CHECKING:
    import pyarrow as pa
    from torch import Tensor

    from aukit.config.choice import Choice
    from aukit.contracts.faces import FaceBatch


@dataclass(frozen=True)
class Registered:
    """Registered faces.

    Attributes:
        faces: (B, 3, S, S) uint8 with landmarks, as input for synthesizers and estimators.
        rows: a row per face, and a row with the reason for each picture without one, in
            `aukit.data.records.face_schema` without the pixels.
    """

    faces: FaceBatch
    rows: pa.Table


def register(
    images: Any,
    *,
    aligner: str | Choice = ALIGN["aligner"],
    landmarker: str | Choice = ALIGN["landmarker"],
    faces: Literal["best", "all"] = "best",
    device: str = "cpu",
) -> Registered:
    """Find and register faces, as `aukit align` does.

    Args:
        images: one or several paths of photos, videos or folders; or pictures, as for `predict`.
        aligner, landmarker: a name, or a choice with options (`choose`).
        faces: `best`: the best face of a picture (in a video: the person seen most); or `all`.
        device: torch device name, or `auto`.

    Raises:
        ConfigError: unknown name, or an input that is not a picture.
        DataError: no face in any of them; the message gives a reason.
    """
    from aukit.contracts.context import Context
    from aukit.faces.stored import StoredFaces, read_rows
    from aukit.machine.devices import resolve_device

    context = Context(resolve_device(device), 0, resolve_weights)
    finder = choose("landmarker", landmarker) if isinstance(landmarker, str) else landmarker
    how = (finder, choose("aligner", aligner) if isinstance(aligner, str) else aligner, context)
    with tempfile.TemporaryDirectory(prefix="aukit-register-") as scratch:
        folder = Path(scratch)
        _write_faces(images, how, faces, folder)
        rows = read_rows(folder, geometry=True)
        reasons = [reason for reason in rows.column("reason").to_pylist() if reason]
        if len(reasons) == rows.num_rows:
            raise DataError(f"no face in {len(reasons)} pictures: {reasons[0]}")
        stored = StoredFaces([folder], ())
        return Registered(stored.batch(range(len(stored))), rows)


def _write_faces(
    images: Any, how: tuple[Choice, Choice, Any], faces: Literal["best", "all"], folder: Path
) -> None:
    """Write the face rows of pictures as shards into a folder."""
    from aukit.config.choice import Choice, make
    from aukit.config.values import DEFAULT
    from aukit.faces.registration import Registration
    from aukit.faces.shards import shard_path
    from aukit.media.align import Task, align_files
    from aukit.media.arrays import frames_of
    from aukit.media.dataset import FILES, FilesOptions
    from aukit.store.files import write_table

    if (paths := paths_of(images)) is not None:
        task = Task(paths, *how, faces=faces, pictures=False)
        executor = make(choose("executor", "inline"), how[2])
        result = align_files(task, folder / "aligned", executor)
        result.table.rename(shard_path(folder, 0))
        return
    data = Choice(FILES, FilesOptions(), {}, DEFAULT)
    registration = Registration(data, *how, faces=faces)
    for number, frames in enumerate(frames_of(images)):
        write_table(shard_path(folder, number), registration.register(frames))


def paths_of(images: Any) -> tuple[str, ...] | None:
    """The paths given, or None if pictures were given."""
    given = [images] if isinstance(images, (str, Path)) else images
    if isinstance(given, (list, tuple)) and all(isinstance(p, (str, Path)) for p in given):
        return tuple(map(str, given))
    return None


def predict(
    run: str | Path,
    frames: Any,
    *,
    faces: Literal["best", "all"] = "best",
    people: Literal["file", "folder", "one"] = "file",
    neutral: int | str | None = None,
    onnx: bool = False,
    device: str = "cpu",
) -> pa.Table:
    """Estimate the AU intensities of photos, videos or pictures, like `aukit predict`.

    Faces are registered like the model's training faces.

    Args:
        run: folder of a finished run or of a model made by `aukit export`, or the name of a bundled
            model (`aukit.defaults.MODEL`).
        frames: one or several paths of photos, videos or folders; or pictures: PIL, numpy
            (H, W, 3) or torch (3, H, W), RGB, 8 bits or floats in 0..1. Pictures come as one,
            several or a batch in one array, and are treated as successive frames of one video.
        faces: `best`: the best face of a photo, the person seen most in a video; or `all`.
        people: who is in the files: one person per `file`, one per `folder`, or `one` in all.
        neutral: neutral face: a frame number, or the path of a picture.
        onnx: run the model's ONNX graph (`aukit export --onnx`) with onnxruntime.
        device: torch device name, or `auto`.

    Returns:
        rows in `aukit.data.records.estimate_schema`; `.to_pandas()` converts it to a data frame.

    Raises:
        ConfigError: the folder does not exist, or an input is not a picture.
        DataError: the model is damaged, or there are no files to read.
    """
    import tempfile

    from aukit.config.choice import make
    from aukit.media.arrays import predict_pictures
    from aukit.media.model import open_model
    from aukit.media.people import Grouping
    from aukit.media.predict import Task, predict_files
    from aukit.store.files import read_table

    model = open_model(run, default_registry(), device, onnx=onnx)
    paths = paths_of(frames)
    grouping = Grouping(faces, people)
    if paths is None:
        if isinstance(neutral, str):
            raise ConfigError("give the neutral frame as the number of a picture")
        return predict_pictures(model, frames, grouping, neutral)
    with tempfile.TemporaryDirectory(prefix="aukit-predict-") as scratch:
        task = Task(paths, grouping, neutral=neutral)
        executor = make(choose("executor", "inline"), model.context)
        return read_table(predict_files(model, task, Path(scratch), executor).table)


def edit(
    run: str | Path,
    images: Any,
    aus: Mapping[str | int, float] | Sequence[Mapping[str | int, float]],
    *,
    paste: bool = False,
    device: str = "cpu",
) -> list[list[Tensor]]:
    """Change the AUs of faces, like `aukit edit`.

    Args:
        run: folder of a run with a synthesizer, or of a model made by `aukit export`.
        images: one or several paths of photos; or pictures, as for `predict`.
        aus: one or several sets of targets: AU -> intensity 0..5, `{12: 4.0}` or `{"AU12": 4.0}`.
            Other AUs keep what the face shows.
        paste: return whole photos with the edited face, instead of registered faces.
        device: torch device name, or `auto`.

    Returns:
        for each picture, one (3, H, W) uint8 picture on the CPU per set of targets.

    Raises:
        ConfigError: an AU unknown to the synthesizer, an input that is not a picture, or `paste`
            with an aligner that cannot map faces back.
        DataError: the model is damaged, or a picture has no face.
    """
    from aukit import au
    from aukit.media.arrays import each_picture
    from aukit.media.edit import Editor, into_photo, refuse_turned
    from aukit.media.portraits import Refused
    from aukit.remote.path import place_of
    from aukit.vision.images import encode

    wishes = [aus] if isinstance(aus, Mapping) else list(aus)
    named = [{au.parse_list([str(k)])[0]: float(v) for k, v in w.items()} for w in wishes]
    editor = Editor.open(run, default_registry(), device)
    with tempfile.TemporaryDirectory(prefix="aukit-edit-") as scratch:
        paths = [place_of(path) for path in paths_of(images) or ()]
        if not paths:
            for number, picture in enumerate(each_picture(images)):
                paths.append(Path(scratch) / f"{number:06d}.png")
                paths[-1].write_bytes(encode(picture[None])[0])
        found = list(editor.portraits(paths))
    portraits = []
    for number, portrait in enumerate(found):
        if isinstance(portrait, Refused):
            raise DataError(f"picture {number}: {portrait.reason}")
        if paste:
            refuse_turned(portrait)
        portraits.append(portrait)
    painted = editor.paint(portraits, named)
    return [
        [into_photo(portrait, face) if paste else face for face in row]
        for portrait, row in zip(portraits, painted, strict=True)
    ]
