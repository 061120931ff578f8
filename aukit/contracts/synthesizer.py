"""A synthesizer is fitted on registered faces and then changes the AUs of a face.

It does not decide what to synthesize: the plan does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.labels import Labels

if TYPE_CHECKING:
    from torch import Tensor

    from aukit.contracts.session import Session


class Synthesizer(Protocol):
    """Synthesizes faces."""

    def fit(self, faces: FaceSource, session: Session) -> None:
        """Fit; the pipeline passes training people only.

        Under torchrun, all processes call it with the same faces (`aukit.machine.processes`). Only
        process 0 may write, and only it is asked to save.
        """
        ...

    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Tensor:
        """Synthesize the given faces with target intensities.

        Args:
            faces: B registered faces.
            targets: (B, A); masked AUs keep what the face shows.
            seeds: (B,) int64; all randomness comes from these, so that the result does not depend
                on the batch.

        Returns:
            (B, 3, S, S) uint8, in the order of the faces.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write safetensors and a JSON card into an existing empty folder."""
        ...

    def load(self, folder: Path) -> None:
        """Load what `save` wrote."""
        ...


@runtime_checkable
class HasRegions(Protocol):
    """A synthesizer that edits each AU within a region of its own.

    The score card reports how much of the face each region covers.
    """

    def regions(self, faces: FaceBatch) -> Tensor:
        """(B, A, S, S) float32 attention in 0..1 at the faces' size, for the AUs it knows."""
        ...


@runtime_checkable
class ReadsFaces(Protocol):
    """A synthesizer with an AU-estimating network that its generator was trained against.

    The score card shows these estimates apart from the judges'. If this network finds the target
    AUs and no judge does, the generator has learned to fool it.

    Attributes:
        aus: the AUs that it knows.
    """

    aus: tuple[str, ...]

    def read(self, faces: FaceBatch) -> Tensor:
        """(B, A) float32 on the CPU: intensities in 0..5 of its AUs; 0..1 for an occurrence."""
        ...
