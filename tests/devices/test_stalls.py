"""How often a training step makes the host wait for the device. The budgets may only fall."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from pretend import NAME, Stalls

from aukit.api import build
from aukit.contracts.estimator import TrainingSet
from aukit.contracts.session import Session
from aukit.testing.drawn import DrawnFaces
from aukit.training.recipe import Recipe

GAN = {"size": 16, "width": 4, "blocks": 1, "critic_width": 4, "depth": 2, "batch": 8}
OPTIONS: dict[str, dict[str, Any]] = {
    "vgg16": {"size": 48, "batch": 8},
    "ganimation-ids": {**GAN, "critic_steps": 1},
    "lacgan": {"size": 16, "width": 2, "latent": 4, "batch": 8},
}
WARM, COUNTED = 1, 2


class Spy:
    """Stands in for `train`: makes some steps, and counts what they wait for."""

    def __init__(self, stalls: Stalls) -> None:
        self.stalls = stalls
        self.found: Counter[tuple[str, str]] = Counter()

    def __call__(self, name: str, recipe: Recipe, session: Session) -> None:
        for number in range(WARM):
            recipe.step(number)
        self.stalls.clear()
        for number in range(WARM, WARM + COUNTED):
            recipe.step(number)
        self.found = Counter(self.stalls)
        if recipe.on_tick:
            recipe.on_tick(WARM + COUNTED)


@pytest.mark.parametrize("uncoded", [0.0, 0.2], ids=["all coded", "some not coded"])
@pytest.mark.parametrize(
    ("name", "module", "budget"),
    [
        ("vgg16", "aukit.estimation.fit", 0),
        ("ganimation-ids", "aukit_ganimation.fit", 0),
        ("lacgan", "aukit_lacgan.fit", 0),
    ],
)
def test_a_step_waits_no_more_than_it_may(
    name: str,
    module: str,
    budget: int,
    uncoded: float,
    tmp_path: Path,
    stalls: Stalls,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spy, faces = Spy(stalls), DrawnFaces(64, people=8, uncoded=uncoded)
    monkeypatch.setattr(importlib.import_module(module), "train", spy)
    kind = "estimator" if name == "vgg16" else "synth"
    component = build(kind, name, device=NAME, preset="quick", **OPTIONS[name])
    session = Session(tmp_path, device=NAME)
    if kind == "synth":
        component.fit(faces, session)
    else:
        uses = TrainingSet(faces, torch.ones(len(faces), len(faces.aus)))
        component.fit(uses, None, session)
    assert sum(spy.found.values()) <= budget * COUNTED, dict(spy.found)
