"""Regression on features of a frozen pretrained network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.faces import FaceBatch
from aukit.contracts.graph import Tensors
from aukit.contracts.session import Session
from aukit.errors import DataError
from aukit.estimation.images import as_float, prepared
from aukit.seeds import seed_of
from aukit.store.models import read_weights
from aukit_features.estimator import RegressionEstimator
from aukit_features.graph import IMAGES, LANDMARKS, Describe, Described
from aukit_features.landmarks import coordinates
from aukit_features.plugin import FeaturesConfig
from aukit_features.trunk import Trunk

PREFIX = "trunk/"

CACHED = 8
"""Faces of a batch on a CPU: the maps of more do not stay in its cache, and take a fifth longer."""


class FeaturesEstimator(RegressionEstimator):
    """AU intensity from the feature maps of a frozen network and the landmarks.

    The network is used and saved in half precision, so that it gives the same results after
    loading.

    Args:
        config: options.
        context: device and weights.
    """

    config: FeaturesConfig

    def __init__(self, config: FeaturesConfig, context: Context) -> None:
        super().__init__(config, context)
        self._trunk: Trunk | None = None
        self._quick: Trunk | None = None
        self._last = b"", torch.empty(0)

    def begin(self, session: Session) -> None:
        """Build the network with the weights from the options.

        Raises:
            MissingWeights: the weights are not on this machine.
            DataError: they are of another network.
        """
        ref = self.config.weights
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_of(session.seed, "trunk"))
            self._place(None if ref == "none" else read_weights(self.context.weights(ref)))

    def _place(self, weights: Mapping[str, Tensor] | None) -> Trunk:
        config = self.config
        strides = [int(stride) for stride in config.strides.split()]
        trunk = Trunk(config.backbone, weights, config.size, strides, config.cells)
        trunk.load_state_dict({key: _halved(value) for key, value in trunk.state_dict().items()})
        self._quick, self._last = None, (b"", torch.empty(0))
        self._trunk = trunk.to(self.context.device).to(memory_format=torch.channels_last)
        return trunk

    @property
    def trunk(self) -> Trunk:
        """The frozen network.

        Raises:
            DataError: the estimator is not fitted.
        """
        if self._trunk is None:
            raise DataError("the estimator has not been fitted or loaded")
        return self._trunk

    @property
    def blocks(self) -> Sequence[int]:
        """Each map, and the landmarks."""
        return (*self.trunk.widths, *([136] if self.config.landmarks else []))

    @property
    def most(self) -> int:
        """Principal components that the regressions read."""
        return self.config.components

    @torch.inference_mode()
    def describe(self, faces: FaceBatch) -> Tensor:
        """(B, D) averages of the maps over the grid, and the landmarks.

        Raises:
            DataError: the landmarks of a face are unknown.
        """
        parts = [self._maps(faces)]
        if self.config.landmarks:
            parts.append(coordinates(faces))
        return torch.cat(parts, 1)

    def given(self, faces: FaceBatch) -> Tensors:
        """The pictures, and the landmarks if they are read."""
        shown = {IMAGES: as_float(faces.images).cpu()}
        if not self.config.landmarks:
            return shown
        return {**shown, LANDMARKS: coordinates(faces).reshape(-1, 68, 2)}

    def describing(self) -> Describe:
        """The features of the network, and the landmarks."""
        return Described(deepcopy(self.trunk).cpu(), self.config.size)

    def features(self, faces: FaceBatch) -> Tensor:
        """(B, C) averages of the C channels of all maps over the face, for Fréchet distances."""
        maps = torch.split(self._maps(faces), self.trunk.widths, 1)
        cells = [
            one.view(len(one), count, -1)
            for one, count in zip(maps, self.trunk.channels, strict=True)
        ]
        return torch.cat([one.mean(2) for one in cells], 1)

    def _maps(self, faces: FaceBatch) -> Tensor:
        """(B, D) averages of the maps over the grid; those of the last batch are kept.

        A score card asks for the estimates and then for the features of the same pictures.
        """
        key = hashlib.blake2b(faces.images.cpu().contiguous().numpy().tobytes()).digest()
        if key != self._last[0]:
            self._last = key, self._described_maps(faces)
        return self._last[1]

    @torch.inference_mode()
    def _described_maps(self, faces: FaceBatch) -> Tensor:
        on_cpu = torch.device(self.context.device).type == "cpu"
        most = min(CACHED, self.config.batch) if on_cpu else self.config.batch
        chunks = torch.split(faces.images, most)
        return torch.cat([self._seen(chunk) for chunk in chunks])

    def _seen(self, images: Tensor) -> Tensor:
        self._quick = self._quick or self.trunk.fused()
        seen: Tensor = self._quick(prepared(images.to(self.context.device), self.config.size))
        return seen.float().cpu()

    def state(self) -> Mapping[str, Tensor]:
        """The network in half precision."""
        return {
            f"{PREFIX}{key}": value.half() if value.is_floating_point() else value
            for key, value in self.trunk.state_dict().items()
        }

    def restore(self, state: Mapping[str, Tensor], folder: Path) -> None:
        """Build the network that was saved.

        Raises:
            DataError: the file does not hold the network described by its card.
        """
        own = {key.removeprefix(PREFIX): value for key, value in state.items()}
        try:
            self._place(None).load_state_dict(own)
        except RuntimeError as error:
            raise DataError(f"{folder} does not hold the network described by its card") from error


def _halved(value: Tensor) -> Tensor:
    return value.half().to(value.dtype) if value.is_floating_point() else value
