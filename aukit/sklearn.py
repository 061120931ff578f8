"""A balancer and an estimator in the shape of scikit-learn: for its folds, searches and scores.

from aukit.sklearn import AUEstimator, rows_of

X = rows_of(api.register("photos", aligner="2d").faces)
scores = cross_val_score(AUEstimator("landmarks"), X, y, groups=people, cv=GroupKFold(5))
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from aukit import au
from aukit.errors import ConfigError, PluginError
from aukit.python.rows import Codes, CodeScale, RowFaces, people_of, rows_of

try:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.model_selection import GroupShuffleSplit
    from sklearn.utils.validation import (
        check_consistent_length,
        check_is_fitted,
        column_or_1d,
        validate_data,
    )
except ImportError as error:
    raise PluginError(
        "aukit.sklearn needs scikit-learn 1.6 or later, which is not installed",
        "pip install 'aukit-facs[sklearn]'",
    ) from error

if TYPE_CHECKING:
    from aukit.config.choice import Choice
    from aukit.contracts.estimator import Estimator, TrainingSet

__all__ = ["AUEstimator", "rows_of"]

BATCH = 64
NUMBERS = (np.float64, np.float32, np.uint8)
"""Types of X that stay as they are; others become float64."""


class AUEstimator(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # without types
    """Fits an estimator on the training set that a balancer plans.

    Args:
        estimator: name of the estimator.
        balancer: name of the balancer; it may not ask for synthetic faces.
        aus: AU columns of y, e.g. `("AU06", "AU12")`. None: the columns of a data frame that are
            named so, else `AU01`, `AU02`, ... in their order.
        codes: what y holds. `intensity`: 0..5. `occurrence`: 0 or 1, and predictions are
            probabilities. `range`: any numbers; the smallest and the largest of each column in
            `fit` stand for 0 and 5, and predictions are in the units of y.
        preset: where the options start from: `quick`, `full` or `paper`.
        options: options of both, e.g. `{"estimator.epochs": 4, "balancer.per_level": 100}`.
        validation: share of the people kept out of the training set, 0 up to 1. They choose the
            epoch and the limits between levels. 0: the last epoch counts.
        device: torch device name, or `auto`.
        random_state: seed of everything random.

    Attributes:
        estimator_: the fitted `aukit.contracts.estimator.Estimator`.
        codes_: the AU columns of y, and what its numbers stand for.
        n_features_in_: numbers in a row of X; of pictures, their side.
    """

    def __init__(
        self,
        estimator: str = "vgg16",
        balancer: str = "none",
        *,
        aus: Sequence[str] | None = None,
        codes: CodeScale = "intensity",
        preset: str = "full",
        options: Mapping[str, Any] | None = None,
        validation: float = 0.0,
        device: str = "cpu",
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.balancer = balancer
        self.aus = aus
        self.codes = codes
        self.preset = preset
        self.options = options
        self.validation = validation
        self.device = device
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True  # of a network in the seconds of a check
        return tags

    def fit(self, X: Any, y: Any, groups: Any = None) -> AUEstimator:
        """Plan the training set and fit the estimator on it.

        Args:
            X: registered faces. (N, S, S, 3) pictures, uint8 or floats in 0..1; or (N, D) rows of
                numbers: `rows_of` (3 S S + 136), pictures line by line (3 S S), landmarks (136).
                Rows of another length are shown to the estimator as a grey square, filled up
                with zeros.
            y: (N,) or (N, A) codes; NaN where an AU is not coded.
            groups: (N,) the person of each face; None: each face is of somebody else.

        Raises:
            ValueError: X, y or groups are not that, or an AU has no code at all.
            ConfigError: unknown name or option, or a balancer that asks for synthetic faces.
        """
        named = _au_columns(y)
        X, y = validate_data(
            self,
            X,
            y,
            validate_separately=(
                {"dtype": NUMBERS, "allow_nd": True},
                {"ensure_2d": False, "ensure_all_finite": "allow-nan", "dtype": np.float64},
            ),
        )
        groups = _checked_groups(X, groups)
        check_consistent_length(X, y)
        self.one_column_ = y.ndim == 1
        y = y.reshape(len(y), -1)
        self.codes_ = Codes.of(y, self._names(named, y.shape[1]), self.codes)
        faces = RowFaces(X, self.codes_.labels(y), people_of(groups, len(X)))
        self.estimator_ = self._fitted(*self._divided(faces))
        return self

    def predict(self, X: Any, groups: Any = None) -> NDArray[np.float64]:
        """The expected intensities of faces.

        Args:
            X: as in `fit`.
            groups: (N,) the person of each face. Estimators that read a face better if they know
                more of the person then look at all faces of each; None: every face alone.

        Returns:
            (N,) or (N, A), as y was.

        Raises:
            NotFittedError: before `fit`.
            ValueError: X is not as it was in `fit`.
        """
        from aukit.contracts.estimator import Calibrates
        from aukit.faces.normalized import UnlabelledFaces

        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=NUMBERS, allow_nd=True)
        groups = _checked_groups(X, groups)
        faces = RowFaces(X, self.codes_.unlabelled(len(X)), people_of(groups, len(X)))
        if groups is not None and isinstance(self.estimator_, Calibrates):
            self.estimator_.calibrate(UnlabelledFaces(faces))
        parts = [range(len(X))[start : start + BATCH] for start in range(0, len(X), BATCH)]
        found = [self.estimator_.predict(faces.batch(part)).intensity for part in parts]
        values = self.codes_.numbers(torch.cat(found))
        return values[:, 0] if self.one_column_ else values

    def _names(self, named: tuple[str, ...], count: int) -> tuple[str, ...]:
        """The AU columns of y."""
        given = named if self.aus is None else tuple(self.aus)
        names = given or tuple(map(au.column, range(1, count + 1)))
        if len(set(names)) != count or not all(map(au.is_column, names)):
            raise ValueError(f"aus must name the {count} columns of y as in AU12, not {names}")
        return names

    def _divided(self, faces: RowFaces) -> tuple[RowFaces, RowFaces | None]:
        """Training faces, and those of the people kept out."""
        if not self.validation:
            return faces, None
        split = GroupShuffleSplit(1, test_size=self.validation, random_state=self.random_state)
        ((train, valid),) = split.split(np.arange(len(faces)), groups=faces.people)
        return faces.take(train), faces.take(valid)

    def _fitted(self, train: RowFaces, valid: RowFaces | None) -> Estimator:
        from aukit.config.choice import make, named
        from aukit.contracts.context import Context
        from aukit.contracts.session import Session
        from aukit.machine.devices import resolve_device
        from aukit.registry.loading import resolve_weights

        device = resolve_device(self.device)
        context = Context(device, self.random_state, resolve_weights)
        choice = self._choice("estimator", self.estimator)
        estimator: Estimator = make(choice, context)
        planned = self._planned(train, context)
        with tempfile.TemporaryDirectory(prefix="aukit-fit-") as scratch, named(choice, "fit"):
            estimator.fit(planned, valid, Session(Path(scratch), device, self.random_state))
        return estimator

    def _planned(self, faces: RowFaces, context: Any) -> TrainingSet:
        from aukit.config.choice import make
        from aukit.contracts.estimator import TrainingSet
        from aukit.pipeline.stages.fit_estimator import uses_of
        from aukit.pipeline.stages.plan import planned

        choice = self._choice("balancer", self.balancer)
        if "synth" in choice.component.beside:
            raise ConfigError(
                f"balancer '{self.balancer}' asks for synthetic faces",
                "here there are none: take another balancer, or a whole run (api.run)",
            )
        table, balancer = faces.table, make(choice, context)
        plan = planned(choice, balancer, table, table, faces.aus, self.random_state)
        return TrainingSet(faces, uses_of(plan, table, faces.aus))

    def _choice(self, kind: str, name: str) -> Choice:
        from aukit.python.components import choose

        options = {} if self.options is None else dict(self.options)
        for key in options:
            if key.split(".")[0] not in ("estimator", "balancer"):
                raise ConfigError(f"unknown option '{key}'", "estimator.NAME or balancer.NAME")
        prefix = f"{kind}."
        own = {k.removeprefix(prefix): v for k, v in options.items() if k.startswith(prefix)}
        return choose(kind, name, self.preset, **own)


def _au_columns(y: Any) -> tuple[str, ...]:
    """The columns of a data frame, where all are AUs."""
    names = tuple(map(str, getattr(y, "columns", ())))
    return names if all(map(au.is_column, names)) else ()


def _checked_groups(X: NDArray[Any], groups: Any) -> NDArray[Any] | None:
    """The people of X, if any were given.

    Raises:
        ValueError: X holds no faces, or groups are not one for each.
    """
    if X.ndim not in (2, 4) or (X.ndim == 4 and X.shape[1:] != (X.shape[1], X.shape[1], 3)):
        raise ValueError(f"X is neither (N, S, S, 3) pictures nor (N, D) rows, but {X.shape}")
    if groups is None:
        return None
    people: NDArray[Any] = column_or_1d(groups)
    check_consistent_length(X, people)
    return people
