"""The frontal view of the avatars' true meshes against the true frontal pictures."""

from __future__ import annotations

import pytest
import torch

from aukit.views import FRONTAL, View
from aukit.vision.frontal import FrontalView
from aukit.vision.frontal_options import FrontalOptions
from aukit.vision.mesh import MeshTemplate
from aukit.vision.warp import warp
from aukit_avatars.actions import AUS
from aukit_avatars.head import Head
from aukit_avatars.known import in_pixels
from aukit_avatars.people import sample_person
from aukit_avatars.studio import Studio, Truth

SIZE = 128
WHOLE = FrontalOptions(size=SIZE, outline="mesh", hairline=False, hair="shown")
VIEWS: tuple[View, ...] = (FRONTAL, (0.0, 40.0), (-20.0, -40.0))


def template(head: Head) -> MeshTemplate:
    """The front of the avatars' head."""
    middle = head.vertices[head.triangles].mean(1)
    facial = head.part("skin", "lips", "eye_left", "eye_right") & (middle[:, 2] > 2)
    stable = torch.zeros(len(head.vertices))
    stable[head.landmarks68[[27, 28, 29, 30, 33, 36, 39, 42, 45]]] = 1
    return MeshTemplate(
        vertices=head.vertices * torch.tensor([1.0, -1.0, -1.0]),
        triangles=head.triangles[facial & (middle[:, 1] > -8)],
        landmarks=head.landmarks68[:, None],
        landmark_weights=torch.ones(68, 1),
        stable=stable,
    )


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(texture=256)


@pytest.fixture(scope="module")
def shots(studio: Studio) -> dict[View, Truth]:
    person = sample_person(studio.head, 11, "frontal", female=False)
    levels = torch.zeros(1, len(AUS))
    levels[0, [AUS.index("AU04"), AUS.index("AU12")]] = 3
    return {view: studio.portrait(person, levels, view, 256) for view in VIEWS}


@pytest.mark.parametrize("view", VIEWS[1:])
def test_a_turned_face_is_shown_as_its_true_frontal_picture(
    studio: Studio, shots: dict[View, Truth], view: View
) -> None:
    frontal = FrontalView.of(template(studio.head), WHOLE, "cpu")
    truth, turned = shots[FRONTAL], shots[view]
    front, side = (frontal.show([shot.images[0]], in_pixels(shot))[0] for shot in (truth, turned))
    assert front.reasons == side.reasons == (None,)
    # The straight picture is not warped but by a similarity: the true frontal picture itself.
    itself = warp([truth.images[0]], front.transforms, SIZE)[0]
    same = (itself.float() - front.images[0].float()).abs().mean(0)[front.valid[0]]
    assert same.mean() < 8
    both = front.valid[0] & side.valid[0]
    assert both.sum() > 0.5 * front.valid[0].sum()
    straight, shown = (grey(picture)[both] for picture in (itself, side.images[0]))
    # The light falls on the turned head from elsewhere, so the correlation stays below 1.
    alike = torch.corrcoef(torch.stack([straight, shown]))[0, 1]
    assert alike > 0.65
    # What a similarity alone makes of the turned picture agrees clearly less.
    flat = warp([turned.images[0]], side.transforms, SIZE)[0]
    assert torch.corrcoef(torch.stack([straight, grey(flat)[both]]))[0, 1] < alike - 0.1


def grey(picture: torch.Tensor) -> torch.Tensor:
    return picture.float().mean(0)


def test_what_the_true_camera_does_not_see_is_not_valid(
    studio: Studio, shots: dict[View, Truth]
) -> None:
    """The renderer's own visible vertices, looked up where they lie in the frontal view."""
    frontal = FrontalView.of(template(studio.head), WHOLE, "cpu")
    shot = shots[0.0, 40.0]
    side = frontal.show([shot.images[0]], in_pixels(shot))[0]
    front = frontal.show([shots[FRONTAL].images[0]], in_pixels(shots[FRONTAL]))[0]
    used = frontal.template.triangles.unique()
    placed = frontal._similarities(in_pixels(shot))[0]
    points = in_pixels(shot)[0, used] @ placed[:3, :3].T + placed[:3, 3]
    column, row = points[:, :2].round().long().clamp(0, SIZE - 1).unbind(1)
    facing = front.valid[0][row, column] & shots[FRONTAL].visible[0, used]
    seen, valid = shot.visible[0, used][facing], side.valid[0][row, column][facing]
    assert (seen == valid).float().mean() > 0.88
    assert (~seen).sum() > 50
