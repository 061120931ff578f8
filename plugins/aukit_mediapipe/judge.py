"""MediaPipe's blendshapes as a judge of AU intensity.

A blendshape is an animation control in 0..1, not an AU intensity, although it roughly increases
with it. The judge is therefore uncalibrated; a score card fits a monotone curve per AU on real
faces. A table maps blendshapes, by their ARKit names, to AUs; left and right ones are averaged.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.judge import Measures
from aukit_mediapipe import bundle, mesh
from aukit_mediapipe.detector import Detections
from aukit_mediapipe.litert import Model
from aukit_mediapipe.plugin import BLENDSHAPE_NAMES, BlendshapeOptions

TABLE = {
    "AU01": ("browInnerUp",),
    "AU02": ("browOuterUp",),
    "AU04": ("browDown",),
    "AU05": ("eyeWide",),
    "AU06": ("cheekSquint", "eyeSquint"),
    "AU07": ("eyeSquint",),
    "AU09": ("noseSneer",),
    "AU10": ("mouthUpperUp",),
    "AU12": ("mouthSmile",),
    "AU14": ("mouthDimple",),
    "AU15": ("mouthFrown",),
    "AU16": ("mouthLowerDown",),
    "AU17": ("mouthShrugLower",),
    "AU18": ("mouthPucker",),
    "AU20": ("mouthStretch",),
    "AU22": ("mouthFunnel",),
    "AU24": ("mouthPress",),
    "AU26": ("jawOpen",),
    "AU28": ("mouthRollLower", "mouthRollUpper"),
    "AU45": ("eyeBlink",),
}
"""AU -> blendshapes whose mean stands for it. AU23 and AU25 have none: lips that tighten or part
are spread over several controls."""

FOREHEAD = 0.25
"""How far the region reaches above the landmarks, in their height: the mesh covers the forehead."""


class BlendshapeJudge:
    """Means of blendshapes, one column per AU.

    Raises:
        MissingWeights: the model bundle is not on this machine.
    """

    measures: Measures = "intensity"
    calibrated = False
    names: tuple[str, ...] = tuple(TABLE)

    def __init__(self, config: BlendshapeOptions, context: Context) -> None:
        self._path = context.weights(config.weights)
        self._config = config
        self._device = context.device

    @cached_property
    def _models(self) -> tuple[Model, Model]:
        models = bundle.read(self._path)
        names = (bundle.MESH, bundle.BLENDSHAPES)
        first, second = (Model(models[name], self._config.threads) for name in names)
        return first, second

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """(B, 20) float32 in 0..1; NaN where the mesh network finds no face.

        The faces are registered, so they are searched where their landmarks are.
        """
        if not len(images):
            return torch.zeros(0, len(self.names))
        transforms = mesh.regions(around(landmarks.cpu()))
        network, shapes = self._models
        points, presence = mesh.landmarks(network, list(images.to(self._device)), transforms)
        values = mesh.blendshapes(shapes, points) @ _means().T
        return values.where(presence[:, None] >= self._config.min_presence, torch.nan)


def around(landmarks: Tensor) -> Detections:
    """Boxes and eyes of faces with known 68 landmarks, like a detection."""
    low, high = landmarks.amin(1), landmarks.amax(1)
    top = low[:, 1:] - FOREHEAD * (high - low)[:, 1:]
    boxes = torch.cat([low[:, :1], top, high], 1).float().numpy()
    eyes = [landmarks[:, 36:42].mean(1), landmarks[:, 42:48].mean(1)]
    keypoints = torch.stack([*eyes, *eyes, *eyes], 1).float().numpy()
    return Detections(boxes, keypoints, np.ones(len(boxes), np.float32))


def _means() -> Tensor:
    """(20, 52): the weight of each blendshape for each AU."""
    weights = torch.zeros(len(TABLE), len(BLENDSHAPE_NAMES))
    for row, stems in enumerate(TABLE.values()):
        for column, name in enumerate(BLENDSHAPE_NAMES):
            if name.removesuffix("Left").removesuffix("Right") in stems:
                weights[row, column] = 1
    return weights / weights.sum(1, keepdim=True)
