"""Estimators on features of a face: ridges or small networks, with normalization per person."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aukit.au import MAX_LEVEL
from aukit.contracts.context import Context
from aukit.contracts.estimator import Prediction, TrainingSet
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.graph import Graph, Run, Tensors
from aukit.contracts.session import Session
from aukit.data.kinds import INTENSITY, OCCURRENCE, occurrences
from aukit.errors import DataError
from aukit.estimation.calibration import NEAREST, fit_limits, levels_above
from aukit.store.models import load_card, load_tensors, save_model
from aukit_features.fitting import Fitting
from aukit_features.graph import (
    ABOUT,
    ACQUAINTED,
    EXPECTED,
    LEVEL,
    MIDDLE,
    NUMBERS,
    STRANGER,
    TRUST,
    ZERO,
    Describe,
    Reading,
)
from aukit_features.person import Usual, known, usual
from aukit_features.plugin import RegressionConfig
from aukit_features.regression import Regression
from aukit_features.sources import batches

LIMITS = "limits"


class RegressionEstimator(ABC):
    """AU intensity by regression on features of a face: a ridge, or a small network.

    One regression is for people of whom no other face is known. Another, if `person` is chosen,
    uses the difference of a face from the person's usual features; the more is known of the person,
    the more it counts.

    Args:
        config: options.
        context: device and weights.
    """

    def __init__(self, config: RegressionConfig, context: Context) -> None:
        self.config = config
        self.context = context
        self.aus: tuple[str, ...] = ()
        self.occurrence: frozenset[str] = frozenset()
        self.regressions: dict[str, Regression] = {}
        self.limits: Tensor | None = None
        self.people: dict[str, Usual] = {}
        self._run: Run | None = None
        self._described: dict[bytes, Tensor] = {}

    @abstractmethod
    def describe(self, faces: FaceBatch) -> Tensor:
        """(B, D) float32 features of each face, on the CPU."""

    @abstractmethod
    def given(self, faces: FaceBatch) -> Tensors:
        """The inputs of a graph for faces, by name (`aukit_features.graph.ABOUT`), on the CPU."""

    @abstractmethod
    def describing(self) -> Describe:
        """`describe` as a function of the result of `given`."""

    @property
    @abstractmethod
    def blocks(self) -> Sequence[int]:
        """Sizes of the groups of features of `describe`; their sum is D."""

    @property
    def most(self) -> int | None:
        """Number of principal components for the ridges; None: the features themselves."""
        return None

    @property
    def stretches(self) -> bool:
        """Whether the answers of regressions are stretched; those of `ordinal` are
        probabilities."""
        return self.config.spread and self.config.head != "ordinal"

    def begin(self, session: Session) -> None:  # noqa: B027 (numbers at hand need nothing)
        """Prepare what `describe` needs, before a fit."""

    def fit(self, train: TrainingSet, valid: FaceSource | None, session: Session) -> None:
        """Fit the regressions, and the thresholds between levels.

        Penalties of ridges are chosen by the mean ICC on the validation people; without them, by
        cross-validation over training people. Faces that the plan does not use are not looked at.

        Raises:
            DataError: an AU has no planned training frame.
        """
        self.aus, self.regressions, self.people, self.limits = train.faces.aus, {}, {}, None
        self.occurrence = train.faces.labels.occurrence
        self._described = {}
        for au, uses in zip(self.aus, train.counts.sum(0), strict=True):
            if uses == 0:
                raise DataError(f"the plan has no training frame for {au}", "leave it out of --aus")
        self.begin(session)
        fitting = Fitting(self, train, valid, session)
        self.regressions[STRANGER] = fitting.regression(STRANGER, away=False)
        if self.config.person != "none":
            self.regressions[ACQUAINTED] = fitting.regression(ACQUAINTED, away=True)
        if valid is not None and fitting.valid is not None and self.config.limits:
            numbers = torch.cat([self._numbers(rows) for rows in fitting.valid.blocks()])
            if self.config.person != "none":
                self._know(numbers[:, 1], fitting.valid_people, at_rest=False)
            self.limits = fit_limits(self._intensity(numbers, fitting.valid_people), valid.labels)
            self.people = {}

    def calibrate(self, faces: FaceSource, at_rest: bool = False) -> None:
        """Calibrate on each person."""
        if self.config.person == "none" or not len(faces):
            return
        self._described = {}
        numbers, people = [], list[str]()
        for batch in batches(faces):
            numbers.append(self._differences(batch))
            people += batch.subjects
        self._know(torch.cat(numbers), people, at_rest)

    def _differences(self, faces: FaceBatch) -> Tensor:
        """(B, H) numbers that tell how faces differ from what is usual."""
        if self._run is not None:
            return self._run({**self.given(faces), **self._acquaintance([""] * len(faces))})[
                NUMBERS
            ]
        found = self._numbers(self.describe(faces))
        # To describe a face takes far longer than all the rest: it shall not be done again.
        self._described.update(zip(_digests(faces), found.unbind(), strict=True))
        return found[:, -1]

    def _numbers(self, rows: Tensor) -> Tensor:
        """(B, R, H) numbers of the first map of each regression."""
        return torch.stack([one.first(rows) for one in self.regressions.values()], 1)

    def _numbers_of(self, faces: FaceBatch) -> Tensor:
        """The same of faces; those that came to `calibrate` are known."""
        keys = _digests(faces) if self._described else []
        if keys and all(key in self._described for key in keys):
            return torch.stack([self._described[key] for key in keys])
        return self._numbers(self.describe(faces))

    def _acquaintance(self, people: Sequence[str]) -> Tensors:
        """What a graph is given of the people of faces."""
        if ACQUAINTED not in self.regressions:
            return {}
        middle, zero, trust = known(people, self.people, self.regressions[ACQUAINTED].sizes)
        return {MIDDLE: middle, ZERO: zero, TRUST: trust}

    def _know(self, numbers: Tensor, people: Sequence[str], at_rest: bool) -> None:
        person = self.config.person
        assert person != "none"
        reference = "at rest" if at_rest else person
        self.people |= usual(numbers, people, self.regressions[ACQUAINTED], reference)

    def predict(self, faces: FaceBatch) -> Prediction:
        """Intensity and level of a batch.

        Raises:
            DataError: the estimator is not fitted.
        """
        if not self.regressions:
            raise DataError("the estimator has not been fitted or loaded")
        if self._run is not None:
            found = self._run({**self.given(faces), **self._acquaintance(faces.subjects)})
            return Prediction(found[EXPECTED], found[LEVEL])
        intensity = self._intensity(self._numbers_of(faces), faces.subjects)
        return Prediction(intensity, levels_above(intensity, self._limits()))

    def _limits(self) -> Tensor:
        nearest = torch.tensor(NEAREST).expand(len(self.aus), -1)
        return nearest if self.limits is None else self.limits

    def graph(self, faces: FaceBatch) -> Graph:
        """A graph from faces, and the calibration of their people, to intensities and levels.

        Raises:
            DataError: the estimator is not fitted.
        """
        if not self.regressions:
            raise DataError("the estimator has not been fitted or loaded")
        inputs = {**self.given(faces), **self._acquaintance(faces.subjects)}
        module = Reading(self.describing(), self.regressions, self.read, self._limits())
        outputs = (EXPECTED, LEVEL, *([NUMBERS] if ACQUAINTED in self.regressions else []))
        return Graph(module.eval(), inputs, outputs, ABOUT)

    def run_graph(self, run: Run) -> None:
        """Predict with the graph run elsewhere."""
        self._run = run

    def _intensity(self, numbers: Tensor, people: Sequence[str]) -> Tensor:
        read = self.read(self.regressions[STRANGER].answer(numbers[:, 0]))
        if ACQUAINTED not in self.regressions:
            return read
        acquainted = self.regressions[ACQUAINTED]
        middle, zero, trust = known(people, self.people, acquainted.sizes)
        own = self.read(acquainted.answer(numbers[:, 1] - middle) - zero)
        return torch.lerp(read, own, trust[:, None])

    def read(self, numbers: Tensor) -> Tensor:
        """(B, A) intensities in 0..5 from the answers of a regression; for an occurrence,
        probabilities.

        The ridges of levels without faces give 0.
        """
        if self.config.head != "ordinal":
            read = numbers
        else:
            read = numbers.view(numbers.shape[0], -1, MAX_LEVEL).clamp(0, 1).sum(-1)
        tops = [1.0 if au in self.occurrence else MAX_LEVEL for au in self.aus]
        return read.clamp(0).minimum(read.new_tensor(tops))

    def targets(self, values: Tensor) -> Tensor:
        """(N, A, T) targets of a regression, T numbers of each AU.

        `ordinal`: whether levels 1 to 5 are reached (Frank and Hall 2001); the sum of these
        probabilities is the expected level.
        """
        if self.config.head != "ordinal":
            return values[..., None]
        return (values[..., None] >= torch.tensor(NEAREST)).float()

    def state(self) -> Mapping[str, Tensor]:
        """Tensors that `describe` needs, to be saved."""
        return {}

    def restore(self, state: Mapping[str, Tensor], folder: Path) -> None:  # noqa: B027
        """Load the tensors from `state`."""

    def save(self, folder: Path) -> None:
        """Write the regressions, the thresholds, the tensors of `state`, and the card."""
        tensors = dict(self.state())
        for name, regression in self.regressions.items():
            tensors |= {f"{name}/{key}": value for key, value in regression.tensors().items()}
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
        self.limits, self.people = tensors.pop(LIMITS, None), {}
        self._described = {}
        self.regressions = self._regressions_of(tensors, folder)
        self.restore(tensors, folder)

    def _regressions_of(self, tensors: dict[str, Tensor], folder: Path) -> dict[str, Regression]:
        """Take the regressions out of saved tensors."""
        names = [STRANGER, *([ACQUAINTED] if self.config.person != "none" else [])]
        network = self.config.head == "network"
        try:
            return {name: Regression.of(_popped(tensors, f"{name}/"), network) for name in names}
        except KeyError as error:
            raise DataError(
                f"the model in {folder} is damaged: it has no {error} of a regression",
                "export or fit it again",
            ) from error

    def _options_of(self, card: Mapping[str, Any], folder: Path) -> RegressionConfig:
        try:
            return type(self.config)(**card["options"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"the card of {folder} is of another estimator: {error}",
                "load the model with the component named by its run",
            ) from error


def _popped(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Take out the tensors whose names begin with a prefix, and drop it from the names."""
    names = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors.pop(name) for name in names}


def _digests(faces: FaceBatch) -> list[bytes]:
    """What tells faces apart by all that `describe` may look at."""
    pairs = zip(faces.images.cpu().contiguous(), faces.landmarks.cpu().contiguous(), strict=True)
    return [
        hashlib.blake2b(image.numpy().tobytes() + points.numpy().tobytes(), digest_size=16).digest()
        for image, points in pairs
    ]
