"""The baseline: a ridge on the 68 registered landmarks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from aukit.contracts.faces import FaceBatch
from aukit.contracts.graph import Tensors
from aukit.errors import DataError
from aukit_features.estimator import RegressionEstimator
from aukit_features.graph import LANDMARKS, Describe


class LandmarksEstimator(RegressionEstimator):
    """AU intensity from the landmark positions in the registered face only."""

    @property
    def blocks(self) -> Sequence[int]:
        """All coordinates belong together."""
        return (136,)

    def describe(self, faces: FaceBatch) -> Tensor:
        """(B, 136) coordinates in units of the face's picture.

        Raises:
            DataError: the landmarks of a face are not known.
        """
        return coordinates(faces)

    def given(self, faces: FaceBatch) -> Tensors:
        """The landmarks."""
        return {LANDMARKS: coordinates(faces).reshape(-1, 68, 2)}

    def describing(self) -> Describe:
        """Their coordinates."""
        return lambda given: given[LANDMARKS].flatten(1)


def coordinates(faces: FaceBatch) -> Tensor:
    """(B, 136) float32 coordinates of the 68 landmarks, 0..1 within the picture.

    Raises:
        DataError: the landmarks of a face are not known.
    """
    points = faces.landmarks.float().cpu() / faces.images.shape[-1]
    if not bool(torch.isfinite(points).all()):
        raise DataError(
            "faces without landmarks cannot be estimated from landmarks",
            "choose another --estimator, or --estimator features with --estimator.landmarks false",
        )
    return points.flatten(1)
