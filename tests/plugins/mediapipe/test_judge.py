"""Blendshapes as a judge: a smile is seen where there is one, and nothing without a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from aukit import au
from aukit.contracts.context import Context
from aukit.errors import MissingWeights
from aukit_avatars.actions import AUS
from aukit_avatars.people import sample_person
from aukit_avatars.studio import Studio
from aukit_mediapipe.judge import TABLE, BlendshapeJudge, around
from aukit_mediapipe.landmarker import LiteRTLandmarker
from aukit_mediapipe.plugin import BLENDSHAPE_NAMES, BlendshapeOptions, LiteRTOptions


@pytest.fixture(scope="module")
def portraits() -> tuple[Tensor, Tensor]:
    """Two people, each neutral, smiling (AU12) and with raised brows (AU01)."""
    studio, images, points = Studio(), [], []
    for row in range(2):
        person = sample_person(studio.head, 3, f"p{row}", row == 0)
        for name in (None, "AU12", "AU01"):
            activation = torch.zeros(1, len(AUS))
            if name is not None:
                activation[0, AUS.index(name)] = 5
            shot = studio.portrait(person, activation, (0, 0), size=128, scene=row)
            images.append(shot.images[0])
            points.append(shot.landmarks.reshape(68, 2))
    return torch.stack(images), torch.stack(points)


def judge(bundle: Path) -> BlendshapeJudge:
    return BlendshapeJudge(BlendshapeOptions(), Context(weights=lambda ref: bundle))


def test_it_sees_what_is_shown(portraits: tuple[Tensor, Tensor], face_landmarker: Path) -> None:
    found = judge(face_landmarker)
    seen = found.look(*portraits).view(2, 3, -1)
    for place, name in ((1, "AU12"), (2, "AU01")):
        column = seen[:, :, found.names.index(name)]
        assert (column[:, place] > column[:, 0] + 0.1).all(), name
    # A smile moves no brow.
    brow = seen[:, :, found.names.index("AU01")]
    assert ((brow[:, 1] - brow[:, 0]).abs() < 0.5 * (brow[:, 2] - brow[:, 0])).all()


def test_it_sees_what_the_landmarker_measures(
    portraits: tuple[Tensor, Tensor], face_landmarker: Path
) -> None:
    """The region comes from the landmarks and not from the detector; the values hardly differ."""
    images, points = portraits
    context = Context(weights=lambda ref: face_landmarker)
    found = LiteRTLandmarker(LiteRTOptions(), context).detect(list(images))
    shapes = torch.cat([faces.one(0).measures["blendshapes"] for faces in found])
    smile = [BLENDSHAPE_NAMES.index(f"mouthSmile{side}") for side in ("Left", "Right")]
    own = judge(face_landmarker).look(images, points)
    column = own[:, judge(face_landmarker).names.index("AU12")]
    torch.testing.assert_close(column, shapes[:, smile].mean(1), atol=0.15, rtol=0)


def test_where_there_is_no_face_it_cannot_tell(
    portraits: tuple[Tensor, Tensor], face_landmarker: Path
) -> None:
    grey = torch.full_like(portraits[0][:1], 127)
    assert judge(face_landmarker).look(grey, portraits[1][:1]).isnan().all()
    nobody = judge(face_landmarker).look(grey[:0], portraits[1][:0])
    assert nobody.shape == (0, len(TABLE))


def test_every_entry_of_the_table_is_an_au_and_a_blendshape() -> None:
    stems = {name.removesuffix("Left").removesuffix("Right") for name in BLENDSHAPE_NAMES}
    assert all(au.is_column(name) for name in TABLE)
    assert {stem for parts in TABLE.values() for stem in parts} <= stems


def test_the_region_follows_the_landmarks() -> None:
    points = torch.rand(1, 68, 2) * 40 + 30
    found = around(points)
    low, high = points[0].amin(0), points[0].amax(0)
    np.testing.assert_allclose(found.boxes[0, 2:], high)
    assert found.boxes[0, 1] < low[1]
    np.testing.assert_allclose(found.keypoints[0, 0], points[0, 36:42].mean(0), rtol=1e-5)


def test_without_the_models_it_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights):
        BlendshapeJudge(BlendshapeOptions(), Context())
