"""Edits photos into pictures, strips and animations, for `aukit edit`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from aukit.au import MAX_LEVEL
from aukit.errors import ConfigError, DataError
from aukit.media.edit import Editor, into_photo, refuse_turned
from aukit.media.portraits import Intensities, Portrait, Refused
from aukit.progress import Progress, Silent
from aukit.remote.path import place_of
from aukit.store.files import ensure_writable, file_name, write_aside
from aukit.store.owned import Output
from aukit.vision.film import is_video
from aukit.vision.images import SUFFIXES, encode, find
from aukit.vision.movie import SUFFIXES as MOVIES
from aukit.vision.movie import write_movie
from aukit.vision.sheet import contact_sheet
from aukit.vision.video import SUFFIXES as VIDEOS

PICTURES = frozenset([".png", ".jpg", ".jpeg"])
TOGETHER = 16
"""Faces synthesized at a time."""
QUALITY = 95
TILE = 224
"""Largest side of a picture on a strip."""


@dataclass(frozen=True)
class Task:
    """An editing task.

    Attributes:
        inputs: photos and folders of them.
        output: a file for one photo, or a folder.
        wish: AU column -> target intensity.
        start: the same at the start of an animation; missing AUs start at 0.
        strip: AU column to show at six levels side by side; None for a single picture.
        frames: frames of an animation, one way.
        suffix: suffix of files in an output folder.
        aligned: whether the photos are registered faces already.
        pasted: whether to paste the face back into its photo.
    """

    inputs: tuple[str, ...]
    output: Path
    wish: Intensities
    start: Intensities = field(default_factory=dict)
    strip: str | None = None
    frames: int = 24
    suffix: str = ".png"
    aligned: bool = False
    pasted: bool = False


@dataclass(frozen=True)
class Written:
    """A photo and the file made from it."""

    path: Path
    output: Path


def edit_files(
    editor: Editor, task: Task, progress: Progress | None = None
) -> list[Written | Refused]:
    """Edit photos.

    Args:
        editor: edits the faces.
        task: the task.
        progress: shows progress.

    Returns:
        the outcome for each photo, in order.

    Raises:
        ConfigError: the task is invalid, or has AUs unknown to the synthesizer.
        DataError: no photo has a face to edit.
        StorageError: the output cannot be written.
    """
    kind = check(task)
    wishes = wishes_of(task, kind)
    editor.refuse_unknown([au for wish in wishes for au in wish])
    targets = outputs_of(task)
    results: list[Written | Refused] = []
    with (progress or Silent()).start("edit", len(targets)) as bar:
        found = editor.portraits(list(targets), task.aligned)
        while part := list(itertools.islice(found, TOGETHER)):
            made = _made(editor, part, wishes)
            shown = [targets[each.path].name for each in part if isinstance(each, Portrait)]
            with _output(task).writing(shown):
                for portrait in part:
                    if isinstance(portrait, Portrait):
                        _write(targets[portrait.path], task, portrait, next(made))
                        results.append(Written(portrait.path, targets[portrait.path]))
                    else:
                        results.append(portrait)
                    bar.advance()
    _require_one(results)
    return results


def _made(
    editor: Editor, part: Sequence[Portrait | Refused], wishes: Sequence[Intensities]
) -> Iterator[Tensor]:
    portraits = [each for each in part if isinstance(each, Portrait)]
    return iter(editor.paint(portraits, wishes) if portraits else ())


def _require_one(results: Sequence[Written | Refused]) -> None:
    refused = [each for each in results if isinstance(each, Refused)]
    if len(refused) == len(results):
        more = f" (and {len(refused) - 1} more photos)" if len(refused) > 1 else ""
        raise DataError(f"{refused[0].path}: {refused[0].reason}{more}")


def is_file(output: Path) -> bool:
    """Whether an output is a single picture or animation, by its suffix, not a folder."""
    return output.suffix.lower() in PICTURES | MOVIES


def is_other_file(output: Path) -> bool:
    """Whether an output has the suffix of an unsupported picture or video format."""
    suffix = output.suffix.lower()
    return suffix in (SUFFIXES | VIDEOS) - PICTURES - MOVIES and not output.is_dir()


def check(task: Task) -> str:
    """Check a task and return the suffix of its files.

    Raises:
        ConfigError: the task has nothing to change, contradicts itself, or has an unsupported
            format.
    """
    if is_other_file(task.output):
        raise ConfigError(
            f"{task.output}: unsupported format",
            "let -o end in .png, .jpg, .gif or .mp4, or give a folder",
        )
    suffix = task.output.suffix.lower() if is_file(task.output) else task.suffix
    if not task.wish and task.strip is None:
        raise ConfigError("nothing to change", "give a target, e.g. --au 12=4, or --strip 12")
    if task.strip in task.wish:
        raise ConfigError(f"{task.strip} has both a strip and a target", "leave one of them out")
    if task.strip is not None and suffix in MOVIES:
        raise ConfigError("a strip is a picture, not an animation", "let -o end in .png")
    if task.start and suffix not in MOVIES:
        raise ConfigError("--from is for animations", "let -o end in .gif or .mp4")
    if stray := [au for au in task.start if au not in task.wish]:
        raise ConfigError(f"--from has {', '.join(stray)}, which --au has not")
    if task.aligned and task.pasted:
        raise ConfigError("registered faces have no photo to be pasted into", "leave out --paste")
    return suffix


def wishes_of(task: Task, suffix: str) -> list[Intensities]:
    """The targets for each face: one, six levels, or from the start to the target."""
    if task.strip is not None:
        return [{**task.wish, task.strip: float(level)} for level in range(MAX_LEVEL + 1)]
    if suffix not in MOVIES:
        return [task.wish]
    shares = torch.linspace(0, 1, task.frames).tolist()
    ends = {au: (task.start.get(au, 0.0), level) for au, level in task.wish.items()}
    return [
        {au: first + (last - first) * share for au, (first, last) in ends.items()}
        for share in shares
    ]


def outputs_of(task: Task) -> dict[Path, Path]:
    """Photo -> output file.

    Raises:
        ConfigError: several photos for one file, a video, a photo or a file not made by aukit that
            would be overwritten, or a folder in place of a file.
        DataError: an input does not exist, or a folder contains no photos.
        StorageError: the output cannot be written.
    """
    found = itertools.chain.from_iterable(find(place_of(name), SUFFIXES) for name in task.inputs)
    photos = list({photo.resolve(): photo for photo in found}.values())
    if films := [photo for photo in photos if is_video(photo)]:
        hint = "extract its faces with `aukit align --png`, and give them with --aligned"
        raise ConfigError(f"{films[0]} is a video, not a photo", hint)
    if is_file(task.output):
        if len(photos) > 1:
            raise ConfigError(
                f"{len(photos)} photos cannot go into one file", "give a folder with -o"
            )
        pairs = {photos[0]: task.output}
    else:
        pairs = _named(photos, task.output, task.suffix)
    for photo, output in pairs.items():
        if output.exists() and output.resolve() == photo.resolve():
            raise ConfigError(f"{photo} would be overwritten", "choose another -o")
        if output.is_dir():
            raise ConfigError(f"{output} is a folder, not a file", "choose another -o")
    _output(task).refuse_foreign(output.name for output in pairs.values())
    ensure_writable(_output(task).folder)
    return pairs


def _output(task: Task) -> Output:
    return Output(task.output.parent if is_file(task.output) else task.output)


def _named(photos: Sequence[Path], folder: Path, suffix: str) -> dict[Path, Path]:
    """Files named after their photos; photos with the same name are numbered."""
    taken: dict[str, int] = {}
    pairs = {}
    for photo in photos:
        number = taken[photo.stem] = taken.get(photo.stem, 0) + 1
        end = f"-{number}{suffix}" if number > 1 else suffix
        pairs[photo] = folder / file_name(photo.stem, end)
    return pairs


def _write(path: Path, task: Task, portrait: Portrait, painted: Tensor) -> None:
    """Write a picture, strip or animation of (N, 3, S, S) synthetic faces."""
    if task.pasted:
        refuse_turned(portrait)
    if path.suffix.lower() in MOVIES:
        # Forward and backward, so that it loops.
        film = torch.cat([painted, painted[1:-1].flip(0)])
        write_movie(path, (_shown(task, portrait, face) for face in film))
        return
    pictures = [_shown(task, portrait, face) for face in painted]
    image = pictures[0] if task.strip is None else _strip(task, portrait, pictures)
    png = path.suffix.lower() == ".png"
    with write_aside(path) as aside:
        aside.write_bytes(encode(image[None], "png" if png else "jpeg", QUALITY)[0])


def _shown(task: Task, portrait: Portrait, face: Tensor) -> Tensor:
    return into_photo(portrait, face) if task.pasted else face


def _strip(task: Task, portrait: Portrait, pictures: Sequence[Tensor]) -> Tensor:
    first = portrait.photo if task.pasted and portrait.photo is not None else portrait.face
    captions = ["input", *(f"{task.strip} = {level}" for level in range(len(pictures)))]
    tile = min(TILE, max(first.shape[1:]))
    return contact_sheet([first, *pictures], captions, tile, len(captions))
