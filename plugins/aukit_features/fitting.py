"""The fit of an estimator on features: what its regressions share, and how each is fitted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from aukit.contracts.estimator import TrainingSet
from aukit.contracts.faces import FaceSource
from aukit.contracts.labels import Labels
from aukit.contracts.session import Session
from aukit.progress import Bar
from aukit.statistics.agreement import agreement_terms, icc
from aukit_features.inputs import components, scales
from aukit_features.network import fit_network
from aukit_features.regression import Regression
from aukit_features.ridge import Linear, Problem, choose_on, choose_within
from aukit_features.rows import Rows, gathered
from aukit_features.sources import Mirrored, Some, batches

if TYPE_CHECKING:
    from aukit_features.estimator import RegressionEstimator

SAMPLE = 4096
"""Rows from which principal components are found. All of 7,600 gave no better estimates."""

_LEAST_SPREAD = 1e-3
"""Levels; a regression with a smaller spread knows nothing that could be stretched."""


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
        used = (train.counts > 0).any(1).nonzero()[:, 0].tolist()
        faces = Some(train.faces, used)
        sides: list[FaceSource] = [faces, *([Mirrored(faces)] if estimator.config.mirror else [])]
        total = sum(map(len, sides)) + (0 if valid is None else len(valid))
        with session.progress.start("describe", total) as bar:
            self.train, self.train_people = self._described(sides, bar)
            self.valid, self.valid_people = None, list[str]()
            if valid is not None:
                self.valid, self.valid_people = self._described([valid], bar)
        # In the mirror another face is usual for a person.
        self.train_faces = [
            f"{row // len(faces)}/{person}" for row, person in enumerate(self.train_people)
        ]
        self.labels = train.faces.labels.take(used * len(sides))
        self.weights = train.counts[used * len(sides)] * self.labels.mask
        self.valid_labels = None if valid is None else valid.labels

    def _described(self, sources: Sequence[FaceSource], bar: Bar) -> tuple[Rows, list[str]]:
        """The features of all faces of some sources, and their people."""
        people: list[str] = []

        def parts() -> Iterator[Tensor]:
            for batch in itertools.chain.from_iterable(map(batches, sources)):
                people.extend(batch.subjects)
                yield self.estimator.describe(batch)
                bar.advance(len(batch))

        return Rows(gathered(parts(), sum(map(len, sources)), self.session.folder)), people

    def regression(self, name: str, *, away: bool) -> Regression:
        """The map from the features of a face to the numbers of the head.

        Args:
            name: shown beside the progress.
            away: whether the mean over a person's faces is taken away.
        """
        rows, valid = self.train, self.valid
        if away:
            rows = rows.differences(self.train_faces)
            valid = None if valid is None else valid.differences(self.valid_people)
        middle = rows.mean()
        scale = scales(rows.spread(middle), self.estimator.blocks)
        axes = scale[:, None] * self._axes(rows, middle, scale)
        reduced = Linear(axes, -middle @ axes)
        targets = self.estimator.targets(self.labels.values)
        problem = Problem(_applied(reduced, rows), targets, self.weights)
        if self.estimator.config.head == "network":
            found = fit_network(problem, self.session.part(name)).after(reduced)
        else:
            found = Regression(self._chosen(problem, valid, reduced)).after(reduced)
        if valid is None or not self.estimator.stretches:
            return found
        return self._stretched(found, torch.cat([found(block) for block in valid.blocks()]))

    def _axes(self, rows: Rows, middle: Tensor, scale: Tensor) -> Tensor:
        most = self.estimator.most
        if most is None:
            return torch.eye(rows.width)
        seed = self.session.seed
        return components(rows.sample(SAMPLE, seed), middle, scale, most, seed)

    def _chosen(self, problem: Problem, valid: Rows | None, reduced: Linear) -> Linear:
        if valid is None or self.valid_labels is None:
            people = self.train_people
            return choose_within(problem, people, self._agreement(self.labels))[1]
        return choose_on(problem, _applied(reduced, valid), self._agreement(self.valid_labels))[1]

    def _stretched(self, regression: Regression, answers: Tensor) -> Regression:
        """The regression with answers that spread as widely as the intensities of the validation
        people, (N, A) `answers` being those to their faces.

        A penalty, and training faces that differ from real ones, draw answers together. What means
        0 for a person is found from the answers (`aukit_features.person`), so only the spread about
        their mean changes. This is linear linking (Kolen and Brennan 2014, chapter 2).
        """
        assert self.valid_labels is not None
        labels = self.valid_labels
        factors = torch.ones(answers.shape[1])
        for column, au in enumerate(labels.aus):
            known = labels.mask[:, column]
            if au not in self.estimator.occurrence and known.sum() > 1:
                truth, own = labels.values[known, column].std(), answers[known, column].std()
                if truth > 0 and own > _LEAST_SPREAD:
                    factors[column] = truth / own
        return regression.stretched(factors, answers.mean(0))

    def _agreement(self, labels: Labels) -> Callable[[Tensor], float]:
        def score(numbers: Tensor) -> float:
            estimates = self.estimator.read(numbers).double()
            terms = agreement_terms(labels.values.double(), estimates, labels.mask)
            return float(icc(terms.sum(0)).nan_to_num(0).mean())

        return score


def _applied(linear: Linear, rows: Rows) -> Tensor:
    """(N, T) of all rows."""
    return torch.cat([linear(block) for block in rows.blocks()])
