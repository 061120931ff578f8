"""68 points by an ensemble of regression trees, in faces found by a HOG detector.

King, "Dlib-ml: A Machine Learning Toolkit", JMLR 2009; Kazemi and Sullivan, CVPR 2014. The detector
is part of dlib. It finds frontal faces and misses half-turned ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import dlib
import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.errors import DataError, MissingWeights
from aukit_dlib.plugin import FILE, DlibOptions

POINTS = 68


class DlibLandmarker:
    """dlib's faces and points, best face first.

    Scores are the detector's unbounded scores, mapped to 0..1 by the logistic function.

    Raises:
        MissingWeights: no file was given.
    """

    schemes: tuple[str, ...] = (IBUG68,)

    def __init__(self, config: DlibOptions, context: Context) -> None:
        self._config = config
        if not config.weights:
            raise MissingWeights(
                f"landmarker 'dlib' needs {FILE}",
                "provide it (its training data exclude commercial use): --landmarker.weights FILE",
            )
        self._path: Path = context.weights(config.weights)

    @cached_property
    def _detector(self) -> Any:
        return dlib.get_frontal_face_detector()

    @cached_property
    def _predictor(self) -> Any:
        try:
            return dlib.shape_predictor(str(self._path))
        except RuntimeError as error:
            raise DataError(f"{self._path} is not a shape predictor of dlib: {error}") from error

    def detect(self, images: Sequence[Tensor]) -> list[Faces]:
        """Faces of each image, in the order of the images.

        Raises:
            DataError: the weights are not a predictor of 68 points.
        """
        return [self._faces(image) for image in images]

    def _faces(self, image: Tensor) -> Faces:
        picture = image.permute(1, 2, 0).contiguous().cpu().numpy()
        boxes, scores, _ = self._detector.run(picture, self._config.upsample)
        found = [self._points(picture, box) for box in boxes]
        corners = [[box.left(), box.top(), box.right(), box.bottom()] for box in boxes]
        return Faces(
            boxes=torch.tensor(corners, dtype=torch.float32).reshape(-1, 4),
            scores=torch.tensor(list(scores), dtype=torch.float32).sigmoid(),
            landmarks={IBUG68: torch.tensor(found, dtype=torch.float32).reshape(-1, POINTS, 2)},
        )

    def _points(self, picture: Any, box: Any) -> list[tuple[int, int]]:
        shape = self._predictor(picture, box)
        if shape.num_parts != POINTS:
            raise DataError(
                f"{self._path} finds {shape.num_parts} points, not {POINTS}", f"provide {FILE}"
            )
        return [(part.x, part.y) for part in shape.parts()]
