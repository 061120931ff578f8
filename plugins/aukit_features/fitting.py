"""The fit of an estimator on features: what its regressions share, and how each is fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from aukit.contracts.estimator import TrainingSet
from aukit.contracts.faces import FaceSource
from aukit.contracts.labels import Labels
from aukit.contracts.session import Session
from aukit.statistics.agreement import agreement_terms, icc
from aukit_features.inputs import components, scales
from aukit_features.mirrored import Mirrored
from aukit_features.network import fit_network
from aukit_features.regression import Regression
from aukit_features.ridge import Linear, Problem, choose_on, choose_within

if TYPE_CHECKING:
    from aukit_features.estimator import RegressionEstimator


class Fitting:
    """What the two regressions of a fit share: inputs, targets, and validation faces."""

    def __init__(
        self,
        estimator: RegressionEstimator,
        train: TrainingSet,
        valid: FaceSource | None,
        session: Session,
    ) -> None:
        self.estimator, self.session = estimator, session
        sides = [train.faces, *([Mirrored(train.faces)] if estimator.config.mirror else [])]
        with session.progress.start("describe"):
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

    def regression(
        self, name: str, away: Callable[[Tensor, Sequence[str]], Tensor] | None
    ) -> Regression:
        """The map from the features of a face to the numbers of the head.

        Args:
            name: shown beside the progress.
            away: takes the people away from rows.
        """
        rows, valid = self.train, self.valid
        if away is not None:
            rows, valid = away(rows, self.train_faces), away(valid, self.valid_people)
        scale, middle = scales(rows, self.estimator.blocks), rows.mean(0)
        axes = scale[:, None] * self._axes((rows - middle) * scale)
        reduced = Linear(axes, -middle @ axes)
        targets = self.estimator.targets(self.labels.values)
        problem = Problem(reduced(rows), targets, self.weights)
        if self.estimator.config.head == "network":
            return fit_network(problem, self.session.part(name)).after(reduced)
        return Regression(self._chosen(problem, valid, reduced)).after(reduced)

    def _axes(self, rows: Tensor) -> Tensor:
        most = self.estimator.most
        return (
            torch.eye(rows.shape[1]) if most is None else components(rows, most, self.session.seed)
        )

    def _chosen(self, problem: Problem, valid: Tensor, reduced: Linear) -> Linear:
        if self.valid_labels is None:
            people = self.train_people
            return choose_within(problem, people, self._agreement(self.labels))[1]
        return choose_on(problem, reduced(valid), self._agreement(self.valid_labels))[1]

    def _agreement(self, labels: Labels) -> Callable[[Tensor], float]:
        def score(numbers: Tensor) -> float:
            estimates = self.estimator.read(numbers).double()
            terms = agreement_terms(labels.values.double(), estimates, labels.mask)
            return float(icc(terms.sum(0)).nan_to_num(0).mean())

        return score
