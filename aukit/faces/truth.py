"""The true picture of a registered face with other AUs: same person, same moment.

Only some datasets can render it (`contracts.dataset.RendersTruth`). The dataset renders the frame
again, and the run's own landmarker and aligner register it like any frame. A synthesizer is thus
compared with what the pipeline would make of the real picture.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import torch
from torch import Tensor

from aukit.config.choice import named
from aukit.contracts.dataset import RendersTruth
from aukit.contracts.labels import Labels
from aukit.errors import DataError
from aukit.faces.registration import Registration

RENDER_BATCH = 32
"""Frames rendered at a time; limits memory without changing results."""


@dataclass(frozen=True)
class Pictures:
    """Registered faces without rows.

    Attributes:
        images: (B, 3, S, S) uint8; zeros where `ok` is False.
        valid: (B, S, S) bool, True where a pixel comes from the source picture.
        landmarks: (B, 68, 2) float32 iBUG points, aligned pixels.
        ok: (B,) bool; False where the rendered frame could not be registered.
    """

    images: Tensor
    valid: Tensor
    landmarks: Tensor
    ok: Tensor

    def __len__(self) -> int:
        return int(self.images.shape[0])


class Truth:
    """Renders registered faces as they would really look with other AUs.

    Args:
        registration: registration of the faces; rows must come from its dataset.
    """

    def __init__(self, registration: Registration) -> None:
        self.registration = replace(registration, faces="best")

    @property
    def known(self) -> bool:
        """Whether the dataset can render the truth."""
        return isinstance(self.registration.dataset, RendersTruth)

    def paint(self, rows: pa.Table, targets: Labels) -> Pictures:
        """The true pictures of faces with the AUs `targets`.

        Args:
            rows: B face rows (`records.face_schema`, with or without pixels, in any order); a
                synthetic row stands for its parent's frame.
            targets: B rows; masked AUs keep what the frame shows.

        Returns:
            B pictures in the order of the rows, on the CPU.

        Raises:
            DataError: the dataset cannot render the truth, or a row is not of this dataset.
            StageError: the dataset failed.
        """
        index = self._index_rows(rows)
        starts = range(0, index.num_rows, RENDER_BATCH)
        return _join([self._part(index, targets, start) for start in starts])

    def _part(self, index: pa.Table, targets: Labels, start: int) -> Pictures:
        dataset, choice = self.registration.dataset, self.registration.data
        rows, keep = index.slice(start, RENDER_BATCH), slice(start, start + RENDER_BATCH)
        wanted = targets.take(keep)
        assert isinstance(dataset, RendersTruth)
        with named(choice, "truth"):
            frames = dataset.render(rows, wanted)
        _, aligned = self.registration.align(frames)
        ok = torch.tensor([reason is None for reason in aligned.reasons], dtype=torch.bool)
        return Pictures(aligned.images.cpu(), aligned.valid.cpu(), aligned.landmarks.cpu(), ok)

    def _index_rows(self, rows: pa.Table) -> pa.Table:
        """The dataset's own index rows of faces, with the labels of the frame."""
        if not self.known:
            raise DataError(
                f"dataset '{self.registration.data.component.name}' cannot render the truth",
                "`aukit plugins data` shows which datasets can, e.g. avatars",
            )
        names = _frame_ids(rows)
        if stray := [name for name in names if name not in self._positions]:
            raise DataError(
                f"{len(stray)} faces are not frames of dataset "
                f"'{self.registration.data.component.name}', e.g. {stray[0]}",
                "use the dataset and options that the faces were registered with",
            )
        return self._index.take(pa.array([self._positions[name] for name in names], pa.int64()))

    @functools.cached_property
    def _index(self) -> pa.Table:
        with named(self.registration.data, "truth"):
            return self.registration.dataset.index()

    @functools.cached_property
    def _positions(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self._index.column("id").to_pylist())}


def _frame_ids(rows: pa.Table) -> list[str]:
    """Ids of the frames of faces."""
    columns = (rows.column(name).to_pylist() for name in ("id", "parent", "face"))
    return [
        (parent or name).removesuffix(f"/{face}" if face else "")
        for name, parent, face in zip(*columns, strict=True)
    ]


def _join(parts: Sequence[Pictures]) -> Pictures:
    if not parts:
        raise DataError("no faces were given")
    return Pictures(
        images=torch.cat([part.images for part in parts]),
        valid=torch.cat([part.valid for part in parts]),
        landmarks=torch.cat([part.landmarks for part in parts]),
        ok=torch.cat([part.ok for part in parts]),
    )
