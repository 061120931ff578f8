"""The aligner on MediaPipe's mesh: its template, and real pictures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import skimage.data
import torch

from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68, MEDIAPIPE478, Faces
from aukit.errors import ConfigError
from aukit.testing.heads import turned_heads
from aukit.views import FERA17, FRONTAL
from aukit.vision.registered import NO_FACE, OUTSIDE
from aukit_avatars.actions import AUS
from aukit_avatars.people import sample_person
from aukit_avatars.studio import Studio
from aukit_mediapipe.canonical import POINTS, template
from aukit_mediapipe.facemesh import FaceMeshAligner
from aukit_mediapipe.landmarker import LiteRTLandmarker
from aukit_mediapipe.plugin import FaceMeshOptions, LiteRTOptions
from aukit_mediapipe.schemes import to_68

ASTRONAUT = torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1).contiguous()
DATA = Path(__file__).parents[3] / "plugins" / "aukit_mediapipe"


@pytest.fixture(scope="module")
def landmarker(face_landmarker: Path) -> LiteRTLandmarker:
    return LiteRTLandmarker(LiteRTOptions(threads=1), Context(weights=lambda ref: face_landmarker))


def aligner(**options: object) -> FaceMeshAligner:
    return FaceMeshAligner(FaceMeshOptions(**options), Context())


def test_the_template_is_a_closed_face() -> None:
    """One border, the outline: eyes and mouth are painted too."""
    edges: dict[tuple[int, int], int] = {}
    for a, b, c in template().triangles.tolist():
        for edge in ((a, b), (b, c), (c, a)):
            edges[edge] = edges.get(edge, 0) + 1
    assert max(edges.values()) == 1
    border = {first: second for first, second in edges if (second, first) not in edges}
    loop, vertex = [], next(iter(border))
    while vertex not in loop:
        loop.append(vertex)
        vertex = border[vertex]
    assert len(loop) == len(border) == 36
    assert {10, 152, 234, 454} <= set(loop)  # forehead, chin, and both ears


def test_the_mirror_is_its_own_inverse() -> None:
    mirror = template().mirror
    assert mirror is not None
    assert torch.equal(mirror[mirror], torch.arange(POINTS))
    assert mirror[33] == 263


def test_landmarks_are_those_of_the_landmarker() -> None:
    points = torch.randn(2, 478, 3, generator=torch.Generator().manual_seed(0))
    ours = template().landmarks_of(points[:, :POINTS])
    assert torch.allclose(ours[..., :2], to_68(points), atol=2e-3)


def test_the_data_file_is_what_its_script_writes(face_landmarker: Path, tmp_path: Path) -> None:
    script, stored = DATA / "scripts" / "build_canonical_face.py", DATA / "data"
    line = [sys.executable, str(script), str(face_landmarker), str(tmp_path / "face.json")]
    subprocess.run(line, check=True)
    again = (tmp_path / "face.json").read_text(encoding="utf-8")
    assert again == (stored / "canonical_face.json").read_text(encoding="utf-8")


def test_a_real_face_is_shown_upright_at_its_size(landmarker: LiteRTLandmarker) -> None:
    turned = torch.rot90(ASTRONAUT, 1, (1, 2)).contiguous()
    small = torch.nn.functional.interpolate(ASTRONAUT[None].float(), scale_factor=0.7)[0].byte()
    images = [ASTRONAUT, turned, small]
    found = [faces.one(0) for faces in landmarker.detect(images)]
    shown = aligner().align(images, found)
    assert shown.reasons == (None,) * 3
    eyes = shown.landmarks[:, 45] - shown.landmarks[:, 36]
    expected = aligner().view.target[45] - aligner().view.target[36]
    assert torch.allclose(eyes, expected.expand(3, 2), atol=8)
    for row in (1, 2):
        both = shown.valid[0] & shown.valid[row]
        gap = (shown.images[0].float() - shown.images[row].float()).abs()[:, both].mean()
        assert gap < 14
    assert shown.valid[0].float().mean() > 0.35
    assert shown.occlusion is not None
    assert (shown.occlusion < 0.25).all()  # a fringe covers the upper forehead


def test_a_face_seen_from_the_side_looks_like_the_frontal_one(
    landmarker: LiteRTLandmarker,
) -> None:
    """The same avatar from 0 and 40 degrees: alike in 3D where both see it, unlike in 2D."""
    studio = Studio()
    person = sample_person(studio.head, 5, "facemesh", female=True)
    levels = torch.zeros(1, len(AUS))
    levels[0, AUS.index("AU12")] = 4
    images = [studio.portrait(person, levels, (0.0, yaw), 320).images[0] for yaw in (0.0, 40.0)]
    found = [faces.one(0) for faces in landmarker.detect(images)]
    shown = aligner().align(images, found)
    assert shown.reasons == (None, None)
    both = (shown.valid[0] & shown.valid[1]).flatten()
    front, side = shown.images.float().mean(1).flatten(1)[:, both]
    assert torch.corrcoef(torch.stack([front, side]))[0, 1] > 0.6
    assert shown.valid[1].sum() < shown.valid[0].sum()


def test_a_face_turned_by_45_degrees_keeps_its_proportions(landmarker: LiteRTLandmarker) -> None:
    """Width of the eyes and height of the face, as MediaPipe's depth says how far it is turned."""
    studio = Studio()
    person = sample_person(studio.head, 5, "depth/1", female=False)
    turns = [(0.0, yaw) for yaw in (0.0, 45.0, -45.0)]
    images = [studio.portrait(person, torch.zeros(1, len(AUS)), v, 320).images[0] for v in turns]
    found = [faces.one(0) for faces in landmarker.detect(images)]
    points = aligner().align(images, found).landmarks
    wide, high = points[:, 45, 0] - points[:, 36, 0], points[:, 8, 1] - points[:, 27, 1]
    assert (wide / wide[0]).tolist() == pytest.approx([1, 1, 1], abs=0.05)
    assert (high / high[0]).tolist() == pytest.approx([1, 1, 1], abs=0.08)


def test_views_of_a_real_face(landmarker: LiteRTLandmarker) -> None:
    face = landmarker.detect([ASTRONAUT])[0].one(0)
    views = aligner(size=96).views([ASTRONAUT], [face], FERA17)
    assert [view.reasons for view in views] == [(None,)] * 9
    straight = aligner(size=96).align([ASTRONAUT], [face])
    assert torch.equal(views[FERA17.index(FRONTAL)].images, straight.images)


def test_no_face_and_other_landmarks() -> None:
    nobody = Faces(torch.zeros(0, 4), torch.zeros(0), {})
    assert aligner().align([ASTRONAUT], [nobody]).reasons == (NO_FACE,)
    sparse = Faces(torch.zeros(1, 4), torch.ones(1), {IBUG68: torch.zeros(1, 68, 2)})
    with pytest.raises(ConfigError, match=r"mediapipe-478.*ibug-68") as error:
        aligner().align([ASTRONAUT], [sparse])
    assert "--landmarker mediapipe" in str(error.value.hint)


def test_a_face_outside_the_picture_is_dropped() -> None:
    images, faces = turned_heads(template(), MEDIAPIPE478, extra=10, count=1)
    cut = images[0][..., : int(faces[0].boxes[0, 0]) + 5].contiguous()
    assert aligner().align([cut], faces).reasons == (OUTSIDE,)


def test_the_description_survives_json() -> None:
    described = dict(aligner().describe())
    assert json.loads(json.dumps(described)) == described
    assert described["aligner"] == "facemesh"
