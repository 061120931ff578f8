"""A normalizer removes person-specific appearance from a face before estimation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aukit.contracts.faces import FaceBatch, FaceSource

if TYPE_CHECKING:
    from torch import Tensor


class Normalizer(Protocol):
    """Turns faces into person-independent images."""

    def fit(self, faces: FaceSource) -> None:
        """Learn what is needed of each person in `faces`; may be called once per source.

        People of all partitions are passed, since only a person's own frames show their usual
        appearance. What is learned of one person must not depend on another's labels.
        """
        ...

    def apply(self, faces: FaceBatch) -> Tensor:
        """(B, 3, S, S) float32 images for the estimator, about 0..1, in the order of the faces.

        A synthetic face carries the person key of its parent.

        Raises:
            DataError: a person was in no source passed to `fit`.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write the state into an existing empty folder."""
        ...

    def load(self, folder: Path) -> None:
        """Load what `save` wrote."""
        ...
