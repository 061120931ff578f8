"""The judge: its statistics, what it calls a failure, and a first look by the real landmarker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68, Faces
from aukit_avatars.actions import AUS
from aukit_avatars.people import Person, sample_person
from aukit_avatars.scripts import benchmark
from aukit_avatars.scripts.benchmark import MATCHES, Verdict
from aukit_avatars.studio import Studio, Truth
from aukit_mediapipe.landmarker import LiteRTLandmarker
from aukit_mediapipe.plugin import BLENDSHAPE_NAMES, LiteRTOptions


def test_frames_without_a_face_are_left_out_of_rho() -> None:
    values = np.array([[1.0, 2, 3, 4, 5], [1, np.nan, 3, 4, 5]])
    assert benchmark._rho(values) == pytest.approx(1.0)


class Oracle:
    """Reads the level from the red of the first pixel, its AU from the green: no real pictures."""

    schemes = (IBUG68,)

    def __init__(self, deaf: str = "", blind: bool = False) -> None:
        self.deaf, self.blind = deaf, blind

    def detect(self, images: Sequence[Tensor]) -> list[Faces]:
        return [self._face(int(image[0, 0, 0]), int(image[1, 0, 0])) for image in images]

    def _face(self, level: int, row: int) -> Faces:
        shapes = torch.full((1, len(BLENDSHAPE_NAMES)), 0.1)
        if AUS[row] != self.deaf:
            for name in MATCHES[AUS[row]]:
                shapes[0, BLENDSHAPE_NAMES.index(name)] += 0.1 * level
        count = 0 if self.blind else 1
        points = torch.arange(136.0).view(1, 68, 2) + 1
        return Faces(
            torch.zeros(count, 4), torch.ones(count), {IBUG68: points[:count]},
            {"blendshapes": shapes[:count]},
        )  # fmt: skip


class Slate:
    """A studio whose pictures only name what was asked for."""

    def __init__(self, head: object, hidden: str = "") -> None:
        self.head, self.hidden = head, hidden

    def portrait(self, person: Person, levels: Tensor, *_: object) -> Truth:
        images = torch.zeros(len(levels), 3, 2, 2, dtype=torch.uint8)
        images[:, 0] = levels.amax(1)[:, None, None].to(torch.uint8)
        images[:, 1] = levels.argmax(1)[:, None, None].to(torch.uint8)
        points = torch.arange(136.0).view(1, 68, 2).expand(len(levels), -1, -1)
        empty = torch.zeros(0)
        hidden = torch.zeros(len(levels), 2, 2)
        hidden[:, 0] = float(person.name == self.hidden)
        return Truth(images, points, empty, empty, empty, hidden, empty, empty, None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio()


def verdict_of(studio: Studio, oracle: Oracle, people: int = 2, hidden: str = "") -> Verdict:
    slate = Slate(studio.head, hidden)
    return benchmark.judge(slate, oracle, people, size=64)  # type: ignore[arg-type]


def test_a_perfect_landmarker_passes(studio: Studio) -> None:
    verdict = verdict_of(studio, Oracle())
    assert verdict.failures == []
    assert verdict.rho["AU12"] == pytest.approx(1.0)
    assert verdict.response["AU12"] == pytest.approx(0.5)
    assert verdict.found == 1
    assert verdict.landmark_bias == pytest.approx((100 * 2**-0.5 / 18,) * 2, rel=0.01)
    assert "| AU12 | mouthSmile | 1.00 | +0.500 | 0.8 |" in verdict.markdown()


def test_an_au_without_response_and_unseen_faces_are_failures(studio: Studio) -> None:
    deaf = verdict_of(studio, Oracle(deaf="AU12"))
    assert [failure[:4] for failure in deaf.failures] == ["AU12"]
    hidden = replace(verdict_of(studio, Oracle()), found=0.98, found_turned={"0,40": 0.9})
    assert len(hidden.failures) == 2


def test_faces_behind_a_hand_or_a_mask_are_not_judged(studio: Studio) -> None:
    verdict = verdict_of(studio, Oracle(), people=3, hidden="judge/1")
    assert verdict.pictures == 2 * (1 + 5 * len(AUS))
    assert verdict.rho["AU12"] == pytest.approx(1.0)
    assert verdict.failures == []


def test_mediapipe_sees_faces_and_what_they_do(studio: Studio, face_landmarker: Path) -> None:
    person = sample_person(studio.head, 0, "seen", female=True)
    levels = torch.zeros(3, len(AUS))
    levels[1, AUS.index("AU12")] = 5
    levels[2, AUS.index("AU26")] = 5
    truth = studio.portrait(person, levels, size=160)
    landmarker = LiteRTLandmarker(LiteRTOptions(), Context(weights=lambda ref: face_landmarker))
    faces = landmarker.detect(list(truth.images))
    assert [len(face) for face in faces] == [1, 1, 1]
    shapes = torch.cat([face.measures["blendshapes"] for face in faces])
    smile, jaw = (BLENDSHAPE_NAMES.index(name) for name in ("mouthSmileLeft", "jawOpen"))
    assert shapes[1, smile] > shapes[0, smile] + 0.2
    assert shapes[2, jaw] > shapes[0, jaw] + 0.2
    offset = faces[0].landmarks[IBUG68][0] - truth.landmarks[0]
    scale = (truth.landmarks[0, 36] - truth.landmarks[0, 45]).norm()
    assert offset.norm(dim=-1).mean() / scale < 0.1
