"""The built-in components, against the same checks that third parties use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import skimage.data
import torch

from aukit.contracts.context import Context
from aukit.contracts.landmarker import MEDIAPIPE478
from aukit.registry import Registry
from aukit.testing import Subject, parametrize_with_checks
from aukit.testing.heads import turned_heads
from aukit_mediapipe.canonical import template

OPTIONS: dict[str, dict[str, Any]] = {
    "avatars": {"train": 2, "valid": 1, "test": 1, "tasks": 2, "frames": 3, "size": 64},
    "procrustes": {"size": 112},
    "vgg16": {"augment": False, "dropout": 0.0, "size": 48},
    "processes": {"workers": 2},
}
"""Small sizes, so that all checks together take a minute."""

SEPARATE = ("mediapipe-tasks",)
"""Tested on its own: it reports usage to its maker, and is only used when asked for."""


def astronaut() -> list[torch.Tensor]:
    """A photo with one face."""
    return [torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1).contiguous()]


FACES = {
    "facemesh": lambda: turned_heads(template(), MEDIAPIPE478, extra=10),
}
"""Aligner -> pictures and faces to register, where drawn faces with 68 points will not do."""


def subjects() -> list[Subject]:
    """Every component that comes with aukit."""
    found = [c for c in Registry().components if c.distribution == "aukit-facs"]
    return [
        Subject(
            component,
            OPTIONS.get(component.name, {}),
            faces=FACES.get(component.name),
            pictures=astronaut if component.kind == "landmarker" else None,
        )
        for component in found
        if component.name not in SEPARATE
    ]


@parametrize_with_checks(subjects())
def test_builtins_keep_their_contracts(
    subject: Subject, check: Any, request: pytest.FixtureRequest
) -> None:
    if subject.component.kind == "landmarker":
        path = request.getfixturevalue("face_landmarker")
        subject = replace(subject, context=Context(weights=lambda ref: path))
    check(subject)


def test_every_kind_has_a_builtin_that_is_checked() -> None:
    kinds = {subject.component.kind for subject in subjects()}
    assert kinds >= {
        "data", "landmarker", "aligner", "balancer", "estimator", "metric", "executor",
    }  # fmt: skip
