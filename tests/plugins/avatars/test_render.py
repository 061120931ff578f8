"""Pictures of avatars: what they show, what is said to be true of them, and that they repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from aukit.errors import ConfigError
from aukit.vision.rotation import rotations
from aukit_avatars.actions import AUS, Face, strengths
from aukit_avatars.appearance import Looks
from aukit_avatars.camera import Camera
from aukit_avatars.film import background, compress, expose
from aukit_avatars.head import Head
from aukit_avatars.lighting import incidence, vertex_normals
from aukit_avatars.people import sample_person
from aukit_avatars.render import Renderer, Rendering
from aukit_avatars.scene import Scenes
from aukit_avatars.shading import bilinear

SIZE = 96
LEFT, RIGHT = 0, 1


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load()


@pytest.fixture(scope="module")
def renderer(head: Head) -> Renderer:
    return Renderer(head, texture=256)


def camera(views: Sequence[tuple[float, float]]) -> Camera:
    """Cameras at (pitch, yaw)."""
    count = len(views)
    angles = torch.tensor([[pitch, yaw, 0.0] for pitch, yaw in views])
    return Camera(
        rotation=rotations(angles),
        shift=torch.tensor([[0.0, 1.0]]).expand(count, 2),
        distance=torch.full((count,), 110.0),
        height=torch.full((count,), 26.0),
    )


def still(count: int) -> Tensor:
    return torch.zeros(count, len(AUS), 2)


def one_au(au: str, sides: Sequence[int] = (LEFT, RIGHT)) -> Tensor:
    """(1, AUs, 2) with one AU at full strength."""
    strength = still(1)
    strength[0, AUS.index(au), list(sides)] = 1.0
    return strength


def looks(count: int) -> list[Looks]:
    ancestries = ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    return [Looks.draw(seed, 0.3, seed % 2, ancestries[seed % 3]) for seed in range(count)]


def take(renderer: Renderer, strength: Tensor, looks: list[Looks], seed: int = 5) -> Rendering:
    """Frontal pictures of the mean head, which differ in nothing but wrinkles and looks."""
    count = len(looks)
    seeds = torch.full((count,), seed)
    shape = renderer.head.vertices.expand(count, -1, -1)
    frontal = camera([(0, 0)] * count)
    return renderer.render(shape, frontal, looks, strength, Scenes.draw(seeds), seeds, SIZE)


@pytest.fixture(scope="module")
def mixed(renderer: Renderer, head: Head) -> dict[str, object]:
    """Five people with expressions, in different views and scenes."""
    people = [sample_person(head, 3, f"p{number}", female=number % 2 == 0) for number in range(5)]
    identity = torch.stack([person.identity for person in people])
    levels = torch.zeros(5, len(AUS))
    levels[torch.arange(5), torch.arange(5) * 3] = 4.0
    strength = strengths(levels)[..., None].expand(-1, -1, 2).contiguous()
    shape = head.move(head.neutral(identity), Face(head).weights(identity, strength))
    return {
        "shape": shape,
        "camera": camera([(0, 0), (0, 40), (-40, -40), (-20, 0), (0, -40)]),
        "looks": looks(5),
        "strength": strength,
        "scenes": Scenes.draw(torch.arange(5) * 7, "b"),
        "seeds": torch.arange(5),
    }


def rows(batch: dict[str, object], keep: list[int]) -> dict[str, object]:
    """Some of a batch, in any order."""
    chosen: dict[str, object] = {}
    for name, value in batch.items():
        if isinstance(value, list):
            chosen[name] = [value[row] for row in keep]
        elif isinstance(value, Camera):
            chosen[name] = Camera(*(part[keep] for part in vars(value).values()))
        else:
            chosen[name] = value[torch.tensor(keep)]  # type: ignore[index]
    return chosen


def test_shapes_and_types(renderer: Renderer, head: Head, mixed: dict[str, object]) -> None:
    result = renderer.render(**mixed, size=(SIZE, SIZE + 16))  # type: ignore[arg-type]
    assert result.image.shape == (5, 3, SIZE, SIZE + 16)
    assert result.image.dtype == torch.uint8
    assert result.vertices.shape == (5, len(head.vertices), 3)
    assert result.landmarks.shape == (5, 68, 2)
    assert result.visible.shape == (5, len(head.vertices))
    assert result.mask.shape == (5, SIZE, SIZE + 16)
    assert ((result.mask >= 0) & (result.mask <= 1)).all()


@pytest.mark.parametrize("keep", [[0], [3], [4, 2, 0], [1, 1, 3, 2]])
def test_a_picture_is_the_same_bytes_in_any_batch(
    renderer: Renderer, head: Head, mixed: dict[str, object], keep: list[int]
) -> None:
    together = renderer.render(**mixed, size=SIZE)  # type: ignore[arg-type]
    fresh = Renderer(head, texture=256)
    apart = fresh.render(**rows(mixed, keep), size=SIZE)  # type: ignore[arg-type]
    assert torch.equal(apart.image, together.image[keep])
    assert torch.equal(apart.vertices, together.vertices[keep])
    assert torch.equal(apart.visible, together.visible[keep])
    assert torch.equal(apart.mask, together.mask[keep])


def test_more_people_than_are_kept(
    renderer: Renderer, head: Head, mixed: dict[str, object]
) -> None:
    crowded = Renderer(head, texture=256, people=2)
    expected = renderer.render(**mixed, size=32).image  # type: ignore[arg-type]
    for _ in range(2):
        assert torch.equal(crowded.render(**mixed, size=32).image, expected)  # type: ignore[arg-type]


def test_the_number_of_threads_changes_nothing(
    renderer: Renderer, mixed: dict[str, object]
) -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = renderer.render(**mixed, size=SIZE).image  # type: ignore[arg-type]
        torch.set_num_threads(2)
        two = renderer.render(**mixed, size=SIZE).image  # type: ignore[arg-type]
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(one, two)


def test_landmarks_lie_on_the_person(renderer: Renderer) -> None:
    result = take(renderer, still(2), looks(2))
    column, row = result.landmarks.floor().long().unbind(-1)
    for person in range(2):
        assert (result.mask[person, row[person], column[person]] > 0.3).all()


def test_what_a_turned_head_hides(renderer: Renderer, head: Head) -> None:
    seeds = torch.zeros(2, dtype=torch.int64)
    shape = head.vertices.expand(2, -1, -1)
    turned = camera([(0, 60), (0, -60)])
    bald = [replace(looks(1)[0], style="bald")] * 2
    seen = renderer.render(shape, turned, bald, still(2), Scenes.draw(seeds), seeds, 192).visible
    nose = head.landmarks68[30]
    cheeks = {"left": head.landmarks68[13], "right": head.landmarks68[3]}
    # A positive yaw turns the face to the right of the picture: its left side goes away.
    assert seen[:, nose].all()
    assert not seen[0, cheeks["left"]]
    assert seen[0, cheeks["right"]]
    assert seen[1, cheeks["left"]]
    assert not seen[1, cheeks["right"]]


# Where each set of folds shows: the middle of a box 3 cm wide, on the person's left.
PLACES = {
    "AU01": (0.8, 6.5),
    "AU02": (4.0, 6.5),
    "AU04": (0.8, 3.6),
    "AU06": (5.0, 1.2),
    "AU09": (1.0, 1.0),
    "AU12": (3.0, -3.2),
    "AU14": (3.3, -4.9),
    "AU17": (0.8, -7.5),
}


@pytest.mark.parametrize("au", sorted(PLACES))
def test_folds_show_where_they_belong(renderer: Renderer, head: Head, au: str) -> None:
    person = [Looks.draw(8, 0.4, 0.9, (0.0, 0.0, 1.0))]
    rest, moved = (take(renderer, strength, person) for strength in (still(1), one_au(au, [LEFT])))
    change = (moved.image.float() - rest.image.float()).abs().mean(1)[0]
    x, y = PLACES[au]
    front = (head.vertices[:, 2] > 3)[None]
    near = ((head.vertices[:, :2] - torch.tensor([x, y])).abs() < 1.5).all(1)[None] & front
    mirrored = ((head.vertices[:, :2] - torch.tensor([-x, y])).abs() < 1.5).all(1)[None] & front
    column, row = moved.vertices[..., :2].long().clamp(0, SIZE - 1).unbind(-1)
    here, there = change[row[near], column[near]].mean(), change[row[mirrored], column[mirrored]]
    assert here > 1.5
    assert change.mean() < 0.35 * here
    if x > 1.5:
        assert there.mean() < 0.3 * here


def test_folds_grow_with_strength_and_age(renderer: Renderer) -> None:
    def change(strength: float, age: float) -> float:
        person = [Looks.draw(8, age, 0.9, (0.0, 0.0, 1.0))]
        rest = take(renderer, still(1), person).image.float()
        return float((take(renderer, strength * one_au("AU12"), person).image - rest).abs().mean())

    young = [change(strength, 0.1) for strength in (0.0, 0.3, 0.6, 1.0)]
    assert young[0] == 0
    assert young == sorted(young)
    assert change(1.0, 0.9) > young[-1]


def test_noise_belongs_to_the_picture_and_light_to_the_scene(renderer: Renderer) -> None:
    person = looks(1)
    shape, frontal = renderer.head.vertices[None], camera([(0, 0)])

    def picture(scene: int, noise: int) -> Tensor:
        scenes = Scenes.draw(torch.tensor([scene]), "a")
        return renderer.render(
            shape, frontal, person, still(1), scenes, torch.tensor([noise]), SIZE
        ).image.float()

    base = picture(1, 1)
    assert torch.equal(base, picture(1, 1))
    assert 0 < (picture(1, 2) - base).abs().mean() < 4
    assert (picture(2, 1) - base).abs().mean() > 8


def test_domains_differ() -> None:
    seeds = torch.arange(500)
    studio, room = Scenes.draw(seeds, "a"), Scenes.draw(seeds, "b")
    assert room.noise.mean() > 1.5 * studio.noise.mean()
    assert room.blur.mean() > studio.blur.mean()
    assert room.jpeg[room.jpeg > 0].float().mean() < studio.jpeg[studio.jpeg > 0].float().mean()
    with pytest.raises(ConfigError, match="no domain 'c'"):
        Scenes.draw(seeds, "c")


@pytest.mark.parametrize("domain", ["a", "b"])
def test_scenes_are_physical(domain: str) -> None:
    scenes = Scenes.draw(torch.arange(2000), domain)
    assert torch.allclose(scenes.direction.norm(dim=-1), torch.ones(2000, 3), atol=1e-5)
    for name in ("colour", "above", "below", "backdrop", "exposure", "balance", "noise", "blur"):
        assert (getattr(scenes, name) >= 0).all(), name
    assert ((scenes.jpeg == 0) | ((scenes.jpeg >= 45) & (scenes.jpeg <= 96))).all()
    assert len(scenes[:7]) == 7


def test_a_size_must_be_positive(renderer: Renderer) -> None:
    seeds = torch.zeros(1, dtype=torch.int64)
    shape, frontal = renderer.head.vertices[None], camera([(0, 0)])
    with pytest.raises(ConfigError, match="-5"):
        renderer.render(shape, frontal, looks(1), still(1), Scenes.draw(seeds), seeds, -5)


def plain_scene(**changes: Tensor) -> Scenes:
    """A camera without faults."""
    drawn = vars(Scenes.draw(torch.tensor([0])))
    faultless = {
        "exposure": torch.ones(1),
        "balance": torch.ones(1, 3),
        "contrast": torch.ones(1),
        "vignette": torch.zeros(1),
        "blur": torch.zeros(1),
        "motion": torch.zeros(1, 2),
        "noise": torch.zeros(1),
        "jpeg": torch.zeros(1, dtype=torch.int64),
    }
    return Scenes(**{**drawn, **faultless, **changes})


def test_exposure_follows_the_srgb_curve() -> None:
    light = torch.tensor([0.002, 0.05, 0.2, 0.5])
    expected = [0.02584, 0.24806, 0.48453, 0.73536]  # IEC 61966-2-1
    image = expose(light.view(1, 1, 1, 4).expand(1, 3, 8, 4), plain_scene(), torch.tensor([0]))
    assert torch.allclose(image[0, 0, 0] / 255, torch.tensor(expected), atol=2.5e-3)


def test_blur_keeps_what_is_even_and_spreads_what_is_not() -> None:
    blurred = plain_scene(blur=torch.full((1,), 0.03))
    even = expose(torch.full((1, 3, 32, 32), 0.3), blurred, torch.tensor([0]))
    assert even.unique().numel() == 1
    point = torch.zeros(1, 3, 33, 33)
    point[..., 16, 16] = 0.5
    sharp, soft = (expose(point, scene, torch.tensor([0])) for scene in (plain_scene(), blurred))
    assert (sharp[0, 0] > 20).sum() == 1
    assert (soft[0, 0] > 20).sum() > 8
    assert torch.equal(soft, soft.flip(-1))


def test_compression_is_real_and_leaves_quality_0_alone() -> None:
    pictures = torch.randint(0, 256, (3, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    pictures = pictures.to(torch.uint8)
    result = compress(pictures, torch.tensor([0, 90, 20]))
    error = (result.float() - pictures.float()).abs().mean((1, 2, 3))
    assert error[0] == 0
    assert 0 < error[1] < error[2]


def test_background_is_of_its_scene() -> None:
    scenes = Scenes.draw(torch.arange(6), "b")
    rooms = background(scenes, (24, 32))
    assert rooms.shape == (6, 3, 24, 32)
    assert (rooms >= 0).all()
    assert torch.equal(rooms[2:3], background(scenes[2:3], (24, 32)))
    assert (rooms[0] - rooms[1]).abs().mean() > 0.01


def test_normals_of_a_sphere_point_outwards() -> None:
    measure = pytest.importorskip("skimage.measure")
    axis = torch.linspace(-1.3, 1.3, 20)
    grid = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij")).square().sum(0)
    points, faces, _, _ = measure.marching_cubes(grid.numpy(), 1.0, gradient_direction="ascent")
    vertices = torch.tensor(points.copy()) * (2.6 / 19) - 1.3
    triangles = torch.tensor(faces.copy()).long()
    normals = vertex_normals(vertices[None], *incidence(triangles, len(vertices)))[0]
    outwards = torch.nn.functional.normalize(vertices, dim=1)
    assert (normals * outwards).sum(1).abs().min() > 0.97


def test_bilinear_is_exact_for_a_plane() -> None:
    size = 16
    centre = (torch.arange(size) + 0.5) / size
    plane = (3 * centre[:, None] - 2 * centre[None]).reshape(-1, 1)
    uv = torch.rand(50, 2, generator=torch.Generator().manual_seed(1)) * 0.9 + 0.05
    table = torch.cat([torch.zeros_like(plane), plane])
    found = bilinear(table, torch.ones(50, dtype=torch.int64), uv, size)
    assert torch.allclose(found[:, 0], 3 * uv[:, 1] - 2 * uv[:, 0], atol=1e-4)


def test_eyes_shine_and_irises_differ(renderer: Renderer, head: Head) -> None:
    """The colour of the iris reaches the picture; the rest of the picture does not change."""
    brown = Looks.draw(2, 0.2, 0.1, (0.0, 0.0, 1.0))
    pair = [replace(brown, iris=(0.09, 0.04, 0.02)), replace(brown, iris=(0.1, 0.2, 0.3))]
    result = take(renderer, still(2), pair)
    change = (result.image[0].float() - result.image[1].float()).abs().amax(0)
    eyes = result.landmarks[0, 36:48]
    y, x = (change > 12).nonzero().unbind(1)
    assert len(x) > 8
    away = torch.cdist(torch.stack([x, y], 1).float() + 0.5, eyes).amin(1)
    assert (away < 11).all()  # the file format spreads a change over blocks of 8 pixels
