"""A synthesizer is fitted on aligned faces and then gives a face other AUs.

It never decides what to balance: the plan does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

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
