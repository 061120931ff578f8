"""The built-in components, against the same checks that third parties use."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import skimage.data
import torch

from aukit.contracts.context import Context
from aukit.contracts.landmarker import MEDIAPIPE478, Faces
from aukit.registry.loading import Registry
from aukit.testing import Subject, parametrize_with_checks
from aukit.testing.drawn import face_of
from aukit.testing.heads import turned_heads
from aukit_avatars.actions import AUS
from aukit_avatars.people import sample_person
from aukit_avatars.studio import Studio
from aukit_corpora.facts import CORPORA
from aukit_mediapipe.canonical import template

GAN = {"size": 16, "width": 4, "blocks": 1, "critic_width": 4, "depth": 2, "epochs": 20}
OPTIONS: dict[str, dict[str, Any]] = {
    "avatars": {"train": 2, "valid": 1, "test": 1, "tasks": 2, "frames": 3, "size": 64},
    "procrustes": {"size": 112},
    "vgg16": {"augment": False, "dropout": 0.0, "size": 48},
    "torchvision": {"size": 48, "batch": 8},
    "features": {"size": 64, "weights": "none", "components": 32},
    "processes": {"workers": 2},
    "ganimation": GAN,
    "ganimation-ids": GAN,
    "lacgan": {"size": 16, "width": 2, "latent": 4, "batch": 4, "epochs": 1},
}
"""Small sizes, so that all checks together take a minute."""

SEPARATE = ("mediapipe-tasks", "ray", *CORPORA)
"""Tested on their own: the first reports usage to its maker, and is only used when asked for; Ray
needs a cluster; the others need files, which their own tests imitate."""

ELSEWHERE = ("aukit_dlib.landmarker:DlibLandmarker",)
"""Tested with weights that its own test trains."""


def astronaut() -> list[torch.Tensor]:
    """A photo with one face."""
    return [torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1).contiguous()]


@cache
def avatars() -> tuple[list[torch.Tensor], list[Faces]]:
    """Six avatars, with the landmarks that they really have."""
    studio = Studio()
    images, faces = [], []
    for row, view in enumerate(((0, 0), (0, 20), (-15, 0), (0, -20), (10, 10), (-10, -10))):
        person = sample_person(studio.head, 5, f"a{row}", row % 2 == 0)
        shot = studio.portrait(person, torch.zeros(1, len(AUS)), view, size=192, scene=row)
        images.append(shot.images[0])
        faces.append(face_of(shot.landmarks))
    return images, faces


@cache
def heads() -> tuple[list[torch.Tensor], list[Faces]]:
    """Drawn heads with the points of MediaPipe's mesh."""
    return turned_heads(template(), MEDIAPIPE478, extra=10)


FACES = {"prnet": avatars, "facemesh": heads}
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
        if component.name not in SEPARATE and component.factory not in ELSEWHERE
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
