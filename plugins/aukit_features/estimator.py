"""Closed-form estimators: features of a face, linear maps, and normalization per person."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aukit.au import MAX_LEVEL
from aukit.contracts.context import Context
from aukit.contracts.estimator import Prediction, TrainingSet
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.graph import Graph, Run, Tensors
from aukit.contracts.labels import Labels
from aukit.contracts.session import Session
from aukit.data.kinds import INTENSITY, OCCURRENCE, occurrences
from aukit.errors import DataError
from aukit.estimation.calibration import NEAREST, fit_limits, levels_above
from aukit.statistics.agreement import agreement_terms, icc
from aukit.store.models import load_card, load_tensors, save_model
from aukit_features.graph import (
    ABOUT,
    ACQUAINTED,
    EXPECTED,
    LEVEL,
    NUMBERS,
    STRANGER,
    TRUST,
    ZERO,
    Describe,
    Reading,
)
from aukit_features.inputs import components, scales
from aukit_features.mirrored import Mirrored
from aukit_features.person import Usual, differences, known, usual
from aukit_features.plugin import RidgeConfig
from aukit_features.ridge import Linear, Problem, choose_on, choose_within

BATCH = 64
LIMITS = "limits"


class RidgeEstimator(ABC):
    """AU intensity by ridge regression on features of a face.

    One ridge is for people of whom no other face is known. Another, if `person` is chosen, uses the
    difference of a face from the person's usual features; the more is known of the person, the more
    it counts.

    Args:
        config: options.
        context: device and weights.
    """

    def __init__(self, config: RidgeConfig, context: Context) -> None:
        self.config = config
        self.context = context
        self.aus: tuple[str, ...] = ()
        self.occurrence: frozenset[str] = frozenset()
        self.ridges: dict[str, Linear] = {}
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

    def begin(self, session: Session) -> None:  # noqa: B027 (numbers at hand need nothing)
        """Prepare what `describe` needs, before a fit."""

    def fit(self, train: TrainingSet, valid: FaceSource | None, session: Session) -> None:
        """Fit the ridges, their penalties, and the thresholds between levels.

        Penalties are chosen by the mean ICC on the validation people; without them, by
        cross-validation over training people.

        Raises:
            DataError: an AU has no planned training frame.
        """
        self.aus, self.ridges, self.people, self.limits = train.faces.aus, {}, {}, None
        self.occurrence = train.faces.labels.occurrence
        self._described = {}
        for au, uses in zip(self.aus, train.counts.sum(0), strict=True):
            if uses == 0:
                raise DataError(f"the plan has no training frame for {au}", "leave it out of --aus")
        self.begin(session)
        fitting = _Fitting(self, train, valid, session)
        self.ridges[STRANGER] = fitting.ridge(None)
        if self.config.person != "none":
            self.ridges[ACQUAINTED] = fitting.ridge(differences)
        if valid is not None and self.config.limits:
            numbers = self._numbers(fitting.valid)
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
        for batch in _batches(faces):
            numbers.append(self._differences(batch))
            people += batch.subjects
        self._know(torch.cat(numbers), people, at_rest)

    def _differences(self, faces: FaceBatch) -> Tensor:
        """(B, T) numbers that tell how faces differ from what is usual."""
        if self._run is not None:
            return self._run({**self.given(faces), **self._acquaintance([""] * len(faces))})[
                NUMBERS
            ]
        found = self._numbers(self.describe(faces))
        # To describe a face takes far longer than all the rest: it shall not be done again.
        self._described.update(zip(_digests(faces), found.unbind(), strict=True))
        return found[:, -1]

    def _numbers(self, rows: Tensor) -> Tensor:
        """(B, R, T) what each ridge makes of rows."""
        return torch.stack([ridge(rows) for ridge in self.ridges.values()], 1)

    def _numbers_of(self, faces: FaceBatch) -> Tensor:
        """The same of faces; those that came to `calibrate` are known."""
        keys = _digests(faces) if self._described else []
        if keys and all(key in self._described for key in keys):
            return torch.stack([self._described[key] for key in keys])
        return self._numbers(self.describe(faces))

    def _acquaintance(self, people: Sequence[str]) -> Tensors:
        """What a graph is given of the people of faces."""
        if ACQUAINTED not in self.ridges:
            return {}
        zero, trust = known(people, self.people, len(self.ridges[ACQUAINTED].bias))
        return {ZERO: zero, TRUST: trust}

    def _know(self, numbers: Tensor, people: Sequence[str], at_rest: bool) -> None:
        ridge = self.ridges[ACQUAINTED]
        found = usual(numbers, people, "mean" if at_rest else self.config.person)
        if at_rest:
            found = {who: replace(one, trust=1.0) for who, one in found.items()}
        elif self.config.person == "mean":
            # The offset of the ridge is what it expects of the mean face.
            found = {who: replace(one, zero=one.zero - ridge.bias) for who, one in found.items()}
        self.people.update(found)

    def rows(self, faces: FaceSource) -> tuple[Tensor, list[str]]:
        """(N, D) features of all faces of a source, and the N people."""
        numbers, people = [], list[str]()
        for batch in _batches(faces):
            numbers.append(self.describe(batch))
            people += batch.subjects
        return torch.cat(numbers), people

    def predict(self, faces: FaceBatch) -> Prediction:
        """Intensity and level of a batch.

        Raises:
            DataError: the estimator is not fitted.
        """
        if not self.ridges:
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
        if not self.ridges:
            raise DataError("the estimator has not been fitted or loaded")
        inputs = {**self.given(faces), **self._acquaintance(faces.subjects)}
        module = Reading(self.describing(), self.ridges, self.read, self._limits())
        outputs = (EXPECTED, LEVEL, *([NUMBERS] if ACQUAINTED in self.ridges else []))
        return Graph(module.eval(), inputs, outputs, ABOUT)

    def run_graph(self, run: Run) -> None:
        """Predict with the graph run elsewhere."""
        self._run = run

    def _intensity(self, numbers: Tensor, people: Sequence[str]) -> Tensor:
        read = self.read(numbers[:, 0])
        if ACQUAINTED not in self.ridges:
            return read
        zero, trust = known(people, self.people, numbers.shape[-1])
        return torch.lerp(read, self.read(numbers[:, 1] - zero), trust[:, None])

    def read(self, numbers: Tensor) -> Tensor:
        """(B, A) intensities in 0..5 from the outputs of a ridge; for an occurrence, probabilities.

        The ridges of levels without faces give 0.
        """
        if self.config.head == "ridge":
            read = numbers
        else:
            read = numbers.view(numbers.shape[0], -1, MAX_LEVEL).clamp(0, 1).sum(-1)
        tops = [1.0 if au in self.occurrence else MAX_LEVEL for au in self.aus]
        return read.clamp(0).minimum(read.new_tensor(tops))

    def targets(self, values: Tensor) -> Tensor:
        """(N, A, T) targets of a ridge.

        `ordinal`: whether levels 1 to 5 are reached (Frank and Hall 2001); the sum of these
        probabilities is the expected level.
        """
        if self.config.head == "ridge":
            return values[..., None]
        return (values[..., None] >= torch.tensor(NEAREST)).float()

    def state(self) -> Mapping[str, Tensor]:
        """Tensors that `describe` needs, to be saved."""
        return {}

    def restore(self, state: Mapping[str, Tensor], folder: Path) -> None:  # noqa: B027
        """Load the tensors from `state`."""

    def save(self, folder: Path) -> None:
        """Write the ridges, the thresholds, the tensors of `state`, and the card."""
        tensors = dict(self.state())
        for name, ridge in self.ridges.items():
            tensors |= {f"{name}/weight": ridge.weight, f"{name}/bias": ridge.bias}
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
        names = [n for n in (STRANGER, ACQUAINTED) if f"{n}/weight" in tensors]
        self.ridges = {
            n: Linear(tensors.pop(f"{n}/weight"), tensors.pop(f"{n}/bias")) for n in names
        }
        self.restore(tensors, folder)

    def _options_of(self, card: Mapping[str, Any], folder: Path) -> RidgeConfig:
        try:
            return type(self.config)(**card["options"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"the card of {folder} is of another estimator: {error}",
                "load the model with the component named by its run",
            ) from error


def _digests(faces: FaceBatch) -> list[bytes]:
    """What tells faces apart by all that `describe` may look at."""
    pairs = zip(faces.images.cpu().contiguous(), faces.landmarks.cpu().contiguous(), strict=True)
    return [
        hashlib.blake2b(image.numpy().tobytes() + points.numpy().tobytes(), digest_size=16).digest()
        for image, points in pairs
    ]


def _batches(faces: FaceSource) -> Iterator[FaceBatch]:
    for start in range(0, len(faces), BATCH):
        yield faces.batch(range(start, min(start + BATCH, len(faces))))


class _Fitting:
    """What the two ridges of a fit share: inputs, targets, and faces to choose penalties on."""

    def __init__(
        self,
        estimator: RidgeEstimator,
        train: TrainingSet,
        valid: FaceSource | None,
        where: Session,
    ) -> None:
        self.estimator, self.seed = estimator, where.seed
        sides = [train.faces, *([Mirrored(train.faces)] if estimator.config.mirror else [])]
        with where.progress.start("describe"):
            seen = [estimator.rows(side) for side in sides]
            nobody = torch.empty(0), list[str]()
            self.valid, self.valid_people = nobody if valid is None else estimator.rows(valid)
        self.train = torch.cat([rows for rows, _ in seen])
        self.train_people = [person for _, people in seen for person in people]
        # In the mirror another face is usual for a person.
        self.train_faces = [
            f"{side}/{who}" for side, (_, people) in enumerate(seen) for who in people
        ]
        every = [*range(len(train.faces))] * len(sides)
        self.labels = train.faces.labels.take(every)
        self.weights = train.counts[every] * self.labels.mask
        self.valid_labels = None if valid is None else valid.labels

    def ridge(self, away: Callable[[Tensor, Sequence[str]], Tensor] | None) -> Linear:
        """The map from the numbers of a face to those of the head.

        Args:
            away: takes the people away from rows.
        """
        rows, valid = self.train, self.valid
        if away is not None:
            rows, valid = away(rows, self.train_faces), away(valid, self.valid_people)
        scale, middle = scales(rows, self.estimator.blocks), rows.mean(0)
        axes = scale[:, None] * self._axes((rows - middle) * scale)
        first = Linear(axes, -middle @ axes)
        targets = self.estimator.targets(self.labels.values)
        problem = Problem(first(rows), targets, self.weights)
        return self._chosen(problem, valid, first).after(first)

    def _axes(self, rows: Tensor) -> Tensor:
        most = self.estimator.most
        return torch.eye(rows.shape[1]) if most is None else components(rows, most, self.seed)

    def _chosen(self, problem: Problem, valid: Tensor, first: Linear) -> Linear:
        if self.valid_labels is None:
            people = self.train_people
            return choose_within(problem, people, self._agreement(self.labels))[1]
        return choose_on(problem, first(valid), self._agreement(self.valid_labels))[1]

    def _agreement(self, labels: Labels) -> Callable[[Tensor], float]:
        def score(numbers: Tensor) -> float:
            estimates = self.estimator.read(numbers).double()
            terms = agreement_terms(labels.values.double(), estimates, labels.mask)
            return float(icc(terms.sum(0)).nan_to_num(0).mean())

        return score
