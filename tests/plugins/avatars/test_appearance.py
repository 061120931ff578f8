"""Looks, paint, noise and hair of the avatars, and the random numbers that they are made of."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2lab
from torch import Tensor

from aukit_avatars.appearance import HAIR_STYLES, Looks, skin_tone
from aukit_avatars.atlas import Atlas
from aukit_avatars.hair import curtain, hair_depth, hair_thickness
from aukit_avatars.head import Head
from aukit_avatars.noise import layered_noise, value_noise
from aukit_avatars.paint import paint
from aukit_avatars.randomness import bits, derive, normal, uniform
from aukit_avatars.regions import belonging

EUROPE, AFRICA, ASIA = (0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
SIZE = 256


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load()


@pytest.fixture(scope="module")
def atlas(head: Head) -> Atlas:
    return Atlas.of(head, SIZE)


def split_mix(state: int, count: int) -> list[int]:
    """SplitMix64 as published, in Python's unbounded integers."""
    mask, numbers = (1 << 64) - 1, []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & mask
        word = state
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & mask
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & mask
        numbers.append(word ^ (word >> 31))
    return numbers


@given(st.integers(-(2**63), 2**63 - 1))
def test_bits_are_those_of_split_mix(seed: int) -> None:
    found = [number % 2**64 for number in bits(torch.tensor([seed]), 5)[0].tolist()]
    assert found == split_mix(seed % 2**64, 5)


def test_distributions() -> None:
    flat = uniform(torch.arange(2000), "test", 20)
    bell = normal(torch.arange(2000), "test", 20)
    assert 0 <= flat.min() < 0.001 < 0.999 < flat.max() < 1
    assert abs(float(flat.mean()) - 0.5) < 0.01
    assert abs(float(bell.mean())) < 0.02
    assert abs(float(bell.std()) - 1) < 0.02
    assert np.abs(np.corrcoef(flat.T.numpy()) - np.eye(20)).max() < 0.12


def test_purposes_and_seeds_are_independent() -> None:
    seeds = torch.arange(3000)
    first, second = uniform(seeds, "one", 1)[:, 0], uniform(seeds, "two", 1)[:, 0]
    assert abs(float(torch.corrcoef(torch.stack([first, second]))[0, 1])) < 0.06
    assert abs(float(torch.corrcoef(torch.stack([first[1:], first[:-1]]))[0, 1])) < 0.06
    assert len(derive(seeds, "one").unique()) == 3000


def test_noise_is_smooth_bounded_and_of_its_seed() -> None:
    line = torch.linspace(-50, 50, 20_000)[:, None].expand(-1, 3)
    values = value_noise(line, 1.5, 4)
    assert values.abs().max() <= 1
    assert values.std() > 0.2
    assert values.diff().abs().max() < 0.03
    assert torch.equal(values, value_noise(line, 1.5, 4))
    assert not torch.equal(values, value_noise(line, 1.5, 5))
    assert layered_noise(line, 1.5, 4, 4).abs().max() <= 1


@given(st.integers(-(2**62), 2**62), st.floats(0, 1), st.floats(0, 1))
def test_looks_are_a_function_of_their_arguments(seed: int, age: float, male: float) -> None:
    looks = Looks.draw(seed, age, male, EUROPE)
    assert looks == Looks.draw(seed, age, male, EUROPE)
    assert looks.style in HAIR_STYLES
    shares = (looks.melanin, looks.grey, looks.oiliness, looks.stubble, looks.beard, looks.freckles)
    assert all(0 <= share <= 1 for share in shares)
    assert all(0 <= value <= 1 for value in (*looks.hair, *looks.iris, *looks.clothes))


def test_women_have_no_beard_and_the_young_no_grey_hair() -> None:
    women = [Looks.draw(seed, 0.2, 0.1, EUROPE) for seed in range(100)]
    assert all(looks.beard == looks.stubble == looks.grey == 0 for looks in women)
    men = [Looks.draw(seed, 0.9, 0.9, EUROPE) for seed in range(100)]
    assert 0 < sum(looks.beard > 0 for looks in men) < 60
    assert np.mean([looks.grey for looks in men]) > 0.5


def individual_typology_angle(looks: Looks) -> float:
    """The colour of skin in degrees (Chardon et al. 1991): above 55 very light, below -30 dark."""
    linear = np.array(skin_tone(looks.melanin))
    encoded = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    lightness, _, yellow = rgb2lab(encoded[None, None])[0, 0]
    return float(np.degrees(np.arctan2(lightness - 50, yellow)))


def test_skin_tones_span_all_classes_of_the_typology_angle() -> None:
    everyone = [
        Looks.draw(seed, 0.3, 0.5, ancestry)
        for seed in range(60)
        for ancestry in (EUROPE, AFRICA, ASIA)
    ]
    angles = np.array([individual_typology_angle(looks) for looks in everyone])
    borders = [-180, -30, 10, 28, 41, 55, 180]
    assert (np.histogram(angles, borders)[0] > 0).all()


@given(st.floats(0, 0.99), st.floats(0.001, 0.01))
def test_more_melanin_is_darker(melanin: float, more: float) -> None:
    pairs = zip(skin_tone(melanin), skin_tone(melanin + more), strict=True)
    assert all(after < before for before, after in pairs)


def region(atlas: Atlas, centre: tuple[float, float], radius: float) -> Tensor:
    """Texels of facial skin within a circle in the plane of the face."""
    place = atlas.position[:, :2] - torch.tensor(centre)
    near = torch.linalg.vector_norm(place, dim=1) < radius
    return near & (atlas.position[:, 2] > 5) & atlas.where("skin", "lips")


def texels(painting: Tensor, atlas: Atlas) -> Tensor:
    """(N, 4) painted values in the order of the atlas."""
    first = torch.full((len(atlas.position),), -1)
    first[atlas.source] = torch.arange(len(atlas.source))
    return painting[first]


def test_atlas_knows_where_its_texels_are(head: Head, atlas: Atlas) -> None:
    tip = head.vertices[head.landmarks68[30]]
    assert (atlas.position - tip).norm(dim=1).min() < 0.2
    low, high = head.vertices.amin(0) - 1e-3, head.vertices.amax(0) + 1e-3
    skin = atlas.position[atlas.part >= 0]
    assert ((skin >= low) & (skin <= high)).all()
    assert atlas.lid.min() < 0.1
    assert atlas.source.max() < len(atlas.position)


def test_painting_is_in_range_and_repeatable(atlas: Atlas) -> None:
    looks = Looks.draw(3, 0.5, 0.9, AFRICA)
    painting = paint(looks, atlas)
    assert painting.shape == (SIZE * SIZE, 4)
    assert painting.min() >= 0
    assert painting[:, :3].max() <= 0.9
    assert painting[:, 3].max() <= 1
    assert torch.equal(painting, paint(looks, atlas))
    assert not torch.equal(painting, paint(Looks.draw(4, 0.5, 0.9, AFRICA), atlas))


@pytest.mark.parametrize("seed", range(4))
def test_brows_are_darker_and_lips_redder_than_the_skin(atlas: Atlas, seed: int) -> None:
    looks = Looks.draw(seed, 0.1, 0.2, EUROPE)
    painted = texels(paint(looks, atlas), atlas)[:, :3]
    forehead = painted[region(atlas, (0.0, 5.6), 0.8)].mean(0)
    brows = painted[region(atlas, (2.9, 3.95), 0.25) | region(atlas, (-2.9, 3.95), 0.25)].mean(0)
    lips = painted[region(atlas, (0.0, -5.5), 0.4)].mean(0)
    assert brows.mean() < 0.75 * forehead.mean()
    assert lips[0] / lips[1] > 1.15 * forehead[0] / forehead[1]


def test_brows_lie_on_the_landmarks(head: Head, atlas: Atlas) -> None:
    painted = texels(paint(Looks.draw(1, 0.1, 0.9, ASIA), atlas), atlas)[:, :3].mean(1)
    forehead = painted[region(atlas, (0.0, 5.6), 0.8)].mean()
    for landmark in (19, 20, 23, 24):
        x, y, _ = head.vertices[head.landmarks68[landmark]].tolist()
        assert painted[region(atlas, (x, y + 0.3), 0.6)].min() < 0.5 * forehead


def test_a_beard_darkens_the_chin_only_of_who_has_one(atlas: Atlas) -> None:
    men = [Looks.draw(seed, 0.2, 0.95, EUROPE) for seed in range(60)]
    bearded = next(looks for looks in men if looks.beard > 0.9 and sum(looks.hair) < 0.2)
    shaved = next(looks for looks in men if looks.beard == 0 and looks.stubble < 0.02)
    chin, cheek = region(atlas, (0.0, -8.6), 0.6), region(atlas, (3.8, -0.5), 0.6)

    def ratio(looks: Looks) -> float:
        painted = texels(paint(looks, atlas), atlas)[:, :3].mean(1)
        return float(painted[chin].mean() / painted[cheek].mean())

    assert ratio(bearded) < 0.6 < 0.85 < ratio(shaved)


def test_hair_grows_on_the_scalp_and_not_on_the_face(head: Head) -> None:
    looks = next(
        look for seed in range(60) if (look := Looks.draw(seed, 0.1, 0.1, ASIA)).style == "long"
    )
    depth = hair_depth(looks, head.vertices)
    face = head.vertices[head.landmarks68[2:15].tolist() + head.landmarks68[17:].tolist()]
    assert (hair_depth(looks, face) < 0).all()
    crown = belonging(head, "skin") & (head.vertices[:, 1] > 12.5)
    assert (depth[crown] > 0).all()
    thickness = hair_thickness(looks, head.vertices)
    assert (thickness[depth < 0] == 0).all()
    assert (thickness[crown] > 0.5).all()


def test_only_long_styles_have_a_curtain(head: Head) -> None:
    for seed in range(40):
        looks = Looks.draw(seed, 0.4, seed % 2, EUROPE)
        assert curtain(looks).isnan().all() != (looks.style in ("bob", "long"))
        if looks.style == "bald":
            assert (hair_thickness(looks, head.vertices) == 0).all()
