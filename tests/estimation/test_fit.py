"""The fit: learning rates, lead-in, exact resume, saved limits, models of other estimators."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from aukit.contracts.context import Context
from aukit.contracts.estimator import TrainingSet
from aukit.contracts.session import Session
from aukit.errors import DataError, StageError
from aukit.estimation.estimator import NetworkEstimator
from aukit.estimation.fit import learning_rate, weighted_mean
from aukit.estimation.heads import Head, head_of
from aukit.estimation.network import Network
from aukit.estimation.options import FitOptions
from aukit.store.models import load_tensors
from aukit.testing.drawn import DrawnFaces
from aukit.testing.fits import require_exact_resume

OPTIONS = FitOptions(
    networks="shared", size=16, learning_rate=3e-3, batch=4, epochs=2, ticks=3, lead_in=0.3
)


class Tiny(Network):
    """One convolution and one layer."""

    def __init__(self, aus: int, head: Head) -> None:
        super().__init__(head)
        self.body = nn.Sequential(nn.Conv2d(3, 4, 5, 3), nn.ReLU(), nn.Flatten())
        self.end = nn.Linear(64, aus * head.outputs)

    def last(self, images: Tensor) -> Tensor:
        numbers: Tensor = self.end(self.body(images))
        return numbers

    def seen(self, images: Tensor) -> Tensor:
        shown: Tensor = self.body((images - self.mean) / self.std)
        return shown

    def load_published(self, path: Path) -> None:
        raise AssertionError("nobody has published weights of this network")


class TinyEstimator(NetworkEstimator):
    """Made of tiny networks."""

    def build(self, occurrence: Sequence[bool]) -> Tiny:
        return Tiny(len(occurrence), head_of(self.config.head, occurrence))


def drawn(count: int = 20, partition: str = "train") -> DrawnFaces:
    return DrawnFaces(count, size=24, uncoded=0.1, partition=partition)


def fitted(options: FitOptions, folder: Path, valid: bool = True) -> TinyEstimator:
    folder.mkdir(exist_ok=True)
    return learned(options, Session(folder, seed=5), valid)


def learned(options: FitOptions, session: Session, valid: bool = True) -> TinyEstimator:
    estimator = TinyEstimator(options, Context())
    faces = drawn()
    train = TrainingSet(faces, faces.labels.mask.float())
    other = DrawnFaces(16, size=24, partition="valid", aus=faces.aus, seed=1)
    estimator.fit(train, other if valid else None, session)
    return estimator


def weights_of(estimator: NetworkEstimator) -> list[Tensor]:
    return [value for network in estimator.networks for value in network.state_dict().values()]


def test_the_learning_rate_rises_and_falls() -> None:
    options = FitOptions(learning_rate=1.0, warmup=4, decay="cosine")
    rates = [learning_rate(options, 100, number) for number in range(100)]
    assert rates[0] == pytest.approx(0.2)
    assert rates.index(max(rates)) == 4
    assert rates[50] == pytest.approx(0.5)
    assert rates[99] < 0.001
    assert learning_rate(FitOptions(learning_rate=0.3), 100, 0) == 0.3


def test_a_weighted_mean_is_that_of_torch() -> None:
    losses, weight = torch.rand(4, 2), torch.rand(4, 2)
    expected = torch.sum(losses * weight / weight.sum())
    whole = float(weight.sum())
    torch.testing.assert_close(weighted_mean(losses, weight, whole), expected)
    shares = [weighted_mean(losses[rows], weight[rows], whole / 2) for rows in ([0, 2], [1, 3])]
    torch.testing.assert_close(sum(shares) / 2, expected)
    assert weighted_mean(losses, torch.zeros(4, 2), 0.0) == 0


@pytest.mark.parametrize("head", ["softmax", "ordinal", "regression"])
@pytest.mark.parametrize("networks", ["shared", "per-au"])
def test_a_killed_fit_ends_bit_for_bit_as_an_uninterrupted_one(
    tmp_path: Path, head: Any, networks: Any
) -> None:
    options = replace(OPTIONS, head=head, networks=networks, class_weights="balanced", warmup=2)

    def fit(session: Session) -> dict[str, Tensor]:
        estimator = learned(options, session)
        assert estimator.limits is not None
        weights = {f"weight {n}": value for n, value in enumerate(weights_of(estimator))}
        return {**weights, "limits": estimator.limits}

    require_exact_resume(fit, tmp_path, kills=(6,))


def test_limits_are_saved_with_the_model_and_only_fitted_where_asked(tmp_path: Path) -> None:
    estimator = fitted(replace(OPTIONS, head="regression"), tmp_path / "fit")
    (tmp_path / "model").mkdir()
    estimator.save(tmp_path / "model")
    assert torch.equal(load_tensors(tmp_path / "model")["limits"], estimator.limits)
    loaded = TinyEstimator(FitOptions(), Context())
    loaded.load(tmp_path / "model")
    batch = drawn().batch(range(20))
    assert torch.equal(loaded.predict(batch).level, estimator.predict(batch).level)

    for options, valid in ((replace(OPTIONS, calibrate=False), True), (OPTIONS, False)):
        plain = fitted(replace(options, head="regression"), tmp_path / f"plain{valid}", valid)
        assert plain.limits is None
        prediction = plain.predict(batch)
        assert torch.equal(prediction.level, prediction.intensity.round().long())


def test_calibration_changes_nothing_but_the_levels(tmp_path: Path) -> None:
    batch = drawn().batch(range(20))
    with_limits, without = (
        fitted(replace(OPTIONS, calibrate=calibrate), tmp_path / str(calibrate)).predict(batch)
        for calibrate in (True, False)
    )
    assert torch.equal(with_limits.intensity, without.intensity)
    assert not torch.equal(with_limits.level, without.level)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"options": {"head": "softmax", "stride": 3}}, "another estimator: .*stride"),
        ({"options": {"size": 0}}, "another estimator: size"),
        ({"options": None}, "another estimator"),
        ({"options": {"networks": "per-au", "size": 16}}, "does not hold the network"),
    ],
)
def test_a_model_of_another_estimator_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    estimator = fitted(OPTIONS, tmp_path / "fit")
    (tmp_path / "model").mkdir()
    estimator.save(tmp_path / "model")
    card = tmp_path / "model" / "card.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), **change}))
    with pytest.raises(DataError, match=message):
        TinyEstimator(FitOptions(), Context()).load(tmp_path / "model")


def test_an_estimator_that_was_not_fitted_says_so() -> None:
    estimator = TinyEstimator(FitOptions(), Context())
    for ask in (estimator.predict, estimator.features):
        with pytest.raises(DataError, match="not been fitted"):
            ask(drawn().batch([0]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 0}, "size must be at least 1"),
        ({"lead_in": 1.0}, "lead_in"),
        ({"warmup": -1}, "warmup must be 0 or more"),
        ({"learning_rate": 0.0}, "learning_rate"),
    ],
)
def test_impossible_options_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(FitOptions(), **change)


class Ruined(Tiny):
    """What it remembers of learning is no number, though no loss and no weight says so."""

    memory: Tensor

    def __init__(self, aus: int, head: Head) -> None:
        super().__init__(aus, head)
        self.register_buffer("memory", torch.zeros(()))

    def last(self, images: Tensor) -> Tensor:
        if self.training:
            self.memory.fill_(torch.nan)
            return super().last(images)
        return super().last(images) + self.memory


class RuinedEstimator(TinyEstimator):
    """Made of networks that are ruined by learning."""

    def build(self, occurrence: Sequence[bool]) -> Tiny:
        return Ruined(len(occurrence), head_of(self.config.head, occurrence))


@pytest.mark.parametrize("valid", [True, False])
def test_a_network_that_its_only_step_ruined_is_not_reported_as_fitted(
    tmp_path: Path, valid: bool
) -> None:
    faces = drawn(4)
    estimator = RuinedEstimator(replace(OPTIONS, epochs=1), Context())
    other = DrawnFaces(16, size=24, partition="valid", aus=faces.aus, seed=1) if valid else None
    with pytest.raises(StageError, match="not finite at step 0: the training diverged"):
        estimator.fit(
            TrainingSet(faces, faces.labels.mask.float()), other, Session(tmp_path, seed=5)
        )
