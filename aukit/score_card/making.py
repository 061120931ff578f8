"""Makes the pictures of a score card: synthetic faces, and the truth that the dataset renders."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from aukit.contracts.executor import Portable
from aukit.contracts.labels import Labels
from aukit.contracts.synthesizer import Synthesizer
from aukit.faces.painting import paint
from aukit.faces.registration import Registration
from aukit.faces.stored import StoredFaces, face_batch
from aukit.faces.truth import Pictures, Truth
from aukit.score_card.judges import LOOK_BATCH
from aukit.score_card.requests import Requests

# Arrays instead of tensors, since worker processes would share the memory of tensors, not send it.


@dataclass(frozen=True)
class Asked:
    """A batch of B requests.

    Attributes:
        faces: B rows in `records.face_schema` with pictures, the source faces.
        values, mask: (B, A) target labels.
        occurrence: the AUs labelled with presence only.
        seeds: B seeds.
    """

    faces: pa.Table
    values: NDArray[np.float32]
    mask: NDArray[np.bool_]
    occurrence: frozenset[str]
    seeds: tuple[int, ...]

    def targets(self, aus: tuple[str, ...]) -> Labels:
        """The target labels."""
        return Labels(aus, torch.tensor(self.values), torch.tensor(self.mask), self.occurrence)


@dataclass(frozen=True)
class Made:
    """The pictures of a batch.

    Attributes:
        painted: (B, 3, S, S) uint8.
        truth: the fields of `Pictures`; None where the truth is unknown.
    """

    painted: NDArray[np.uint8]
    truth: tuple[NDArray[Any], ...] | None

    def tensors(self) -> tuple[Tensor, Pictures | None]:
        """Synthetic faces, and the true pictures."""
        truth = None if self.truth is None else Pictures(*map(torch.tensor, self.truth))
        return torch.tensor(self.painted), truth


@dataclass(frozen=True)
class Making(Portable):
    """Makes the pictures of a batch; the function that executors map.

    Attributes:
        load: loads the fitted synthesizer.
        registration: registration of the source faces.
        aus: AUs of the targets.
    """

    load: Callable[[], Synthesizer]
    registration: Registration
    aus: tuple[str, ...]

    @functools.cached_property
    def synthesizer(self) -> Synthesizer:
        """The synthesizer, loaded once per process."""
        return self.load()

    @functools.cached_property
    def truth(self) -> Truth | None:
        """Renders the truth; None if the dataset cannot."""
        truth = Truth(self.registration)
        return truth if truth.known else None

    def __call__(self, asked: Asked) -> Made:
        """Synthesize faces and render their truth."""
        return made(self.synthesizer, self.truth, self.aus, asked)


def made(synthesizer: Synthesizer, truth: Truth | None, aus: tuple[str, ...], asked: Asked) -> Made:
    """The pictures of a batch.

    Args:
        synthesizer: the fitted synthesizer.
        truth: renders the true pictures, or None.
        aus: AUs of the targets.
        asked: the requests.
    """
    targets = asked.targets(aus)
    images = paint(synthesizer, face_batch(asked.faces, aus), targets, asked.seeds)
    if truth is None:
        return Made(images.numpy(), None)
    true = truth.paint(asked.faces, targets)
    fields = (true.images, true.valid, true.landmarks, true.ok)
    return Made(images.numpy(), tuple(field.numpy() for field in fields))


def asked_batches(faces: StoredFaces, requests: Requests) -> Iterator[Asked]:
    """The requests in batches, in their order."""
    for start in range(0, len(requests), LOOK_BATCH):
        part = slice(start, start + LOOK_BATCH)
        targets = requests.targets.take(part)
        yield Asked(
            faces=faces.rows(requests.rows[part].tolist()),
            values=targets.values.numpy(),
            mask=targets.mask.numpy(),
            occurrence=targets.occurrence,
            seeds=tuple(requests.seeds[part].tolist()),
        )
