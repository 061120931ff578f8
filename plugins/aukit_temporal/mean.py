"""Mean texture: the difference from the mean of all frames of the person (P1, section 4.5)."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.data import records
from aukit.store.models import load_card, load_tensors, save_model
from aukit_temporal.difference import People, batches, check_size, difference, seen
from aukit_temporal.plugin import MeanTextureConfig

_log = logging.getLogger(__name__)

FEW = 10
"""Frames below which a mean holds much of each frame's own expression."""


class MeanTexture:
    """Difference to the person's mean face; no labels are used.

    The mean of a pixel is over the frames that show it, so that faces with occluded parts (black
    after 3D registration) do not darken it. Sums are whole numbers: neither the order of the frames
    nor how they are divided among calls of `fit` changes the mean.
    """

    def __init__(self, config: MeanTextureConfig, context: Context) -> None:
        self.config = config
        self.device = context.device
        self.people = People()
        self.sums = torch.zeros(0, 3, 0, 0, dtype=torch.int32)
        self.counts = torch.zeros(0, 0, 0, dtype=torch.int32)

    def fit(self, faces: FaceSource) -> None:
        """Add the frames of a source to the means of its people.

        Memory: one batch of faces, and 16 bytes per pixel and person.

        Raises:
            DataError: the faces are not as large as those of an earlier source.
        """
        people = records.person_keys(faces.table)
        for part, images in batches(faces, range(len(faces))):
            self._add(people[part], images.to(self.device))
        self._warn_of_few_frames(people)

    def apply(self, faces: FaceBatch) -> Tensor:
        """(B, 3, S, S) float32: 0.5 where a face is as its person's mean.

        Raises:
            DataError: no frame of a person was in any source.
        """
        images = faces.images.to(self.device)
        places = self.people.places(faces.subjects).to(self.device)
        counts = self.counts[places]
        mean = self.sums[places] / counts.clamp(min=1)[:, None]
        return difference(images, mean, counts > 0, self.config.contrast)

    def save(self, folder: Path) -> None:
        """Write sums, counts and who they are of."""
        card = {"normalizer": "mean-texture", "people": self.people.keys}
        save_model(folder, {"sums": self.sums, "counts": self.counts}, card)

    def load(self, folder: Path) -> None:
        """Load what `save` wrote; more people may be added by `fit`."""
        tensors = load_tensors(folder)
        self.people = People(load_card(folder)["people"])
        self.sums, self.counts = (tensors[name].to(self.device) for name in ("sums", "counts"))

    def _add(self, people: list[str], images: Tensor) -> None:
        shown = seen(images)
        self._make_room(self.people.add(people), images)
        places = self.people.places(people).to(self.device)
        self.sums.index_add_(0, places, torch.where(shown[:, None], images, 0).int())
        self.counts.index_add_(0, places, shown.int())

    def _make_room(self, more: int, images: Tensor) -> None:
        if not len(self.sums):
            self.sums = self.sums.new_zeros((0, *images.shape[1:]), device=self.device)
            self.counts = self.counts.new_zeros((0, *images.shape[2:]), device=self.device)
        check_size(self.sums, tuple(images.shape[1:]))
        if more:
            self.sums = torch.cat([self.sums, self.sums.new_zeros((more, *images.shape[1:]))])
            self.counts = torch.cat([self.counts, self.counts.new_zeros((more, *images.shape[2:]))])

    def _warn_of_few_frames(self, people: list[str]) -> None:
        few = sorted(person for person, count in Counter(people).items() if count < FEW)
        if few:
            _log.warning(
                "the mean face of %d people (%s, ...) has fewer than %d frames each and may "
                "contain their expressions",
                *(len(few), few[0], FEW),
            )
