"""The editor on a real photo: registered as the run does it, painted, and pasted back or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import skimage.data
import torch
from torch import Tensor

from aukit.config.resolve import resolve
from aukit.contracts.context import Context
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.errors import ConfigError, DataError
from aukit.faces.registration import Registration
from aukit.media.edit import (
    Editor,
    into_photo,
    refuse_turned,
)
from aukit.media.portraits import Portrait, Refused, wished
from aukit.media.synthesis import Synthesis, default_landmarker
from aukit.registry.loading import Registry
from aukit.vision.images import encode

AUS = ("AU06", "AU12")
SIZE = 96


class Lipstick:
    """Colours the mouth by AU12; remembers what it was given."""

    def __init__(self) -> None:
        self.calls: list[tuple[FaceBatch, Labels, Tensor]] = []

    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Tensor:
        self.calls.append((faces, targets, seeds))
        level = targets.select(("AU12",)).values[:, 0]
        painted = faces.images.clone()
        for row, points in enumerate(faces.landmarks[:, 48:]):
            (left, top), (right, bottom) = points.amin(0).long(), points.amax(0).long()
            mouth = painted[row, 0, top:bottom, left:right]
            painted[row, 0, top:bottom, left:right] = (mouth + 20 * level[row]).clamp(0, 255).byte()
        return painted


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    pixels = torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1)
    path.write_bytes(encode(pixels[None])[0])
    return path


def editor(aligner: str, weights: Path, painter: Lipstick) -> Editor:
    """An editor of a run that had landmarks of its own, so the default landmarker finds faces."""
    registry = Registry()
    settings = {"synth": "ganimation", "aligner": {"name": aligner, "size": SIZE}, "device": "cpu"}
    config = resolve(registry, [("test", settings)], preset="quick")
    context = Context(weights=lambda ref: weights)
    role = config.roles["synth-paint"]
    alignment = Registration(role.data, role.landmarker, role.aligner, context).describe()
    card = {"aus": list(AUS), "alignment": alignment}
    landmarker, choice = default_landmarker(registry), config.need("synth")
    return Editor(Synthesis(painter, choice, landmarker, role.aligner, context, card))


def test_a_photo_is_registered_painted_and_pasted_back(face_landmarker: Path, photo: Path) -> None:
    painter = Lipstick()
    edit = editor("2d", face_landmarker, painter)
    (portrait,) = edit.portraits([photo])
    assert isinstance(portrait, Portrait)
    assert portrait.path == photo
    assert tuple(portrait.face.shape) == (3, SIZE, SIZE)
    painted = edit.paint([portrait], [{"AU12": 1.0}, {"AU12": 5.0}])
    assert tuple(painted.shape) == (1, 2, 3, SIZE, SIZE)
    ((faces, targets, seeds),) = painter.calls
    assert not faces.labels.mask.any()
    assert targets.mask.tolist() == [[False, True]] * 2
    assert seeds[0] == seeds[1]

    refuse_turned(portrait)
    result = into_photo(portrait, painted[0, 1]).int()
    original = torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1).int()
    changed = (result - original).abs().amax(0).nonzero()
    # The astronaut's mouth lies around x 224, y 165; nothing else may change.
    assert len(changed) > 100
    assert ((changed - torch.tensor([165, 224])).abs().amax(0) < 40).all()
    assert (result - original)[0].max() > 60


@pytest.mark.parametrize("aligner", ["facemesh", "3d"])
def test_a_face_that_was_turned_in_space_is_pasted_back_the_way_it_came(
    face_landmarker: Path, photo: Path, aligner: str
) -> None:
    edit = editor(aligner, face_landmarker, Lipstick())
    (portrait,) = edit.portraits([photo])
    assert isinstance(portrait, Portrait)
    refuse_turned(portrait)
    original = torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1)
    assert torch.equal(into_photo(portrait, portrait.face), original)

    painted = edit.paint([portrait], [{"AU12": 5.0}])[0, 0]
    changed = (into_photo(portrait, painted).int() - original.int()).abs().amax(0).nonzero()
    assert len(changed) > 100
    assert ((changed - torch.tensor([165, 224])).abs().amax(0) < 40).all()


def test_a_face_without_a_way_back_is_not_pasted(face_landmarker: Path, photo: Path) -> None:
    (portrait,) = editor("facemesh", face_landmarker, Lipstick()).portraits([photo])
    assert isinstance(portrait, Portrait)
    with pytest.raises(ConfigError, match="cannot map the face back") as caught:
        refuse_turned(replace(portrait, way=None))
    assert "leave out --paste" in str(caught.value)


def test_photos_without_a_face_are_refused_with_the_reason(
    face_landmarker: Path, photo: Path, tmp_path: Path
) -> None:
    edit = editor("2d", face_landmarker, Lipstick())
    paths = [tmp_path / "grey.png", photo, tmp_path / "text.png"]
    paths[0].write_bytes(encode(torch.full((1, 3, 80, 80), 90, dtype=torch.uint8))[0])
    paths[2].write_text("no picture")
    found = list(edit.portraits(paths))
    assert [each.path for each in found] == paths
    assert found[0] == Refused(paths[0], "no face")
    assert isinstance(found[1], Portrait)
    assert found[2] == Refused(paths[2], "not an image")


def test_a_model_of_other_faces_is_refused(face_landmarker: Path) -> None:
    edit = editor("2d", face_landmarker, Lipstick())
    model = edit._model
    card = {"aus": list(AUS), "alignment": {"aligner": "procrustes"}}
    with pytest.raises(DataError, match="aligned differently"):
        Editor(replace(model, card=card))


def test_unknown_aus_and_impossible_intensities_are_refused(face_landmarker: Path) -> None:
    edit = editor("2d", face_landmarker, Lipstick())
    with pytest.raises(ConfigError, match="does not know AU04"):
        edit.paint([], [{"AU04": 1.0}])
    for level in (-0.1, 5.1, float("nan")):
        with pytest.raises(ConfigError, match=r"intensities range from 0 to 5"):
            wished([{"AU12": level}], AUS)
