"""Balancer and estimator as scikit-learn sees them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn
import torch
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict
from sklearn.utils.estimator_checks import check_estimator

import aukit.sklearn
from aukit import api
from aukit.contracts.estimator import TrainingSet
from aukit.contracts.faces import FaceBatch
from aukit.contracts.session import Session
from aukit.data.records import labels_of
from aukit.errors import ConfigError, PluginError
from aukit.python.rows import RowFaces, pictures_of, points_of
from aukit.sklearn import AUEstimator, rows_of
from aukit.testing.drawn import DrawnFaces
from aukit_features.estimator import RegressionEstimator

AUS = ("AU06", "AU12", "AU25")
TINY = {
    "estimator.size": 32, "estimator.width": 0.0625, "estimator.epochs": 1, "estimator.ticks": 1,
    "estimator.augment": False,
}  # fmt: skip
"""A network that is fitted in an instant, and good at nothing."""


Numbers = NDArray[np.float64]


@pytest.fixture(scope="module")
def avatars() -> FaceBatch:
    """80 registered faces of five avatars."""
    dataset = api.build("data", "avatars", preset="quick", train=5, valid=0, frames=2, size=64)
    aligner = api.build("aligner", "2d", size=32)
    ((rows, images, _, faces),) = [
        (frames.rows, [*frames.images], frames.reasons, frames.faces)
        for frames in dataset.read(dataset.index().slice(0, 80))
    ]
    aligned = aligner.align([image for image in images if image is not None], list(faces or ()))
    return FaceBatch(
        tuple(rows.column("id").to_pylist()),
        tuple(rows.column("subject").to_pylist()),
        aligned.images,
        labels_of(rows, AUS),
        aligned.landmarks,
    )


@pytest.fixture
def drawn() -> FaceBatch:
    """24 faces with codes of four AUs."""
    return DrawnFaces(24).batch(range(24))


def codes(faces: FaceBatch) -> Numbers:
    return np.where(faces.labels.mask, faces.labels.values, np.nan).astype(float)


def tiny(**settings: object) -> AUEstimator:
    return AUEstimator(preset="quick", options=TINY, **settings)


def landmarks(balancer: str = "none", **settings: object) -> AUEstimator:
    return AUEstimator("landmarks", balancer, **settings)


def test_scikit_learns_own_checks_pass() -> None:
    """All that apply: none is expected to fail."""
    results = check_estimator(tiny(codes="range"), on_skip=None)
    assert sum(result["status"] == "passed" for result in results) > 45


def test_folds_of_people_show_what_an_estimator_knows_of_strangers(avatars: FaceBatch) -> None:
    X, y, people = rows_of(avatars), codes(avatars), np.array(avatars.subjects)
    assert len(set(people)) == 5
    estimator = landmarks("resample", aus=AUS, options={"balancer.per_level": 10})
    found = cross_val_predict(estimator, X, y, groups=people, cv=GroupKFold(2))
    assert found.shape == y.shape
    agreement = [np.corrcoef(found[:, au], y[:, au])[0, 1] for au in range(len(AUS))]
    assert np.mean(agreement) > 0.4
    mixed = np.random.default_rng(0).permutation(y)
    chance = cross_val_predict(estimator, X, mixed, groups=people, cv=GroupKFold(2))
    assert np.mean([np.corrcoef(chance[:, au], y[:, au])[0, 1] for au in range(3)]) < 0.2


def test_it_fits_as_the_estimator_alone_does(drawn: FaceBatch, tmp_path: Path) -> None:
    """The same plan, faces and seed, without the wrapper."""
    X, y = rows_of(drawn), codes(drawn)
    found = landmarks(aus=drawn.labels.aus).fit(X, y, groups=drawn.subjects).predict(X)
    alone = api.build("estimator", "landmarks")
    counts = drawn.labels.mask.float()
    source = RowFaces(X, drawn.labels, drawn.subjects)
    alone.fit(TrainingSet(source, counts), None, Session(tmp_path))
    np.testing.assert_allclose(found, alone.predict(drawn).intensity, atol=1e-5)


def test_rows_hold_the_picture_and_its_landmarks(drawn: FaceBatch) -> None:
    rows = rows_of(drawn)
    side = drawn.images.shape[-1]
    assert rows.shape == (24, 3 * side * side + 136)
    torch.testing.assert_close(pictures_of(rows), drawn.images.float() / 255)
    torch.testing.assert_close(points_of(rows), drawn.landmarks)
    pictures = drawn.images.permute(0, 2, 3, 1).numpy()
    assert torch.equal(pictures_of(pictures), drawn.images)
    assert torch.equal(pictures_of(pictures.reshape(24, -1)), drawn.images)
    assert bool(points_of(pictures).isnan().all())
    torch.testing.assert_close(points_of(rows[:, -136:]), drawn.landmarks)


def test_numbers_of_any_length_become_grey_squares() -> None:
    image = pictures_of(np.arange(10.0)[None])[0]
    assert image.shape == (3, 4, 4)
    np.testing.assert_array_equal(image[0].flatten(), [*range(10), *[0] * 6])
    assert torch.equal(image[0], image[2])


def test_pictures_alone_are_enough_for_a_network(drawn: FaceBatch) -> None:
    pictures, y = drawn.images.permute(0, 2, 3, 1).numpy(), codes(drawn)
    estimator = tiny(aus=drawn.labels.aus).fit(pictures, y)
    found = estimator.predict(pictures)
    assert found.shape == y.shape
    assert found.min() >= 0
    assert found.max() <= 5
    again = tiny().fit(pictures / 255, y).predict(pictures / 255)  # floats in 0..1
    np.testing.assert_allclose(again, found, atol=1e-4)


def test_the_balancer_decides_what_is_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    sets: list[TrainingSet] = []
    monkeypatch.setattr(RegressionEstimator, "fit", lambda self, train, *_: sets.append(train))
    X, y = np.zeros((24, 136)), np.where(np.arange(24) < 4, 5.0, 0.0)
    landmarks().fit(X, y)
    landmarks("resample", options={"balancer.per_level": 20}).fit(X, y)
    plain, even = (found.counts[:, 0].tolist() for found in sets)
    assert plain == [1] * 24
    assert even == [5] * 4 + [1] * 20


def test_uncoded_faces_change_nothing(drawn: FaceBatch) -> None:
    X, y = rows_of(drawn), codes(drawn)[:, 0]
    coded = np.isfinite(y)
    y = np.where(np.arange(24) < 20, y, np.nan)
    some = np.isfinite(y)
    assert some.sum() < coded.sum()
    options = {"estimator.person": "none"}
    every, fewer = (
        landmarks(options=options).fit(X[rows], y[rows]).predict(X)
        for rows in (np.full(24, True), some)
    )
    np.testing.assert_allclose(every, fewer, atol=1e-4)


def test_presence_and_other_ranges(drawn: FaceBatch) -> None:
    X, y = rows_of(drawn), np.nan_to_num(codes(drawn))
    present = landmarks(codes="occurrence").fit(X, y >= 2).predict(X)
    assert present.min() >= 0
    assert present.max() <= 1
    plain = landmarks().fit(X, y / y.max(0) * 5).predict(X)
    shifted = landmarks(codes="range").fit(X, y / y.max(0) * 2 - 1).predict(X)
    np.testing.assert_allclose(shifted, plain / 5 * 2 - 1, atol=1e-4)


def test_people_who_are_known_are_read_better(drawn: FaceBatch) -> None:
    X, y, people = rows_of(drawn), codes(drawn), drawn.subjects
    estimator = landmarks().fit(X, y, groups=people)
    alone = estimator.predict(X)
    assert np.abs(estimator.predict(X, groups=people) - alone).max() > 1e-3
    np.testing.assert_array_equal(estimator.predict(X), alone)


def test_validation_people_are_in_no_training_set(drawn: FaceBatch) -> None:
    X, y, people = rows_of(drawn), codes(drawn), drawn.subjects
    faces = RowFaces(X, drawn.labels, people)
    train, valid = landmarks(validation=0.4)._divided(faces)
    assert valid is not None
    assert set(train.people).isdisjoint(valid.people)
    assert set(train.people) | set(valid.people) == set(people)
    estimator = landmarks(validation=0.4).fit(X, y, groups=people)
    assert estimator.estimator_.limits is not None


def test_a_grid_search_over_options_with_people(drawn: FaceBatch) -> None:
    X, y, people = rows_of(drawn), np.nan_to_num(codes(drawn)), drawn.subjects
    grid = {"options": [{"estimator.mirror": True}, {"estimator.mirror": False}]}
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = landmarks().set_fit_request(groups=True)
        search = GridSearchCV(estimator, grid, cv=GroupKFold(2)).fit(X, y, groups=people)
    assert search.best_params_["options"] in grid["options"]


def test_a_data_frame_names_its_aus(drawn: FaceBatch) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(codes(drawn), columns=["AU04", "AU06", "AU43", "AU26"])
    estimator = landmarks().fit(rows_of(drawn), frame)
    assert estimator.estimator_.aus == ("AU04", "AU06", "AU43", "AU26")


def test_what_cannot_be_is_refused(drawn: FaceBatch) -> None:
    X, y = rows_of(drawn), codes(drawn)
    with pytest.raises(ConfigError, match="asks for synthetic faces"):
        landmarks("semantic").fit(X, y)
    with pytest.raises(ConfigError, match="unknown option 'epochs'"):
        landmarks(options={"epochs": 1}).fit(X, y)
    with pytest.raises(ValueError, match=r"an intensity is 0\.\.5"):
        landmarks().fit(X, y * 20)
    with pytest.raises(ValueError, match="an occurrence is 0 or 1"):
        landmarks(codes="occurrence").fit(X, y / 5)
    with pytest.raises(ValueError, match="no code of AU02"):
        landmarks().fit(X, np.where(np.arange(4) == 1, np.nan, y))
    with pytest.raises(ValueError, match="must name the 4 columns"):
        landmarks(aus=("AU12",)).fit(X, y)
    with pytest.raises(ValueError, match="neither"):
        landmarks().fit(np.zeros((24, 3, 8, 8)), y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        landmarks().fit(X, y, groups=drawn.subjects[:3])


def test_without_scikit_learn_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    with pytest.raises(PluginError, match=r"pip install 'aukit-facs\[sklearn\]'"):
        importlib.reload(aukit.sklearn)
