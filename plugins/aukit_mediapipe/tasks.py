"""The same models in Google's `mediapipe` package, for comparison.

From version 0.10.30 on the package reports usage metrics to its maker and asks that the people who
use an application consent. Faces in this field are of patients and research participants, so this
runtime is an extra, is used only on request, and warns whenever it is built.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Sequence
from typing import Any

import mediapipe
import torch
from mediapipe.tasks.python import BaseOptions, vision
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68, MEDIAPIPE478, Faces
from aukit_mediapipe.landmarker import faces_of, no_faces
from aukit_mediapipe.plugin import Options

NOTICE = (
    "the mediapipe package reports usage metrics to Google and asks for the consent of the people "
    "it is used on; landmarker 'mediapipe' runs the same models without any network contact"
)
_log = logging.getLogger(__name__)


class TasksLandmarker:
    """Finds faces with the MediaPipe Tasks package, one picture after another, on the CPU.

    The package gives no scores: every accepted face has the score 1. Measures:
    `blendshapes` (n, 52).

    Raises:
        MissingWeights: the model bundle is not on this machine.
    """

    schemes = (MEDIAPIPE478, IBUG68)

    def __init__(self, config: Options, context: Context) -> None:
        _log.warning(NOTICE)
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(context.weights(config.weights))),
            num_faces=config.max_faces,
            min_face_detection_confidence=config.min_detection,
            min_face_presence_confidence=config.min_presence,
            output_face_blendshapes=True,
        )
        self._landmarker = vision.FaceLandmarker.create_from_options(options)
        # The package's own finalizer fails while the interpreter shuts down.
        weakref.finalize(self, self._landmarker.close)

    def detect(self, images: Sequence[Tensor]) -> list[Faces]:
        """Faces of each uint8 picture (3, H, W), in the package's order; tensors on the CPU."""
        return [self._one(image) for image in images]

    def _one(self, image: Tensor) -> Faces:
        pixels = image.permute(1, 2, 0).contiguous().cpu().numpy()
        found = self._landmarker.detect(
            mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)
        )
        if not found.face_landmarks:
            return no_faces()
        height, width = pixels.shape[:2]
        points = torch.tensor([[(p.x, p.y, p.z) for p in face] for face in found.face_landmarks])
        shapes = torch.tensor([_scores(face) for face in found.face_blendshapes])
        scale = torch.tensor([width, height, width])
        return faces_of(points * scale, torch.ones(len(points)), {"blendshapes": shapes})


def _scores(categories: Sequence[Any]) -> list[float]:
    return [category.score for category in categories]
