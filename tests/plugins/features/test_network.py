"""The head `network`: it learns what no ridge can, is saved as it is used, and resumes exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.estimator import TrainingSet
from aukit.contracts.session import Session
from aukit.errors import DataError
from aukit.testing.drawn import DrawnFaces
from aukit_features import network as networks
from aukit_features.landmarks import LandmarksEstimator
from aukit_features.network import fit_network
from aukit_features.person import usual
from aukit_features.plugin import RegressionConfig
from aukit_features.regression import Regression
from aukit_features.ridge import Linear, Problem, solve


def both_or_neither(rows: int = 2000) -> Problem:
    """A target that is high where two inputs have the same sign; the second is unknown."""
    inputs = torch.randn(rows, 6, generator=torch.Generator().manual_seed(0))
    target = (inputs[:, 0] * inputs[:, 1] > 0).float() * 4
    targets = torch.stack([target, torch.full_like(target, torch.nan)], 1)[..., None]
    return Problem(inputs, targets, torch.tensor([1.0, 0.0]).expand(rows, 2))


def error(found: Tensor, problem: Problem) -> float:
    return float((found[:, 0] - problem.targets[:, 0, 0]).square().mean())


def test_it_learns_how_inputs_depend_on_each_other(tmp_path: Path) -> None:
    problem = both_or_neither()
    network = fit_network(problem, Session(tmp_path))
    straight = next(solve(Problem(problem.rows, problem.targets[:, :1], problem.weights[:, :1])))
    assert error(straight(problem.rows), problem) > 3.8
    assert error(network(problem.rows), problem) < 2.5
    assert float(network(problem.rows)[:, 1].abs().mean()) < 5


def test_the_factor_of_its_inputs_does_not_matter(tmp_path: Path) -> None:
    problem = both_or_neither(400)
    small = Problem(problem.rows * 1e-3, problem.targets, problem.weights)
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    one = fit_network(problem, Session(first, seed=3))
    other = fit_network(small, Session(second, seed=3))
    torch.testing.assert_close(other(small.rows), one(problem.rows), atol=1e-2, rtol=1e-2)


def test_a_reduced_network_is_saved_as_it_is_used(tmp_path: Path) -> None:
    network = fit_network(both_or_neither(400), Session(tmp_path))
    axes = Linear(torch.randn(20, 6) / 5, torch.randn(6))
    used = network.after(axes)
    rows = torch.randn(9, 20)
    torch.testing.assert_close(used(rows), network(axes(rows)), atol=0.05, rtol=0.01)
    assert torch.equal(Regression.of(used.tensors(), network=True)(rows), used(rows))


def test_an_interrupted_fit_ends_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = both_or_neither(400)
    folders = [tmp_path / name for name in ("whole", "resumed")]
    for folder in folders:
        folder.mkdir()
    whole, resumed = (Session(folder, seed=5, checkpoint_every=0) for folder in folders)
    expected = fit_network(problem, whole)
    step = networks._NetworkFit.step

    def interrupted(self: Any, number: int) -> dict[str, Tensor]:
        if number == 500:
            raise KeyboardInterrupt
        return step(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(networks._NetworkFit, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fit_network(problem, resumed)
    patched = []
    monkeypatch.setattr(
        networks._NetworkFit, "step", lambda self, n: (patched.append(n), step(self, n))[1]
    )
    assert torch.equal(fit_network(problem, resumed)(problem.rows), expected(problem.rows))
    assert patched[0] == 500


@pytest.mark.parametrize("reference", ["mean", "rest", "at rest"])
def test_a_person_is_taken_away_before_the_nonlinearity(reference: Any) -> None:
    random = torch.Generator().manual_seed(1)
    first = Linear(torch.randn(5, 8, generator=random), torch.randn(8, generator=random))
    network = Regression(first, Linear(torch.randn(8, 3, generator=random), torch.ones(3)))
    rows = torch.randn(6, 5, generator=random)
    person = usual(first(rows), ["me"] * 6, network, reference)["me"]
    moved = usual(first(rows + 2), ["me"] * 6, network, reference)["me"]
    answers = network.answer(first(rows) - person.middle) - person.zero
    torch.testing.assert_close(answers, network.answer(first(rows + 2) - moved.middle) - moved.zero)
    direct = network(rows - rows.mean(0))
    zero = {
        "mean": torch.zeros(3),
        "rest": direct.quantile(0.25, 0),
        "at rest": network(torch.zeros(1, 5))[0],
    }
    torch.testing.assert_close(answers, direct - zero[reference], atol=1e-4, rtol=1e-4)
    assert person.trust == (1.0 if reference == "at rest" else 5 / 7)


def test_an_estimator_with_it_predicts_the_same_after_loading(tmp_path: Path) -> None:
    config = RegressionConfig(head="network")
    estimator, faces = LandmarksEstimator(config, Context()), DrawnFaces(60)
    train = TrainingSet(faces, faces.labels.mask.float())
    estimator.fit(train, DrawnFaces(30, partition="valid", seed=1), Session(tmp_path))
    estimator.save(tmp_path)
    loaded = LandmarksEstimator(RegressionConfig(), Context())
    loaded.load(tmp_path)
    test = DrawnFaces(20, partition="test", seed=2)
    for one in (estimator, loaded):
        one.calibrate(test)
    batch = test.batch(range(20))
    assert torch.equal(estimator.predict(batch).intensity, loaded.predict(batch).intensity)


@pytest.mark.parametrize("lost", ["stranger/bias", "acquainted/out_weight"])
def test_a_model_without_one_of_its_tensors_is_refused(tmp_path: Path, lost: str) -> None:
    estimator, faces = (
        LandmarksEstimator(RegressionConfig(head="network"), Context()),
        DrawnFaces(9),
    )
    estimator.fit(TrainingSet(faces, faces.labels.mask.float()), None, Session(tmp_path))
    estimator.save(tmp_path)
    (file,) = tmp_path.glob("model.safetensors")
    tensors = load_file(file)
    del tensors[lost]
    save_file(tensors, file)
    with pytest.raises(DataError, match=f"damaged: it has no '{lost.split('/')[1]}'"):
        LandmarksEstimator(RegressionConfig(), Context()).load(tmp_path)
