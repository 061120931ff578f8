"""An estimator made of networks: one an AU, or one for all; fitted, saved, asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.estimator import Prediction, TrainingSet
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.session import Session
from aukit.errors import DataError
from aukit.estimation.calibration import fit_limits, levels_above
from aukit.estimation.fit import PREDICT_BATCH, Fit
from aukit.estimation.images import prepared
from aukit.estimation.network import Network
from aukit.estimation.options import FitOptions
from aukit.machine.processes import distributed
from aukit.seeds import seed_of
from aukit.store.models import load_card, load_network, load_tensors, save_model

LIMITS = "limits"


class NetworkEstimator(ABC):
    """AU intensity by networks.

    A subclass says what a network is (`build`) and what its options are.

    Args:
        config: options.
        context: device and weights.
    """

    def __init__(self, config: FitOptions, context: Context) -> None:
        self.config = config
        self.context = context
        self.aus: tuple[str, ...] = ()
        self.networks: list[Network] = []
        self.limits: Tensor | None = None

    @abstractmethod
    def build(self, aus: int) -> Network:
        """A network with random weights for a number of AUs, by the options."""

    def fit(self, train: TrainingSet, valid: FaceSource | None, session: Session) -> None:
        """Fit one network for each AU, or one for all, and the limits between levels.

        Raises:
            DataError: an AU has no planned training frame.
        """
        self.aus, self.networks, self.limits = train.faces.aus, [], None
        for au, uses in zip(self.aus, train.counts.sum(0), strict=True):
            if uses == 0:
                raise DataError(f"the plan has no training frame for {au}", "leave it out of --aus")
        with distributed(session.device):
            for columns in self._groups():
                name = self.aus[columns[0]] if len(columns) == 1 else "shared"
                part = session.part(name)
                network = self._fresh(len(columns), part)
                fit = Fit(self.config, network, columns, train, valid, part)
                self.networks.append(fit.run(name))
        if valid is not None and self.config.calibrate:
            self.limits = self._fit_limits(valid)

    def _groups(self) -> list[list[int]]:
        """The AU columns of each network."""
        columns = list(range(len(self.aus)))
        return [columns] if self.config.networks == "shared" else [[c] for c in columns]

    def _fresh(self, aus: int, session: Session) -> Network:
        torch.manual_seed(seed_of(session.seed, "initialize"))
        network = self.build(aus)
        if self.config.weights != "none":
            network.load_published(self.context.weights(self.config.weights))
            # Freezing random convolutions would only cripple the network.
            network.freeze(self.config.frozen)
        return network

    def _fit_limits(self, valid: FaceSource) -> Tensor:
        rows = range(len(valid))
        parts = [rows[start : start + PREDICT_BATCH] for start in rows[::PREDICT_BATCH]]
        readings = torch.cat([self._readings(valid.batch(part).images) for part in parts])
        return fit_limits(self.networks[0].head.intensity(readings), valid.labels)

    def predict(self, faces: FaceBatch) -> Prediction:
        """Expected intensity and level of a batch.

        Raises:
            DataError: the estimator was not fitted.
        """
        head = self._fitted()[0].head
        chunks = torch.split(faces.images, PREDICT_BATCH)
        readings = torch.cat([self._readings(chunk) for chunk in chunks])
        intensity = head.intensity(readings)
        if self.limits is None:
            return Prediction(intensity, head.level(readings))
        return Prediction(intensity, levels_above(intensity, self.limits))

    @torch.inference_mode()
    def features(self, faces: FaceBatch) -> Tensor:
        """(B, D) what the network sees before it decides.

        Where every AU has a network of its own, that of the first.

        Raises:
            DataError: the estimator was not fitted.
        """
        network = self._fitted()[0]
        return self._asked(network, network.seen, faces.images)

    @torch.inference_mode()
    def _readings(self, images: Tensor) -> Tensor:
        parts = [self._asked(network, network, images) for network in self.networks]
        return torch.cat(parts, 1)

    def _asked(self, network: Network, ask: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        device = self.context.device
        network.to(device).eval()
        return ask(prepared(images.to(device), self.config.size)).float().cpu()

    def _fitted(self) -> list[Network]:
        if not self.networks:
            raise DataError("the estimator has not been fitted or loaded")
        return self.networks

    def save(self, folder: Path) -> None:
        """Write all networks and limits into one file, and the card."""
        tensors = {
            f"{number}/{key}": value
            for number, network in enumerate(self.networks)
            for key, value in network.state_dict().items()
        }
        if self.limits is not None:
            tensors[LIMITS] = self.limits
        save_model(folder, tensors, {"aus": list(self.aus), "options": asdict(self.config)})

    def load(self, folder: Path) -> None:
        """Become what was saved.

        Raises:
            DataError: the model is of another estimator, or is damaged.
        """
        card, tensors = load_card(folder), load_tensors(folder)
        self.config, self.aus = self._options_of(card, folder), tuple(card["aus"])
        self.limits, self.networks = tensors.pop(LIMITS, None), []
        for number, columns in enumerate(self._groups()):
            network = self.build(len(columns))
            prefix = f"{number}/"
            own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            load_network(network, own, folder)
            # As fitted ones lie in memory: sums in another order differ in their last bits.
            self.networks.append(network.to(memory_format=torch.channels_last))

    def _options_of(self, card: dict[str, Any], folder: Path) -> FitOptions:
        try:
            return type(self.config)(**card["options"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"the card of {folder} is of another estimator: {error}",
                "load the model with the component that its run names",
            ) from error
