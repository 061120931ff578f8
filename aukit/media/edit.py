"""Changes the AUs of faces: the engine of `aukit edit`.

A photo is registered exactly like the run's training faces, then edited by its synthesizer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from aukit.config.choice import Choice, named
from aukit.config.values import DEFAULT
from aukit.contracts.dataset import Frames
from aukit.data.kinds import occurrences
from aukit.errors import ConfigError
from aukit.faces.painting import BATCH, paint
from aukit.faces.registration import Registration, registered_side
from aukit.media.dataset import FILES, FilesOptions, path_of
from aukit.media.portraits import Intensities, Portrait, Refused, face_batch, wished
from aukit.media.synthesis import Synthesis, open_synthesis
from aukit.registry.loading import Registry
from aukit.seeds import seed_of
from aukit.store.models import refuse_other_alignment
from aukit.vision.images import read_many
from aukit.vision.paste import is_planar, paste, paste_along


class Editor:
    """Edits the faces of photos with a fitted synthesizer.

    Args:
        model: the synthesizer and the registration of its faces.
        landmarker: used instead of the model's own landmarker.

    Attributes:
        aus: AU columns that the synthesizer was fitted on.
        occurrence: AUs it knows only as present or absent.

    Raises:
        DataError: the model's training faces were not aligned as its run records.
    """

    def __init__(self, model: Synthesis, landmarker: Choice | None = None) -> None:
        self._model = model
        self._registration = Registration(
            data=Choice(FILES, FilesOptions(), {}, DEFAULT),
            landmarker=landmarker or model.landmarker,
            aligner=model.aligner,
            context=model.context,
        )
        refuse_other_alignment(model.card, self._registration.describe())
        self.aus: tuple[str, ...] = tuple(model.card["aus"])
        self.occurrence = occurrences(model.card.get("kinds", {}))

    @classmethod
    def open(
        cls,
        folder: str | Path,
        registry: Registry,
        device: str = "auto",
        landmarker: Choice | None = None,
    ) -> Editor:
        """Open the editor of a finished run or of a model made by `aukit export`.

        Raises:
            ConfigError: the folder does not exist, or a component in it is unknown.
            DataError: it has no synthesizer, or the model is damaged.
        """
        return cls(open_synthesis(folder, registry, device), landmarker)

    def portraits(
        self, paths: Sequence[Path], registered: bool = False
    ) -> Iterator[Portrait | Refused]:
        """The face of each photo, or why there is none, in order.

        Args:
            paths: photos.
            registered: whether the photos are registered faces already.
        """
        if registered:
            yield from self._as_they_are(paths)
            return
        source = replace(self._registration.data, options=FilesOptions(tuple(map(str, paths))))
        registration = replace(self._registration, data=source)
        dataset = registration.dataset
        for frames in dataset.read(dataset.index()):
            yield from _portraits(registration, frames)

    def _as_they_are(self, paths: Sequence[Path]) -> Iterator[Portrait | Refused]:
        size = registered_side(self._model.aligner, self._model.context)
        for path, picture in zip(paths, read_many(paths), strict=True):
            face = picture.image
            if face is None:
                yield Refused(path, picture.reason or "not an image")
            elif tuple(face.shape[1:]) != (size, size):
                shape = f"{face.shape[2]}x{face.shape[1]}"
                yield Refused(path, f"{shape} is not the size of registered faces, {size}x{size}")
            else:
                unknown, valid = torch.full((68, 2), torch.nan), torch.ones(size, size).bool()
                yield Portrait(path, face, unknown, None, torch.eye(3), valid)

    def refuse_unknown(self, aus: Sequence[str]) -> None:
        """Refuse AUs that the synthesizer was not fitted on.

        Raises:
            ConfigError: there are some; the hint lists the known AUs.
        """
        if unknown := [au for au in aus if au not in self.aus]:
            raise ConfigError(
                f"the synthesizer does not know {', '.join(unknown)}",
                f"it was fitted on {', '.join(self.aus)}",
            )

    def paint(self, portraits: Sequence[Portrait], wishes: Sequence[Intensities]) -> Tensor:
        """Every face with every set of targets.

        AUs without a target keep what the face shows.

        Args:
            portraits: B faces.
            wishes: N sets of targets.

        Returns:
            (B, N, 3, S, S) uint8 on the CPU.

        Raises:
            ConfigError: an AU that the synthesizer was not fitted on.
        """
        self.refuse_unknown([au for wish in wishes for au in wish])
        pairs = [(portrait, wish) for portrait in portraits for wish in wishes]
        parts = [self._paint(pairs[n : n + BATCH]) for n in range(0, len(pairs), BATCH)]
        painted = torch.cat(parts)
        return painted.reshape(len(portraits), len(wishes), *painted.shape[1:])

    def _paint(self, pairs: Sequence[tuple[Portrait, Intensities]]) -> Tensor:
        faces = face_batch([portrait for portrait, _ in pairs], self.aus)
        seed = self._model.context.seed
        seeds = [seed_of(seed, "edit", portrait.path.name) for portrait, _ in pairs]
        with named(self._model.choice, "edit"):
            targets = wished([wish for _, wish in pairs], self.aus, self.occurrence)
            return paint(self._model.component, faces, targets, seeds)


def _portraits(registration: Registration, frames: Frames) -> Iterator[Portrait | Refused]:
    picks, aligned = registration.align(frames)
    names = frames.rows.column("subject").to_pylist()
    for row, (path, photo) in enumerate(zip(map(path_of, names), frames.images, strict=True)):
        reason = aligned.reasons[row]
        if reason is not None or photo is None:
            yield Refused(path, reason or "not an image")
            continue
        tensors = (aligned.images, aligned.landmarks, aligned.transforms, aligned.valid)
        face, landmarks, transform, valid = (tensor[row].cpu() for tensor in tensors)
        way = registration.way(photo, picks[row][1])
        yield Portrait(path, face, landmarks, photo, transform, valid, way)


def refuse_turned(portrait: Portrait) -> None:
    """Refuse a face that cannot go back into its photo.

    Raises:
        ConfigError: its aligner cannot map it back, or there is no photo.
    """
    photo = portrait.photo
    if photo is None:
        raise ConfigError("a registered face has no photo to be pasted into")
    if portrait.way is not None:
        return
    if not is_planar(photo, portrait.face, portrait.transform, portrait.valid):
        raise ConfigError(
            f"{portrait.path}: its aligner cannot map the face back into the photo",
            "leave out --paste, or use a run with another aligner such as 2d or 3d",
        )


def into_photo(portrait: Portrait, painted: Tensor) -> Tensor:
    """The photo (3, H, W) of a portrait with its synthetic face (3, S, S), both uint8."""
    assert portrait.photo is not None
    if portrait.way is not None:
        return paste_along(portrait.photo, portrait.face, painted, portrait.way)
    return paste(portrait.photo, portrait.face, painted, portrait.transform)
