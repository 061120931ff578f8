"""Random views of faces: faces still, drawn from torch's generator."""

from __future__ import annotations

import torch

from aukit.estimation.augment import augment


def test_augmented_faces_stay_faces() -> None:
    images = torch.rand(8, 3, 32, 32)
    torch.manual_seed(1)
    first = augment(images)
    torch.manual_seed(1)
    assert torch.equal(first, augment(images))
    assert first.shape == images.shape
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1
    assert not torch.allclose(first, images)
