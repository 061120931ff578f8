"""AU0: the difference from a neutral frame of the person (P1, section 4.5)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.labels import Labels
from aukit.data import records
from aukit.store.models import load_card, load_tensors, save_model
from aukit_temporal.difference import People, batches, check_size, difference, seen
from aukit_temporal.plugin import Au0Config

_log = logging.getLogger(__name__)

SAMPLE = 31
"""Frames that a median face is made of; odd, so that it is a value that occurs."""


class Au0:
    """Difference to one frame of the person that shows no AU.

    The paper subtracts "a neutral frame" and does not say how it is found. The option `neutral`
    decides: `median` takes the frame that is nearest to the person's median face, which no label is
    needed for; `coded` the frames with the least activity by their labels (those of test people
    are read too: it stands for a neutral picture taken when a session begins), and of these the
    nearest to their median; `first` the person's first frame in time.
    """

    def __init__(self, config: Au0Config, context: Context) -> None:
        self.config = config
        self.device = context.device
        self.people = People()
        self.frames = torch.zeros(0, 3, 0, 0, dtype=torch.uint8)

    def fit(self, faces: FaceSource) -> None:
        """Find a neutral frame of each person in a source; a person given again is searched again.

        Memory: `SAMPLE` and a batch of faces, and one face a person.

        Raises:
            DataError: the faces are not as large as those of an earlier source.
        """
        rows: dict[str, list[int]] = {}
        people = records.person_keys(faces.table)
        for row in in_time(faces):
            rows.setdefault(people[row], []).append(row)
        for person in sorted(rows):
            self._keep(person, self._neutral(faces, rows[person]))
        self._warn_of_uncoded(faces, rows)

    def apply(self, faces: FaceBatch) -> Tensor:
        """(B, 3, S, S) float32: 0.5 where a face is as its person's neutral frame.

        Raises:
            DataError: no frame of a person was in any source.
        """
        images = faces.images.to(self.device)
        own = self.frames[self.people.places(faces.subjects).to(self.device)]
        return difference(images, own.float(), seen(own), self.config.contrast)

    def save(self, folder: Path) -> None:
        """Write the neutral frames and who they are of."""
        card = {"normalizer": "au0", "neutral": self.config.neutral, "people": self.people.keys}
        save_model(folder, {"frames": self.frames}, card)

    def load(self, folder: Path) -> None:
        """Load what `save` wrote; more people may be added by `fit`."""
        self.people = People(load_card(folder)["people"])
        self.frames = load_tensors(folder)["frames"].to(self.device)

    def _neutral(self, faces: FaceSource, rows: list[int]) -> Tensor:
        """(3, S, S) uint8: the neutral frame among a person's rows, which are in order of time."""
        if self.config.neutral == "first":
            rows = rows[:1]
        elif self.config.neutral == "coded":
            rows = least_active(faces.labels, rows) or rows
        return nearest_to_median(faces, rows)

    def _keep(self, person: str, frame: Tensor) -> None:
        check_size(self.frames, tuple(frame.shape))
        frame = frame.to(self.device)
        if self.people.add([person]):
            # The first person also decides how large the faces are.
            before = [self.frames] if len(self.frames) else []
            self.frames = torch.cat([*before, frame[None]])
        else:
            self.frames[self.people.places([person])] = frame

    def _warn_of_uncoded(self, faces: FaceSource, rows: dict[str, list[int]]) -> None:
        if self.config.neutral != "coded":
            return
        without = [who for who, own in rows.items() if not least_active(faces.labels, own)]
        if without:
            _log.warning(
                "no frame of %d people (%s, ...) is coded: using the one closest to the median "
                "face",
                *(len(without), min(without)),
            )


def in_time(faces: FaceSource) -> list[int]:
    """Rows of a source in the order of task, frame and id."""
    columns = (faces.table.column(name).to_pylist() for name in ("task", "frame", "id"))
    keys = [(task or "", frame or 0, name) for task, frame, name in zip(*columns, strict=True)]
    return sorted(range(len(keys)), key=keys.__getitem__)


def least_active(labels: Labels, rows: Sequence[int]) -> list[int]:
    """Of the frames that are coded for the most AUs, those with the smallest sum of intensities.

    Returns:
        rows; none if no frame is coded.
    """
    chosen = list(rows)
    coded = labels.mask[chosen].sum(1)
    activity = (labels.values[chosen] * labels.mask[chosen]).sum(1)
    if not coded.max():
        return []
    best = coded == coded.max()
    quiet = best & (activity == activity[best].min())
    return [row for row, take in zip(chosen, quiet.tolist(), strict=True) if take]


def nearest_to_median(faces: FaceSource, rows: Sequence[int]) -> Tensor:
    """The face among some rows with the smallest mean difference to their median face.

    Args:
        faces: all of one size.
        rows: at least one; earlier rows win where faces are equally near.

    Returns:
        (3, S, S) uint8.
    """
    places = np.unique(np.linspace(0, len(rows) - 1, SAMPLE).round().astype(int))
    median = median_face(faces.batch([rows[place] for place in places]).images)
    best, found = torch.inf, -1
    for part, images in batches(faces, rows):
        distances = distance(images, median)
        if float(distances.min()) < best:
            best, found = float(distances.min()), part.start + int(distances.argmin())
    return faces.batch([rows[max(found, 0)]]).images[0]


def median_face(images: Tensor) -> Tensor:
    """(3, S, S) float32 in 0..255: the median of the frames that show a pixel, NaN if none does."""
    hidden = images.float().masked_fill(~seen(images)[:, None], torch.nan)
    return hidden.nanmedian(0).values


def distance(images: Tensor, median: Tensor) -> Tensor:
    """(B,) mean absolute difference over the pixels that both show; infinite without any."""
    both = seen(images)[:, None] & median.isfinite()
    change = torch.where(both, (images.float() - median).abs(), 0.0)
    mean = change.sum((1, 2, 3)) / both.sum((1, 2, 3))
    return mean.nan_to_num(torch.inf)
