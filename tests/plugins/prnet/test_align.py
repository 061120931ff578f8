"""The aligner: what it refuses, and with a network that knows the truth, what it shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from aukit.contracts.aligner import ShowsViews
from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.errors import DataError, MissingWeights
from aukit.registry.loading import Registry
from aukit.vision.warp import apply
from aukit_avatars.actions import AUS
from aukit_avatars.people import sample_person
from aukit_avatars.studio import Studio, Truth
from aukit_prnet import crop, weights
from aukit_prnet.align import PrnetAligner
from aukit_prnet.layout import Layout
from aukit_prnet.network import REACH, PositionMapNet
from aukit_prnet.plugin import Options
from aukit_prnet.predict import NETWORK_NOT_FINITE

SIDE = 64
VIEWS = ((0.0, 0.0), (0.0, 30.0), (-20.0, 0.0))


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio()


@pytest.fixture(scope="module")
def shots(studio: Studio) -> list[Truth]:
    levels = torch.zeros(1, len(AUS))
    levels[0, [AUS.index("AU12"), AUS.index("AU25")]] = 4
    person = sample_person(studio.head, 3, "anybody", True)
    return [studio.portrait(person, levels, view, size=200) for view in VIEWS]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "small.safetensors"
    weights.save(path, PositionMapNet(2, SIDE), {"licence": "none"}, Layout.load(SIDE))
    return path


def aligner(path: Path | str, **options: object) -> PrnetAligner:
    config = Options(**{"size": 96, "weights": str(path), **options})  # type: ignore[arg-type]
    return PrnetAligner(config, Context(weights=Path))


def faces_of(points: Tensor) -> list[Faces]:
    """One face a row of (B, 68, 2) points."""
    return [
        Faces(
            boxes=torch.cat([p.amin(0), p.amax(0)])[None],
            scores=torch.ones(1),
            landmarks={IBUG68: p[None]},
        )
        for p in points
    ]


def nobody() -> Faces:
    return Faces(torch.zeros(0, 4), torch.zeros(0), {IBUG68: torch.zeros(0, 68, 2)})


class Knows(nn.Module):
    """In place of the network: answers with the true maps, in the order of the pictures."""

    def __init__(self, layout: Layout, shots: Sequence[Truth]) -> None:
        super().__init__()
        maps = []
        for shot in shots:
            crops = crop.around_points(shot.landmarks.double(), layout.resolution).float()
            pixel = shot.images.shape[-1] / shot.camera.height[:, None]
            z = (shot.vertices[..., 2] - shot.vertices[..., 2].amin(1, keepdim=True)) * pixel
            place = apply(crops, shot.vertices[..., :2])
            inside = torch.cat([place, (z * crops[:, :1, 0])[..., None]], -1)
            maps.append(layout.position_maps(inside) / (REACH * layout.resolution))
        self.maps = torch.cat(maps)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.maps[: len(pictures)]


def test_a_network_that_knows_the_truth_shows_the_same_front_from_every_view(
    saved: Path, shots: list[Truth]
) -> None:
    found = aligner(saved)
    found.predictor._network = Knows(found.weights.layout, shots)
    images = [shot.images[0] for shot in shots]

    shown = found.align(images, faces_of(torch.cat([shot.landmarks for shot in shots])))

    assert shown.reasons == (None, None, None)
    eyes = (shown.landmarks[0, 36] - shown.landmarks[0, 45]).norm()
    for other in shown.landmarks[1:]:
        assert (other - shown.landmarks[0]).norm(dim=-1).mean() / eyes < 0.03
    front = shown.images[0].float()
    for row in (1, 2):
        both = (shown.valid[0] & shown.valid[row]).expand_as(front)
        share = shown.valid[row].float().mean() / shown.valid[0].float().mean()
        assert 0.5 < share < 1
        assert (shown.images[row].float() - front).abs()[both].mean() < 20


def test_a_box_is_enough(saved: Path, shots: list[Truth]) -> None:
    found = aligner(saved)
    face = faces_of(shots[0].landmarks)[0]
    boxed = Faces(boxes=face.boxes, scores=face.scores, landmarks={})

    meshes, reasons = found.predictor.meshes([shots[0].images[0]], [boxed])

    assert reasons == (None,)
    assert meshes.shape == (1, len(found.weights.layout.texels), 3)
    around = crop.around_boxes(face.boxes.double(), SIDE).float()
    middle = crop.undo(torch.full((1, 1, 3), 0.5), around, SIDE, 1)[0, 0, :2]
    side = face.boxes[0, 2] - face.boxes[0, 0]
    assert (meshes[0, :, :2].mean(0) - middle).norm() < side


def test_what_cannot_be_used_has_a_reason(saved: Path, shots: list[Truth]) -> None:
    shot = shots[0]
    good = faces_of(shot.landmarks)[0]
    broken = faces_of(shot.landmarks * torch.nan)[0]
    tiny = faces_of(shot.landmarks * 0 + 50)[0]
    images = [shot.images[0]] * 4

    meshes, reasons = aligner(saved).predictor.meshes(images, [good, nobody(), broken, tiny])

    assert reasons[0] is None
    assert reasons[1] == "no face"
    assert all(reasons[1:])
    assert not meshes[1:].any()
    assert meshes.isfinite().all()
    shown = aligner(saved).align(images[:3], [nobody(), broken, tiny])
    assert all(shown.reasons)
    assert not shown.images.any()


def test_a_network_that_overflows_is_a_reason(tmp_path: Path, shots: list[Truth]) -> None:
    network = PositionMapNet(2, SIDE)
    for value in network.parameters():
        value.data *= 1e30
    path = tmp_path / "wild.safetensors"
    weights.save(path, network, {}, Layout.load(SIDE))

    shown = aligner(path).align([shots[0].images[0]], faces_of(shots[0].landmarks))

    assert shown.reasons == (NETWORK_NOT_FINITE,)
    assert not shown.images.any()


def test_large_batches_go_through_the_network_in_parts(saved: Path, shots: list[Truth]) -> None:
    images = [shot.images[0] for shot in shots] * 2
    faces = faces_of(torch.cat([shot.landmarks for shot in shots])) * 2

    whole, _ = aligner(saved).predictor.meshes(images, faces)
    parts, _ = aligner(saved, batch=4).predictor.meshes(images, faces)

    assert torch.allclose(whole, parts, atol=1e-2)
    assert torch.allclose(whole[:3], whole[3:], atol=1e-2)


def test_the_description_names_the_weights(saved: Path) -> None:
    described = dict(aligner(saved).describe())

    assert described == json.loads(json.dumps(described))
    assert described["aligner"] == "prnet"
    assert len(described["weights"]) == 64
    assert described["layout"] == "aukit-prnet-layout/1"
    assert described["size"] == 96
    assert isinstance(aligner(saved), ShowsViews)


def test_weights_in_half_precision_are_read(saved: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = {name: value.half() for name, value in load_file(saved).items()}
    half = tmp_path / "half.safetensors"
    save_file(tensors, half)
    half.with_suffix(".json").write_text(saved.with_suffix(".json").read_text())

    found = weights.load(half).network.state_dict()

    assert all(v.dtype == torch.float32 for v in found.values() if v.is_floating_point())
    for name, value in tensors.items():
        assert torch.equal(found[name], value.float())


def test_missing_weights_are_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "PACKAGED", tmp_path / "prnet.safetensors")

    with pytest.raises(MissingWeights, match="prnet"):
        aligner("").describe()


def test_weights_of_another_architecture_are_one_clear_error(saved: Path) -> None:
    card = json.loads(saved.with_suffix(".json").read_text())
    saved.with_suffix(".json").write_text(json.dumps({**card, "width": 4}))

    with pytest.raises(DataError, match=r"another architecture: encoder.0.layer.weight is \(2, 3"):
        aligner(saved).describe()


@pytest.mark.parametrize(
    ("card", "told"),
    [("not json", "no card"), ('{"format": "other"}', "not a card"), ("[1]", "not a card")],
)
def test_a_broken_card_is_one_clear_error(saved: Path, card: str, told: str) -> None:
    saved.with_suffix(".json").write_text(card)

    with pytest.raises(DataError, match=told):
        aligner(saved).describe()


def test_broken_weights_are_one_clear_error(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:1000])

    with pytest.raises(DataError, match="cannot be read"):
        aligner(saved).describe()


def test_public_weights_without_their_layout_are_one_clear_error(saved: Path) -> None:
    card = json.loads(saved.with_suffix(".json").read_text())
    saved.with_suffix(".json").write_text(json.dumps({**card, "layout": "prnet-public"}))

    with pytest.raises(DataError, match="lacks its layout"):
        aligner(saved).describe()


def test_it_is_registered_under_both_names() -> None:
    registry = Registry()

    assert registry.find("aligner", "3d") is registry.find("aligner", "prnet")
    with pytest.raises(ValueError, match="batch"):
        Options(batch=0)


def test_the_packaged_weights_find_faces_that_they_never_saw(shots: list[Truth]) -> None:
    found = aligner("", anchor="none")
    images = [shot.images[0] for shot in shots]
    points = torch.cat([shot.landmarks for shot in shots])

    meshes, reasons = found.predictor.meshes(images, faces_of(points))

    assert reasons == (None, None, None)
    guessed = found.weights.layout.template.landmarks_of(meshes)[..., :2]
    eyes = (points[0, 36] - points[0, 45]).norm()
    assert ((guessed - points).norm(dim=-1).mean(1) / eyes).max() < 0.15
    assert "Apache-2.0" in found.weights.card["licence"]
    assert weights.PACKAGED.stat().st_size < 12e6
