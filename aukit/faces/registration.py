"""The align stage: frames -> landmarks -> registered faces -> Parquet, streamed in chunks.

A chunk of index rows becomes one shard. Shards finished by an interrupted attempt are kept.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pyarrow as pa
import torch
from torch import Tensor

from aukit.config.choice import Choice, make, named
from aukit.contracts.aligner import Aligned, Aligner, LeadsBack, Way
from aukit.contracts.context import Context
from aukit.contracts.dataset import Dataset, Frames
from aukit.contracts.executor import Portable
from aukit.contracts.landmarker import Faces, Landmarker
from aukit.errors import ConfigError
from aukit.faces.rows import face_table
from aukit.faces.views import in_view, interleaved, shows_views
from aukit.views import View

NO_FACE = "no face"
DATA_SEED = 0
"""Seed used instead of the run's seed before anything is fitted."""

Which = Literal["best", "all"]
Stored = Literal["png", "ppm"]


@dataclass(frozen=True)
class Registration(Portable):
    """The components that read and register frames.

    Attributes:
        data, landmarker, aligner: the chosen components; without a landmarker the dataset's own
            landmarks are used.
        context: context of all three, except for the seed: frames and faces do not depend on the
            run's seed, so that runs with different seeds share them. A random dataset has a seed
            option.
        faces: `best` takes the first face of each frame, `all` takes every face.
        views: views to render every face in, one row each; empty: as the aligner registers it.
        pictures: format of the registered faces: `png` to keep, or `ppm`, which takes more space
            and far less time, to read once.
    """

    data: Choice
    landmarker: Choice | None
    aligner: Choice
    context: Context
    faces: Which = "best"
    views: tuple[View, ...] = ()
    pictures: Stored = "png"

    def __post_init__(self) -> None:
        object.__setattr__(self, "context", replace(self.context, seed=DATA_SEED))

    @functools.cached_property
    def dataset(self) -> Dataset:
        """The dataset, built once per process."""
        dataset: Dataset = make(self.data, self.context)
        if self.landmarker is None and not dataset.landmarks:
            raise ConfigError(
                f"dataset '{self.data.component.name}' has no landmarks of its own",
                "choose a landmarker, e.g. --landmarker mediapipe",
            )
        return dataset

    @functools.cached_property
    def _landmarker(self) -> Landmarker | None:
        return None if self.landmarker is None else make(self.landmarker, self.context)

    @functools.cached_property
    def _aligner(self) -> Aligner:
        aligner: Aligner = make(self.aligner, self.context)
        return aligner

    def to_json(self) -> dict[str, Any]:
        """What determines the result, for stage keys."""
        document: dict[str, Any] = {
            "data": self.data.to_json(),
            "landmarker": self.landmarker.to_json() if self.landmarker else None,
            "aligner": self.aligner.to_json(),
            "faces": self.faces,
            "seed": self.context.seed,
        }
        if self.views:
            document["views"] = [list(view) for view in self.views]
        return document if self.pictures == "png" else {**document, "pictures": self.pictures}

    def describe(self) -> dict[str, Any]:
        """The description that models store about their training faces."""
        return {"aligner": self.aligner.component.name, **self._aligner.describe()}

    def faces_of(self, rows: pa.Table) -> Iterator[pa.Table]:
        """Tables of registered faces (`records.face_schema`) for index rows, in order."""
        batches = iter(self.dataset.read(rows))
        while True:
            with named(self.data, "align"):
                frames = next(batches, None)
            if frames is None:
                return
            yield self.register(frames)

    def register(self, frames: Frames) -> pa.Table:
        """Registered faces of frames; dropped ones have reasons."""
        if not self.views:
            return face_table(frames, *self.align(frames), self.pictures)
        picks, images, faces = self._picks(frames)
        with named(self.aligner, "align"):
            aligner = shows_views(self.aligner, self._aligner)
            found = aligner.views(images, faces, self.views)
        explained = [_explained(frames, picks, each) for each in found]
        tables = [face_table(frames, picks, each, self.pictures) for each in explained]
        shown = zip(tables, self.views, strict=True)
        return interleaved([in_view(table, view) for table, view in shown])

    def align(self, frames: Frames) -> tuple[list[tuple[int, Faces]], Aligned]:
        """Registered faces of frames, and for each row the frame number and the face."""
        picks, images, faces = self._picks(frames)
        with named(self.aligner, "align"):
            aligned = self._aligner.align(images, faces)
        return picks, _explained(frames, picks, aligned)

    def way(self, image: Tensor | None, face: Faces) -> Way | None:
        """The mapping from a picture to its registered face, if the aligner provides it."""
        if image is None or not isinstance(self._aligner, LeadsBack):
            return None
        with named(self.aligner, "align"):
            return self._aligner.way(image, face)

    def _picks(self, frames: Frames) -> tuple[list[tuple[int, Faces]], list[Tensor], list[Faces]]:
        """Frame and face of each row, and the aligner's input for it."""
        found = self._find(frames)
        picks = [(row, faces) for row, many in enumerate(found) for faces in self._picked(many)]
        images = [_image(frames.images[row]) for row, _ in picks]
        return picks, images, [faces for _, faces in picks]

    def _find(self, frames: Frames) -> Sequence[Faces]:
        if self._landmarker is None:
            if frames.faces is None:
                raise ConfigError(f"dataset '{self.data.component.name}' returned no landmarks")
            return frames.faces
        readable = [image for image in frames.images if image is not None]
        assert self.landmarker is not None
        with named(self.landmarker, "align"):
            found = iter(self._landmarker.detect(readable))
        return [nobody() if image is None else next(found) for image in frames.images]

    def _picked(self, faces: Faces) -> list[Faces]:
        """The faces of one frame that become rows; a frame without any becomes one dropped row."""
        if len(faces) == 0:
            return [faces]
        return [faces.one(i) for i in range(len(faces) if self.faces == "all" else 1)]


def _explained(frames: Frames, picks: Sequence[tuple[int, Faces]], aligned: Aligned) -> Aligned:
    """Aligned faces, with the frame's own reason where it could not be read."""
    reasons = zip(picks, aligned.reasons, strict=True)
    return replace(aligned, reasons=tuple(frames.reasons[row] or why for (row, _), why in reasons))


def registered_side(aligner: Choice, context: Context) -> int:
    """Side of an aligner's faces in pixels, found by aligning an empty batch."""
    with named(aligner, "align"):
        built: Aligner = make(aligner, context)
        blank = built.align([_image(None)], [nobody()])
    return int(blank.images.shape[-1])


def nobody() -> Faces:
    """No face."""
    return Faces(torch.zeros(0, 4), torch.zeros(0), {})


def _image(image: Tensor | None) -> Tensor:
    # An unreadable picture has no faces; the aligner gets one pixel and gives a reason.
    return torch.zeros((3, 1, 1), dtype=torch.uint8) if image is None else image
