"""A landmarker finds faces and landmarks in images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

IBUG68 = "ibug-68"
"""The 68 points of iBUG / Multi-PIE: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67."""

MEDIAPIPE478 = "mediapipe-478"
"""MediaPipe's face mesh with irises, (x, y, z) in pixels, z towards the back of the head."""


@dataclass(frozen=True)
class Faces:
    """The faces of one image, best first.

    Attributes:
        boxes: (n, 4) float32, x0 y0 x1 y1 in source pixels.
        scores: (n,) float32 in 0..1.
        landmarks: scheme name -> (n, K, 2 or 3) float32, source pixels.
        measures: further measurements by name, e.g. `blendshapes` -> (n, 52) float32 in 0..1.
    """

    boxes: Tensor
    scores: Tensor
    landmarks: Mapping[str, Tensor]
    measures: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.boxes.shape[0])

    def one(self, index: int) -> Faces:
        """The face at `index` alone, as a `Faces` of length one."""
        keep = slice(index, index + 1)
        return Faces(
            boxes=self.boxes[keep],
            scores=self.scores[keep],
            landmarks={name: points[keep] for name, points in self.landmarks.items()},
            measures={name: values[keep] for name, values in self.measures.items()},
        )


class Landmarker(Protocol):
    """Finds every face of every image.

    Attributes:
        schemes: the landmark schemes it provides.
    """

    schemes: tuple[str, ...]

    def detect(self, images: Sequence[Tensor]) -> list[Faces]:
        """Faces of each image, in the order of the images.

        Args:
            images: uint8 tensors of shape (3, H, W), any sizes, any device.

        Returns:
            one `Faces` per image, of length 0 if there is no face. Bad pictures do not raise.
        """
        ...
