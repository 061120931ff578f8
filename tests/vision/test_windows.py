"""Sampling pictures of any sizes at any places."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from aukit.vision.windows import blocks_of, sample


def noise(height: int, width: int, seed: int = 0) -> torch.Tensor:
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.integers(0, 256, (3, height, width), dtype=np.uint8))


@given(
    height=st.integers(5, 300), width=st.integers(5, 300), seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=25)
def test_sampling_agrees_with_scipy(height: int, width: int, seed: int) -> None:
    image = noise(height, width, seed)
    random = np.random.default_rng(seed)
    places = random.uniform(-3, [width + 2, height + 2], (1, 9, 7, 2)).astype(np.float32)
    seen = torch.ones(1, 9, 7, dtype=torch.bool)
    ours = sample([image.float()], torch.from_numpy(places), seen, torch.ones(1))[0]
    for channel in range(3):
        theirs = map_coordinates(
            image[channel].numpy().astype(float), places[0].transpose(2, 0, 1)[::-1],
            order=1, mode="nearest",
        )  # fmt: skip
        assert np.abs(ours[channel].numpy() - theirs).max() < 0.05


def test_pictures_are_averaged_where_they_shrink() -> None:
    image = noise(64, 64)
    grid = torch.stack(torch.meshgrid(torch.arange(8), torch.arange(8), indexing="xy"), -1)
    places = (grid * 8 + 3.5)[None]
    seen = torch.ones(1, 8, 8, dtype=torch.bool)
    ours = sample([image.float()], places, seen, torch.tensor([8.0]))[0]
    means = image.float().unfold(1, 8, 8).unfold(2, 8, 8).mean((-1, -2))
    assert torch.allclose(ours, means, atol=1e-3)


def test_blocks_are_powers_of_two_that_fit() -> None:
    assert blocks_of(torch.tensor([0.3, 1.0, 1.9, 2.0, 7.9, 8.0])).tolist() == [1, 1, 1, 2, 4, 8]


def test_each_row_is_the_same_in_any_batch() -> None:
    images = [noise(40, 500, 1), noise(300, 90, 2), noise(128, 128, 3)]
    places = torch.rand(3, 20, 20, 2, generator=torch.Generator().manual_seed(0)) * 120
    seen = places[..., 0] > 20
    shrink = torch.tensor([1.0, 2.5, 4.0])
    together = sample(images, places, seen, shrink)
    assert together.dtype == torch.uint8
    assert not together[(~seen)[:, None].expand_as(together)].any()
    for row in range(3):
        alone = sample([images[row]], places[[row]], seen[[row]], shrink[[row]])
        assert torch.equal(alone[0], together[row])


def test_nothing_is_seen() -> None:
    seen = torch.zeros(1, 4, 4, dtype=torch.bool)
    assert not sample([noise(9, 9)], torch.full((1, 4, 4, 2), torch.nan), seen, torch.ones(1)).any()
