"""Where AUs show, and that regions compose to a picture within the range."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from aukit.errors import ConfigError
from aukit.statistics.pictures import face_region
from aukit.testing.drawn import neutral
from aukit.vision.registered import placed
from aukit_lacgan.centres import EACNET, JAANET, PAPER, TABLES, centres_of
from aukit_lacgan.plugin import PUBLISHED
from aukit_lacgan.regions import Regions, composed, shared_out
from aukit_procrustes.template import frontal

AUS = tuple(EACNET)
SIZE = 40


def landmarks(size: int = SIZE) -> Tensor:
    return neutral()[None] * size - 0.5


def by_formula(
    points: Tensor, centres: list[tuple[int, float]], size: int, shape: tuple[float, float, float]
) -> Tensor:
    """The attention of one AU of one face, pixel by pixel."""
    inner, slope, reach = shape
    ruler = abs(float(points[42, 0] - points[39, 0]))
    attention = torch.zeros(size, size)
    for y in range(size):
        for x in range(size):
            distance = min(
                abs(x - float(points[p, 0])) / ruler
                + abs(y - float(points[p, 1]) - down * ruler) / ruler
                for p, down in centres
            )
            if distance <= reach:
                attention[y, x] = min(1.0, max(0.0, 1 - slope * (distance - inner)))
    return attention


@pytest.mark.parametrize("table", sorted(TABLES))
@pytest.mark.parametrize("shape", [(0.0, 1.6, 0.3), (0.6, 1.25, 1.4)])
def test_attention_is_its_formula(table: str, shape: tuple[float, float, float]) -> None:
    aus = tuple(TABLES[table])[:14]
    random = torch.Generator().manual_seed(1)
    points = landmarks() + 2 * torch.rand((3, 68, 2), generator=random)
    found = Regions(aus, table, *shape)(points, SIZE)
    for face in (0, 2):
        for place, au in enumerate(aus):
            expected = by_formula(points[face], list(TABLES[table][au]), SIZE, shape)
            torch.testing.assert_close(found[face, place], expected, atol=1e-4, rtol=0)


def test_regions_scale_with_the_face() -> None:
    """The same face in a picture of twice the size has the same regions, twice as large."""
    regions = Regions(AUS, "paper", 0.4, 1.0, 1.2)
    small, large = (regions(landmarks(size), size) for size in (24, 72))
    # Centres of small pixels are centres of every third large one.
    torch.testing.assert_close(large[..., 1::3, 1::3], small, atol=1e-4, rtol=0)


def test_regions_are_symmetric_on_a_symmetric_face() -> None:
    points = landmarks()
    mirror = [16 - n for n in range(17)] + [43 - n for n in range(17, 27)]
    mirror += [27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    mirror += [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
    swapped = points[:, mirror]
    even = (points + torch.stack([SIZE - 1 - swapped[..., 0], swapped[..., 1]], -1)) / 2
    for table in TABLES:
        aus = tuple(TABLES[table])
        found = Regions(aus, table, 0.6, 1.25, 1.4)(even, SIZE)
        torch.testing.assert_close(found, found.flip(-1), atol=1e-4, rtol=0)


def test_mirrored_landmarks_mirror_the_regions_without_renumbering() -> None:
    regions = Regions(tuple(PAPER), "paper", 0.6, 1.25, 1.4)
    points = landmarks() + 3 * torch.rand((1, 68, 2), generator=torch.Generator().manual_seed(0))
    mirrored = torch.stack([SIZE - 1 - points[..., 0], points[..., 1]], -1)
    torch.testing.assert_close(
        regions(mirrored, SIZE), regions(points, SIZE).flip(-1), atol=1e-4, rtol=0
    )


def test_eacnets_map_is_its_own_on_a_face_of_hundred_pixels() -> None:
    """1 - 0.07 a pixel within 7 pixels, where the ruler is 23 pixels."""
    points = torch.full((1, 68, 2), -500.0)
    points[0, 39], points[0, 42] = torch.tensor([30.0, 40.0]), torch.tensor([53.0, 40.0])
    points[0, 48] = torch.tensor([50.0, 60.0])
    found = Regions(("AU12",), "eacnet", 0.0, 0.07 * 23, 7 / 23 + 1e-6)(points, 100)[0, 0]
    for dx, dy in ((0, 0), (3, 0), (-2, 4), (0, -7), (5, 3), (8, 0)):
        near = abs(dx) + abs(dy)
        expected = 1 - 0.07 * near if near <= 7 else 0.0
        assert float(found[60 + dy, 50 + dx]) == pytest.approx(expected, abs=1e-4)


def test_tables_are_the_published_ones() -> None:
    assert JAANET["AU09"] == ((32, -0.5), (34, -0.5))
    assert EACNET["AU06"] == ((41, 1.0), (46, 1.0))
    assert {"AU05", "AU20"} <= set(PAPER)  # all of DISFA's
    for table in TABLES.values():
        for centres in table.values():
            assert all(0 <= point < 68 for point, _ in centres)
    points, shifts = centres_of("paper", ("AU12", "AU17"))
    assert points.tolist() == [[48, 54, 48, 48], [51, 57, 56, 58]]
    assert shifts.tolist() == [[0, 0, 0, 0], [0, 0, 0.5, 0.5]]


def test_aus_without_a_region_are_named() -> None:
    with pytest.raises(ConfigError, match="'eacnet' do not have AU25, AU26"):
        Regions(("AU12", "AU25", "AU26"), "eacnet", 0.0, 1.0, 1.0)


def test_landmarks_that_are_no_numbers_have_no_regions() -> None:
    points = landmarks().expand(2, -1, -1).clone()
    points[1] = float("nan")
    found = Regions(AUS, "paper", 0.6, 1.25, 1.4)(points, SIZE)
    assert bool(found[0].any())
    assert not bool(found[1].any())


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.floats(0, 2), st.floats(0, 5), st.floats(0.05, 3)),
    taking=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_compositions_never_leave_the_range(
    seed: int, shape: tuple[float, float, float], taking: list[bool]
) -> None:
    random = torch.Generator().manual_seed(seed)
    points = landmarks(16) + 6 * torch.rand((2, 68, 2), generator=random)
    attention = Regions(AUS, "paper", *shape)(points, 16)
    shares = shared_out(attention, torch.tensor([taking, taking[::-1]]))
    assert float(shares.min()) >= 0
    assert float(shares.sum(1).max()) <= 1 + 1e-6
    source = 2 * torch.rand((2, 3, 16, 16), generator=random) - 1
    painted = 2 * torch.rand((2, 12, 3, 16, 16), generator=random) - 1
    # Extremes of all generators at once are the worst case.
    for extreme in (painted, torch.ones_like(painted), -torch.ones_like(painted)):
        image = composed(source, extreme, shares)
        assert float(image.abs().max()) <= 1 + 1e-6
        untouched = ~(shares > 0).any(1, keepdim=True).expand_as(source)
        assert torch.equal(image[untouched], source[untouched])


def test_alone_an_au_keeps_its_attention_and_together_they_share() -> None:
    attention = torch.tensor([0.5, 0.4, 0.9]).view(1, 3, 1, 1)
    alone = shared_out(attention, torch.tensor([[False, True, False]]))
    assert alone.flatten().tolist() == pytest.approx([0, 0.4, 0])
    two = shared_out(attention, torch.tensor([[True, True, False]]))
    assert two.flatten().tolist() == pytest.approx([0.5, 0.4, 0])  # their sum is below 1
    three = shared_out(attention, torch.ones(1, 3, dtype=torch.bool))
    assert three.flatten().tolist() == pytest.approx([0.5 / 1.8, 0.4 / 1.8, 0.9 / 1.8])


def test_regions_can_be_drawn(tmp_path: Path) -> None:
    from aukit_lacgan.scripts.draw_regions import drawn_regions

    photo = torch.full((3, SIZE, SIZE), 128, dtype=torch.uint8)
    sheet = drawn_regions([(photo, landmarks()[0])], ("AU01", "AU12"), "paper", (0.6, 1.25, 1.4))
    assert sheet.dtype == torch.uint8
    assert sheet.shape[0] == 3


def test_the_papers_regions_are_as_small_as_eacnets() -> None:
    """On a mean face 2 % of it for an AU with two centres, and 19 % for the paper's twelve."""
    points = placed(frontal(), 200, 0.09, 0.14)[None].float()
    values = {name: PUBLISHED[name].value for name in ("centres", "inner", "slope", "reach")}
    twelve = tuple(f"AU{number:02d}" for number in (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24))
    attention = Regions(twelve, **values)(points, 200)[0]
    face = face_region(points, 200)[0]
    reach = (attention > 0)[:, face].double()
    assert reach[twelve.index("AU06")].mean().item() == pytest.approx(0.022, abs=0.003)
    assert reach.amax(0).mean().item() == pytest.approx(0.19, abs=0.01)
