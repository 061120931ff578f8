"""L1, PSNR and SSIM against scikit-image, and the regions they are taken over."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial import Delaunay
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from aukit.statistics import pictures


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(0)
    coarse = torch.from_numpy(random.uniform(0, 255, (3, 3, 8, 8)))
    one = torch.nn.functional.interpolate(coarse, (40, 40), mode="bicubic").clamp(0, 255)
    noise = torch.from_numpy(random.normal(0, 12, one.shape))
    return one.to(torch.uint8), (one + noise).clamp(0, 255).to(torch.uint8)


def everywhere(images: Tensor) -> Tensor:
    return torch.ones(len(images), *images.shape[2:], dtype=torch.bool)


def test_ssim_is_that_of_scikit_image(pair: tuple[Tensor, Tensor]) -> None:
    one, other = pair
    found = pictures.ssim(one, other, everywhere(one))
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    for row in range(len(one)):
        mean, full = structural_similarity(
            one[row].numpy(), other[row].numpy(), channel_axis=0, data_range=255, full=True,
            **settings,
        )  # fmt: skip
        assert float(found[row]) == pytest.approx(mean, abs=1e-6)
        inner = full.mean(0)[5:-5, 5:-5]
        own = pictures.ssim_map(one[row : row + 1], other[row : row + 1])[0]
        np.testing.assert_allclose(own.numpy(), inner, atol=1e-6)


def test_psnr_is_that_of_scikit_image(pair: tuple[Tensor, Tensor]) -> None:
    one, other = pair
    found = pictures.psnr(one, other, everywhere(one))
    for row in range(len(one)):
        expected = peak_signal_noise_ratio(one[row].numpy(), other[row].numpy(), data_range=255)
        assert float(found[row]) == pytest.approx(expected)


def test_a_region_sees_nothing_outside_it(pair: tuple[Tensor, Tensor]) -> None:
    one, other = pair
    region = everywhere(one)
    region[:, :, 20:] = False
    spoiled = other.clone()
    spoiled[:, :, :, 20:] = 0
    for measure in (pictures.mean_l1, pictures.psnr):
        torch.testing.assert_close(measure(one, spoiled, region), measure(one, other, region))
    expected = (one[:, :, :, :20].double() - other[:, :, :, :20].double()).abs().mean((1, 2, 3))
    torch.testing.assert_close(pictures.mean_l1(one, other, region), expected / 255)


def test_equal_pictures_are_as_near_as_pictures_can_be(pair: tuple[Tensor, Tensor]) -> None:
    one, region = pair[0], everywhere(pair[0])
    best = torch.full((3,), 10 * math.log10(255**2 * 12), dtype=torch.float64)
    torch.testing.assert_close(pictures.psnr(one, one, region), best)
    assert pictures.mean_l1(one, one, region).eq(0).all()
    assert pictures.ssim(one, one, region).eq(1).all()


def test_an_empty_region_is_undefined(pair: tuple[Tensor, Tensor]) -> None:
    nowhere = torch.zeros_like(everywhere(pair[0]))
    for measure in (pictures.mean_l1, pictures.psnr, pictures.ssim):
        assert measure(*pair, nowhere).isnan().all()


def test_changes_are_where_the_truth_differs_visibly() -> None:
    copied = torch.full((1, 3, 4, 4), 100, dtype=torch.uint8)
    truth = copied.clone()
    truth[0, 1, 2, 3] = 100 + pictures.CHANGED + 1
    truth[0, :, 0, 0] = 100 - pictures.CHANGED
    region = pictures.changed_region(truth, copied)
    assert region.nonzero().tolist() == [[0, 2, 3]]


def test_the_face_is_the_hull_of_its_landmarks_and_a_forehead() -> None:
    random = np.random.default_rng(1)
    angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points = 50 + 30 * np.stack([np.cos(angle), np.sin(angle)], 1)
    points += random.normal(0, 0.5, points.shape)
    landmarks = torch.from_numpy(points[None]).float()
    region = pictures.face_region(landmarks, 100)[0].numpy()
    brows, chin = points[17:27], points[8]
    all_points = np.concatenate([points, brows + pictures.FOREHEAD * (brows - chin)])
    y, x = np.mgrid[:100, :100]
    pixels = np.stack([x.ravel(), y.ravel()], 1)
    exact = (Delaunay(all_points).find_simplex(pixels) >= 0).reshape(100, 100)
    assert (region | ~exact).all(), "a pixel of the hull is missing"
    assert region.sum() <= 1.02 * exact.sum()
