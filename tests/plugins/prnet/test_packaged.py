"""The packaged weights: their card, and that they find faces they were not fitted on."""

from __future__ import annotations

import torch

from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68, Faces
from aukit_avatars.dataset import Avatars
from aukit_avatars.plugin import AvatarsConfig
from aukit_prnet import weights
from aukit_prnet.layout_data import OURS
from aukit_prnet.measure import errors
from aukit_prnet.predict import Predictor


def test_card_says_what_they_are() -> None:
    card = weights.load(weights.PACKAGED).card
    assert card["layout"] == OURS
    assert card["fitted_on"]["data"] == ["avatars-wild"]
    assert card["licence"].startswith("Apache-2.0")
    assert weights.PACKAGED.stat().st_size < 10_000_000


def test_people_of_the_benchmark_are_found() -> None:
    recipe = AvatarsConfig(version=1, train=0, valid=0, test=4, tasks=1, frames=1, size=128)
    avatars = Avatars(recipe, Context())
    (meshes,) = avatars.meshes(avatars.index())
    boxes = torch.cat([meshes.landmarks.amin(1), meshes.landmarks.amax(1)], 1)
    faces = [
        Faces(boxes[row : row + 1], torch.ones(1), {IBUG68: meshes.landmarks[row : row + 1]})
        for row in range(4)
    ]
    predictor = Predictor(weights.load(weights.PACKAGED), "cpu", 4)
    predicted, reasons = predictor.meshes(list(meshes.images), faces)
    assert reasons == (None,) * 4
    layout = predictor.layout
    truth = layout.vertices_of(layout.position_maps(meshes.vertices))
    found = errors(predicted, truth, layout.template)
    assert found["68"].mean() < 0.065  # measured over twelve people: 0.048
    assert found["dense"].mean() < 0.085  # 0.060
