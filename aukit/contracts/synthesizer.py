"""A synthesizer is fitted on aligned faces and then gives a face other AUs.

It never decides what to balance: the plan does.
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
        """Learn from training people only (the pipeline hands over nothing else)."""
        ...

    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Tensor:
        """The given faces with the target intensities.

        Args:
            faces: B aligned faces.
            targets: (B, A); AUs that are masked keep what the face shows.
            seeds: (B,) int64; a stochastic synthesizer draws from these alone, so that the result
                does not depend on the batch.

        Returns:
            (B, 3, S, S) uint8, in the order of the faces.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write safetensors and a JSON card into an existing empty folder."""
        ...

    def load(self, folder: Path) -> None:
        """Become what was saved there."""
        ...


@runtime_checkable
class HasRegions(Protocol):
    """A synthesizer that paints each AU inside a region of its own.

    The score card says how much of the face each region covers.
    """

    def regions(self, faces: FaceBatch) -> Tensor:
        """(B, A, S, S) float32 attention in 0..1 at the faces' size, of the AUs it knows."""
        ...


@runtime_checkable
class ReadsFaces(Protocol):
    """A synthesizer with a network that estimates AUs, from which its generator learned.

    The score card shows these estimates apart from the judges: where that network finds the AUs
    that were asked for and no judge does, the generator has learned to fool it.

    Attributes:
        aus: the AUs that it knows.
    """

    aus: tuple[str, ...]

    def read(self, faces: FaceBatch) -> Tensor:
        """(B, A) float32 on the CPU: intensities in 0..5 of its AUs, of an occurrence 0..1."""
        ...
