"""A judge extracts AU intensities, features or identity from faces, to score synthesizers.

A synthesizer must not have been trained against its judge, or the score is meaningless.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor

Measures = Literal["intensity", "features", "identity"]


class Judge(Protocol):
    """Looks at faces. The constructor raises `MissingWeights` if its weights are missing.

    Attributes:
        measures: `intensity` (one column per AU), `features` (a vector for Fréchet distances) or
            `identity` (a vector whose Euclidean distances separate people).
        names: for `intensity`, the AU columns; else one name, that of the distance between its
            vectors, e.g. `("FID",)`.
        calibrated: whether intensities are on the scale 0..5. If not, they only increase with
            intensity, and the score card calibrates them on real training faces.

    A judge of intensity may have `cuts`: column -> lowest value that counts as present, for columns
    that hold decisions or probabilities in 0..1 instead of intensities. If it has both for an AU,
    the second column is called `AU01_present`.
    """

    measures: Measures
    names: tuple[str, ...]
    calibrated: bool

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """Judge each face; the result does not depend on how faces are batched.

        Args:
            images: (B, 3, S, S) uint8 registered faces, on any device.
            landmarks: (B, 68, 2) float32 iBUG points, aligned pixels.

        Returns:
            (B, K) float32 on the CPU; NaN if undetermined. K is the number of AUs, or the length of
            the vector.
        """
        ...
