"""The base of estimators made of neural networks, one per AU or one for all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.estimator import Prediction, TrainingSet
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.graph import Graph, Run
from aukit.contracts.session import Session
from aukit.data.kinds import INTENSITY, OCCURRENCE, occurrences
from aukit.errors import DataError
from aukit.estimation.calibration import fit_limits, levels_above
from aukit.estimation.fit import PREDICT_BATCH, Fit
from aukit.estimation.graph import graph_of
from aukit.estimation.images import as_float, prepared
from aukit.estimation.network import Network
from aukit.estimation.options import FitOptions
from aukit.machine.processes import distributed
from aukit.seeds import seed_of
from aukit.store.models import load_card, load_network, load_tensors, save_model

LIMITS = "limits"


class NetworkEstimator(ABC):
    """Estimates AU intensities with neural networks.

    A subclass defines the network (`build`) and its options.

    Args:
        config: options.
        context: device and weights.
    """

    def __init__(self, config: FitOptions, context: Context) -> None:
        self.config = config
        self.context = context
        self.aus: tuple[str, ...] = ()
        self.occurrence: frozenset[str] = frozenset()
        self.networks: list[Network] = []
        self.limits: Tensor | None = None
        self._run: Run | None = None

    @abstractmethod
    def build(self, occurrence: Sequence[bool]) -> Network:
        """A network with random weights, as set by the options.

        Args:
            occurrence: for each of its AUs, whether it is labelled with presence only.
        """

    def fit(self, train: TrainingSet, valid: FaceSource | None, session: Session) -> None:
        """Fit one network per AU, or one for all, and the thresholds between levels.

        Raises:
            DataError: an AU has no planned training frame.
        """
        self.aus, self.networks, self.limits = train.faces.aus, [], None
        self.occurrence = train.faces.labels.occurrence
        for au, uses in zip(self.aus, train.counts.sum(0), strict=True):
            if uses == 0:
                raise DataError(f"the plan has no training frame for {au}", "leave it out of --aus")
        with distributed(session.device):
            for columns in self._groups():
                name = self.aus[columns[0]] if len(columns) == 1 else "shared"
                part = session.part(name)
                network = self._fresh(columns, part)
                fit = Fit(self.config, network, columns, train, valid, part)
                self.networks.append(fit.run(name))
        if valid is not None and self.config.calibrate:
            self.limits = self._fit_limits(valid)

    def _groups(self) -> list[list[int]]:
        """The AU columns of each network."""
        columns = list(range(len(self.aus)))
        return [columns] if self.config.networks == "shared" else [[c] for c in columns]

    def _fresh(self, columns: Sequence[int], session: Session) -> Network:
        torch.manual_seed(seed_of(session.seed, "initialize"))
        network = self._built(columns)
        if self.config.weights != "none":
            network.load_published(self.context.weights(self.config.weights))
            # Do not freeze random convolutions.
            network.freeze(self.config.frozen)
        return network

    def _built(self, columns: Sequence[int]) -> Network:
        return self.build([self.aus[column] in self.occurrence for column in columns])

    def _fit_limits(self, valid: FaceSource) -> Tensor:
        rows = range(len(valid))
        parts = [rows[start : start + PREDICT_BATCH] for start in rows[::PREDICT_BATCH]]
        found = [self._estimated(valid.batch(part).images).intensity for part in parts]
        return fit_limits(torch.cat(found), valid.labels)

    def predict(self, faces: FaceBatch) -> Prediction:
        """Expected intensity and level of a batch; for an occurrence, probability and presence.

        Raises:
            DataError: the estimator is not fitted.
        """
        if self._run is not None:
            found = self._run({"images": as_float(faces.images).cpu()})
            return Prediction(found["intensity"], found["level"])
        parts = [self._estimated(chunk) for chunk in torch.split(faces.images, PREDICT_BATCH)]
        intensity = torch.cat([part.intensity for part in parts])
        if self.limits is None:
            return Prediction(intensity, torch.cat([part.level for part in parts]))
        return Prediction(intensity, levels_above(intensity, self.limits))

    def graph(self, faces: FaceBatch) -> Graph:
        """From registered faces to intensities and levels (`aukit.contracts.graph`).

        Raises:
            DataError: the estimator is not fitted.
        """
        images = as_float(faces.images).cpu()
        return graph_of(self._fitted(), self.limits, self.config.size, images)

    def run_graph(self, run: Run) -> None:
        """Predict with the graph run elsewhere."""
        self._run = run

    @torch.inference_mode()
    def features(self, faces: FaceBatch) -> Tensor:
        """(B, D) features before the last layer.

        With one network per AU, those of the first network.

        Raises:
            DataError: the estimator is not fitted.
        """
        network = self._fitted()[0]
        return self._asked(network, network.seen, faces.images)

    @torch.inference_mode()
    def _estimated(self, images: Tensor) -> Prediction:
        """Readings of each network for its AUs, by its own rule."""
        asked = [(n.head, self._asked(n, n, images)) for n in self._fitted()]
        return Prediction(
            torch.cat([head.intensity(readings) for head, readings in asked], 1),
            torch.cat([head.level(readings) for head, readings in asked], 1),
        )

    def _asked(self, network: Network, ask: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        device = self.context.device
        network.to(device).eval()
        return ask(prepared(images.to(device), self.config.size)).float().cpu()

    def _fitted(self) -> list[Network]:
        if not self.networks:
            raise DataError("the estimator has not been fitted or loaded")
        return self.networks

    def save(self, folder: Path) -> None:
        """Write all networks and thresholds into one file, and the card."""
        tensors = {
            f"{number}/{key}": value
            for number, network in enumerate(self.networks)
            for key, value in network.state_dict().items()
        }
        if self.limits is not None:
            tensors[LIMITS] = self.limits
        kinds = {au: OCCURRENCE if au in self.occurrence else INTENSITY for au in self.aus}
        card = {"aus": list(self.aus), "kinds": kinds, "options": asdict(self.config)}
        save_model(folder, tensors, card)

    def load(self, folder: Path) -> None:
        """Load what `save` wrote.

        Raises:
            DataError: the model is of another estimator or damaged.
        """
        card, tensors = load_card(folder), load_tensors(folder)
        self.config, self.aus = self._options_of(card, folder), tuple(card["aus"])
        self.occurrence = occurrences(card.get("kinds", {}))
        self.limits, self.networks = tensors.pop(LIMITS, None), []
        for number, columns in enumerate(self._groups()):
            network = self._built(columns)
            prefix = f"{number}/"
            own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            load_network(network, own, folder)
            # Same memory layout as after a fit: another order of summation changes the last bits.
            self.networks.append(network.to(memory_format=torch.channels_last))

    def _options_of(self, card: dict[str, Any], folder: Path) -> FitOptions:
        try:
            return type(self.config)(**card["options"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"the card of {folder} is of another estimator: {error}",
                "load the model with the component named by its run",
            ) from error
