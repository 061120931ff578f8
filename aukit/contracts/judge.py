"""A judge looks at registered faces and says what it sees. Synthesizers are scored by judges.

A judge must not be what a synthesizer was trained against, or the score means nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor

Measures = Literal["intensity", "features", "identity"]


class Judge(Protocol):
    """Looks at faces. Building one raises `MissingWeights` where it lacks its weights.

    Attributes:
        measures: `intensity` (one column an AU), `features` (a vector for Fréchet distances) or
            `identity` (a vector whose Euclidean distances tell people apart).
        names: for `intensity` the AU columns that it tells; else one name, that of the distance
            between its vectors, e.g. `("FID",)`.
        calibrated: whether intensities are on the scale 0..5. If not, they only rise with the
            intensity, and a score card calibrates them on real training faces.

    A judge of intensity may have `cuts`, column -> the least number that it calls present, of
    columns that hold decisions or probabilities in 0..1, not intensities. One that knows both of an
    AU calls the second column `AU01_present`.
    """

    measures: Measures
    names: tuple[str, ...]
    calibrated: bool

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """What it sees in each face, independent of how the faces are batched.

        Args:
            images: (B, 3, S, S) uint8 registered faces, on any device.
            landmarks: (B, 68, 2) float32 iBUG points, aligned pixels.

        Returns:
            (B, K) float32 on the CPU; NaN where it cannot tell. K is the number of AUs, or the
            length of the vector.
        """
        ...
