"""The distance of training faces is that of all their features; only judges by name pay for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from aukit.components import Component
from aukit.config.choice import Choice
from aukit.contracts.judge import Measures
from aukit.faces.stored import StoredFaces
from aukit.progress import Silent
from aukit.score_card.judges import Seat
from aukit.score_card.training_faces import asked_features, training_distances
from aukit.statistics.frechet import Moments, frechet_distance

Store = Callable[[int], StoredFaces]


class Thumbnail:
    """Features: the picture at 2 x 2 pixels."""

    measures: Measures = "features"
    names = ("FD",)
    calibrated = False

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(images[:, :1].float(), 2).flatten(1)


SEAT = Seat("thumb", Thumbnail(), Choice(Component("judge", "j", "a:B", Choice, "j"), None), True)


def test_all_faces_count(store: Store) -> None:
    made, real = store(12), store(150)  # more than one batch
    (found,) = training_distances([SEAT], made, real, Silent())
    sides = [
        Moments.of(Thumbnail().look(faces.images(range(len(faces))), torch.empty(0)))
        for faces in (made, real)
    ]
    assert found["value"] == pytest.approx(frechet_distance(*sides))
    assert found["pictures"] == {"synthetic": 12, "real": 150}
    assert found["enough"]
    assert training_distances([SEAT], real, real, Silent())[0]["value"] == pytest.approx(
        0, abs=1e-6
    )


def test_judges_that_nobody_asked_for_look_at_nothing() -> None:
    assert asked_features([replace(SEAT, asked=False), SEAT]) == [SEAT]
