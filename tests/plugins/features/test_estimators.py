"""What the estimators read, what they take away of a person, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision import models

from aukit.contracts.context import Context
from aukit.contracts.estimator import Calibrates, TrainingSet
from aukit.contracts.faces import FaceBatch
from aukit.contracts.session import Session
from aukit.errors import DataError
from aukit.registry.loading import resolve_weights
from aukit.testing.drawn import DrawnFaces
from aukit_features.estimator import RegressionEstimator
from aukit_features.features import FeaturesEstimator
from aukit_features.landmarks import LandmarksEstimator, coordinates
from aukit_features.lite import Lite0
from aukit_features.plugin import FeaturesConfig, RegressionConfig
from aukit_features.sources import OTHER_SIDE, Mirrored
from aukit_features.trunk import Trunk

SMALL = FeaturesConfig(weights="none", size=64, components=16)


class Shifted(DrawnFaces):
    """Drawn faces whose landmarks all lie elsewhere, as if another head made them."""

    shift = 0.0

    def batch(self, indices: Any) -> FaceBatch:
        plain = super().batch(indices)
        return replace(plain, landmarks=plain.landmarks + self.shift)


class Blurred(DrawnFaces):
    """Drawn faces whose landmarks tell little of their expression."""

    def batch(self, indices: Any) -> FaceBatch:
        plain = super().batch(indices)
        torch.manual_seed(int(next(iter(indices))))
        noise = 5 * torch.randn(plain.landmarks.shape)
        return replace(plain, landmarks=plain.landmarks + noise)


def fitted(tmp_path: Path, config: RegressionConfig) -> Any:
    estimator: RegressionEstimator
    if isinstance(config, FeaturesConfig):
        estimator, faces = FeaturesEstimator(config, Context()), DrawnFaces(16)
    else:
        estimator, faces = LandmarksEstimator(config, Context()), DrawnFaces(60)
    train = TrainingSet(faces, faces.labels.mask.float())
    estimator.fit(train, DrawnFaces(30, partition="valid", seed=1), Session(tmp_path))
    return estimator


def estimates(estimator: Any, faces: DrawnFaces) -> Tensor:
    intensity: Tensor = estimator.predict(faces.batch(range(len(faces)))).intensity
    return intensity


@pytest.mark.parametrize("person", ["mean", "rest"])
def test_what_is_the_same_in_all_faces_of_a_person_is_taken_away(
    tmp_path: Path, person: Any
) -> None:
    estimator = fitted(tmp_path, RegressionConfig(person=person))
    plain, moved = (Shifted(40, partition="test", seed=3) for _ in range(2))
    moved.shift = 4.0
    away = {}
    for name, faces in (("plain", plain), ("moved", moved)):
        stranger = estimates(estimator, faces)
        estimator.calibrate(faces)
        estimator.people = {who: replace(one, trust=1.0) for who, one in estimator.people.items()}
        away[name] = stranger, estimates(estimator, faces)
        estimator.people = {}
    strangers, known = zip(*away.values(), strict=True)
    gaps = [float((first - second).abs().mean()) for first, second in (strangers, known)]
    assert gaps[0] > 0.1
    assert gaps[1] < 1e-4


def test_a_persons_only_face_tells_nothing_unless_it_is_known_to_rest(tmp_path: Path) -> None:
    estimator = fitted(tmp_path, RegressionConfig(person="mean"))
    alone = DrawnFaces(1, partition="test", seed=5)
    stranger = estimates(estimator, alone)
    estimator.calibrate(alone)
    torch.testing.assert_close(estimates(estimator, alone), stranger)
    estimator.calibrate(alone, at_rest=True)
    assert float(estimates(estimator, alone).abs().max()) < 1e-5


@pytest.mark.parametrize("config", [RegressionConfig(), RegressionConfig(head="network")])
def test_answers_spread_as_widely_as_the_validation_people(
    tmp_path: Path, config: RegressionConfig
) -> None:
    valid = Blurred(30, partition="valid", seed=1)
    rows = coordinates(valid.batch(range(30)))
    spreads = {}
    for spread in (False, True):
        estimator = LandmarksEstimator(replace(config, spread=spread), Context())
        faces = Blurred(60)
        train = TrainingSet(faces, faces.labels.mask.float())
        estimator.fit(train, valid, Session(tmp_path / str(spread)))
        spreads[spread] = estimator.regressions["stranger"](rows).std(0)
    truth = valid.labels.values.std(0)
    torch.testing.assert_close(spreads[True], truth, rtol=1e-3, atol=1e-3)
    assert bool((spreads[False] < 0.97 * truth).all())


def test_probabilities_are_not_stretched(tmp_path: Path) -> None:
    models = []
    for spread in (False, True):
        config = RegressionConfig(head="ordinal", spread=spread)
        models.append(fitted(tmp_path, config).regressions["stranger"].first.weight)
    torch.testing.assert_close(*models)


class Guarded(DrawnFaces):
    """Faces of which the first ten must not be looked at."""

    def batch(self, indices: Any) -> FaceBatch:
        assert min(indices) >= 10
        return super().batch(indices)


def test_faces_that_the_plan_does_not_use_are_not_looked_at(tmp_path: Path) -> None:
    faces = Guarded(60)
    counts = faces.labels.mask.float()
    counts[:10] = 0
    estimator = LandmarksEstimator(RegressionConfig(), Context())
    estimator.fit(TrainingSet(faces, counts), None, Session(tmp_path))
    assert estimator.regressions


def test_it_is_known_that_they_want_to_see_people_first() -> None:
    assert isinstance(LandmarksEstimator(RegressionConfig(), Context()), Calibrates)


def test_a_mirror_shows_the_other_side(tmp_path: Path) -> None:
    faces = DrawnFaces(4)
    plain, twice = faces.batch([2]), Mirrored(Mirrored(faces)).batch([2])
    assert torch.equal(plain.images, twice.images)
    torch.testing.assert_close(plain.landmarks, twice.landmarks)
    # A drawn face is symmetric in its outline: in the mirror, its points are where they were.
    mirrored = Mirrored(faces).batch([2]).landmarks
    torch.testing.assert_close(mirrored, plain.landmarks, atol=0.5, rtol=0)
    assert sorted(OTHER_SIDE) == list(range(68))


def test_ordinal_estimates_count_the_levels_that_are_passed(tmp_path: Path) -> None:
    estimator = fitted(tmp_path, RegressionConfig(head="ordinal", person="none"))
    numbers = torch.tensor([[1.0, 1.0, 0.5, -0.2, 0.0] * 4])
    torch.testing.assert_close(estimator.read(numbers), torch.full((1, 4), 2.5))
    faces = DrawnFaces(30, partition="valid", seed=1)
    truth = faces.labels.values
    assert float((estimates(estimator, faces) - truth).abs().mean()) < 0.7


def test_the_network_is_read_at_its_chosen_maps() -> None:
    torch.manual_seed(0)
    net = models.mobilenet_v2(weights=None).eval()
    trunk = Trunk("mobilenet_v2", net.state_dict(), size=64, strides=[16, 32], cells=2)
    images = torch.rand(3, 3, 64, 64)
    with torch.inference_mode():
        seen = net.features[:14]((images - trunk.mean) / trunk.std)
        last = net.features[14:](seen)
        expected = [
            one.unflatten(2, (2, -1)).unflatten(4, (2, -1)).mean((3, 5)) for one in (seen, last)
        ]
        torch.testing.assert_close(
            trunk(images), torch.cat([one.flatten(1) for one in expected], 1), atol=1e-5, rtol=1e-4
        )
    assert trunk.widths == [96 * 4, 1280 * 4]
    assert not any("classifier" in name for name in trunk.state_dict())


def test_maps_that_are_not_there_and_weights_of_other_networks_are_refused() -> None:
    with pytest.raises(DataError, match="no map of stride 3 at 64 pixels"):
        Trunk("mobilenet_v2", None, 64, [2, 3], 1)
    with pytest.raises(DataError, match="cannot take pictures of 64 pixels"):
        Trunk("vit_b_32", None, 64, [8], 1)
    with pytest.raises(DataError, match="not those of 'mobilenet_v2'"):
        Trunk("mobilenet_v2", models.squeezenet1_1(weights=None).state_dict(), 64, [8], 1)


def test_weights_may_end_behind_the_last_map_that_is_read() -> None:
    whole = models.mobilenet_v2(weights=None).state_dict()
    part = {key: value for key, value in whole.items() if int(key.split(".")[1]) < 14}
    images = torch.rand(2, 3, 64, 64)
    one, other = (Trunk("mobilenet_v2", given, 64, [8, 16], 2) for given in (whole, part))
    with torch.inference_mode():
        assert torch.equal(one(images), other(images))
    with pytest.raises(DataError, match="end before the last map that is read"):
        Trunk("mobilenet_v2", part, 64, [32], 2)


def test_features_for_distances_are_averages_over_the_face(tmp_path: Path) -> None:
    estimator, faces = fitted(tmp_path, SMALL), DrawnFaces(5).batch(range(5))
    maps = estimator.describe(faces)[:, :-136]
    first, second = (part.mean(2) for part in (
        maps[:, : 32 * 64].unflatten(1, (32, -1)), maps[:, 32 * 64 :].unflatten(1, (96, -1))
    ))  # fmt: skip
    torch.testing.assert_close(estimator.features(faces), torch.cat([first, second], 1))


def test_the_default_weights_come_with_aukit() -> None:
    estimator = FeaturesEstimator(FeaturesConfig(), Context(weights=resolve_weights))
    estimator.begin(Session(Path()))
    assert estimator.trunk.widths == [32 * 100, 96 * 100]
    first = estimator.trunk.state_dict()["net.features.0.0.weight"]
    assert float(first.std()) > 0.2  # those of a random network have 0.08


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet18", "efficientnet_lite0"])
@torch.inference_mode()
def test_a_fused_network_sees_the_same(name: str) -> None:
    torch.manual_seed(0)
    trunk = Trunk(name, None, size=64, strides=[8, 16], cells=4)
    norms = [module for module in trunk.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.normal_(0, 0.1)
        norm.running_var.uniform_(0.5, 2)
        norm.weight.uniform_(0.5, 1.5)
        norm.bias.normal_(0, 0.1)
    before = {key: value.clone() for key, value in trunk.state_dict().items()}
    fused, faces = trunk.fused(), torch.rand(3, 3, 64, 64)
    left = [module for module in fused.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms
    assert not left
    assert torch.allclose(fused(faces), trunk(faces), rtol=1e-4, atol=1e-4)
    assert all(torch.equal(before[key], value) for key, value in trunk.state_dict().items())


def test_lite0_has_the_published_size_and_the_sizes_of_its_maps() -> None:
    trunk = Trunk("efficientnet_lite0", None, size=64, strides=[4, 8, 16, 32], cells=2)
    assert trunk.widths == [24 * 4, 40 * 4, 112 * 4, 1280 * 4]
    # 4.65 million in Google's table, of which the classifier has 1280 * 1000 + 1000.
    assert sum(one.numel() for one in Lite0().parameters()) == 4_652_008 - 1_281_000
    with pytest.raises(DataError, match="not those of 'efficientnet_lite0'"):
        Trunk("efficientnet_lite0", {"_conv_stem.weight": torch.zeros(1)}, 64, [8], 1)


def test_lite0_takes_tensors_in_their_published_order() -> None:
    torch.manual_seed(0)
    one, other = Lite0().eval(), Lite0().eval()
    state = {f"published.{row}": value for row, value in enumerate(one.state_dict().values())}
    other.load_published(state | {"_fc.weight": torch.zeros(2)})
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(other(images), one(images))


def test_faces_without_landmarks_are_read_by_their_pictures_alone(tmp_path: Path) -> None:
    faces = DrawnFaces(4, partition="test")
    batch = faces.batch(range(4))
    nowhere = replace(batch, landmarks=torch.full_like(batch.landmarks, torch.nan))
    with pytest.raises(DataError, match="without landmarks"):
        fitted(tmp_path, RegressionConfig()).predict(nowhere)
    with pytest.raises(DataError, match="without landmarks"):
        fitted(tmp_path, SMALL).predict(nowhere)
    assert len(fitted(tmp_path, replace(SMALL, landmarks=False)).predict(nowhere).level) == 4


def test_estimators_that_were_not_fitted_say_so() -> None:
    faces = DrawnFaces(2)
    for estimator in (
        LandmarksEstimator(RegressionConfig(), Context()),
        FeaturesEstimator(SMALL, Context()),
    ):
        with pytest.raises(DataError, match="not been fitted"):
            estimator.predict(faces.batch([0, 1]))


def test_an_au_without_a_planned_frame_is_named(tmp_path: Path) -> None:
    faces = DrawnFaces(6)
    counts = torch.ones(6, 4)
    counts[:, 1] = 0
    with pytest.raises(DataError, match="no training frame for AU04"):
        LandmarksEstimator(RegressionConfig(), Context()).fit(
            TrainingSet(faces, counts), None, Session(tmp_path)
        )


def test_pictures_pass_through_the_network_once_for_estimates_and_features(tmp_path: Path) -> None:
    estimator = fitted(tmp_path, replace(SMALL, person="none"))
    looks: list[int] = []
    seen = estimator._seen
    estimator._seen = lambda images: looks.append(len(images)) or seen(images)
    faces = DrawnFaces(4, partition="test", seed=3).batch(range(4))
    estimates, features = estimator.predict(faces).intensity, estimator.features(faces)
    assert looks == [4]
    other = replace(faces, images=faces.images.flip(0))
    torch.testing.assert_close(estimator.features(other), features.flip(0))
    faces.images[:] = other.images
    assert not torch.equal(estimator.predict(faces).intensity, estimates)
