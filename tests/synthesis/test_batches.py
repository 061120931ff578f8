"""Batches of a fit: what mirrors with what, what is filled in, how learning rates fall."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from aukit.contracts.session import Session
from aukit.synthesis.batches import Batches, adam, descend, frozen, learning_rate, scaled
from aukit.synthesis.images import as_bytes, as_signed
from aukit.synthesis.options import FitOptions
from aukit.testing.drawn import DrawnFaces
from aukit.vision.resize import resized

OPTIONS = FitOptions(batch=12, l_ids=1.0, pairs=0.5)


def batches(folder: Path, options: FitOptions = OPTIONS, uncoded: float = 0.0) -> Batches:
    faces = DrawnFaces(12, people=3, size=32, uncoded=uncoded)
    return Batches(faces, options, 16, Session(folder, seed=4))


def test_landmarks_mirror_and_shrink_with_their_faces(tmp_path: Path) -> None:
    plain = batches(tmp_path, replace(OPTIONS, flip=False))(0)
    drawn = batches(tmp_path)(0)
    mirrored = (drawn.source != plain.source).flatten(1).any(1)
    assert 0 < int(mirrored.sum()) < 12
    torch.testing.assert_close(drawn.source[mirrored], plain.source[mirrored].flip(-1))
    expected = plain.landmarks.clone()
    expected[mirrored, :, 0] = 15 - expected[mirrored, :, 0]
    torch.testing.assert_close(drawn.landmarks, expected)


def test_positions_follow_the_pixels_of_a_resized_picture() -> None:
    """A corner of the picture stays its corner: -0.5 and S - 0.5 are its edges."""
    edges = torch.tensor([[-0.5, -0.5], [31.5, 15.5]])
    torch.testing.assert_close(scaled(edges, 0.5), torch.tensor([[-0.5, -0.5], [15.5, 7.5]]))
    spot = torch.zeros(1, 1, 32, 32)
    spot[..., 10:12, 20:22] = 1.0  # its centre is (20.5, 10.5)
    small = resized(spot, 16)[0, 0]
    y, x = divmod(int(small.argmax()), 16)
    assert scaled(torch.tensor([20.5, 10.5]), 0.5).tolist() == [x, y]


def test_bytes_survive_the_way_there_and_back() -> None:
    values = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(as_bytes(as_signed(values)), values)
    assert torch.equal(as_bytes(as_signed(values.float() / 255)), values)
    assert as_bytes(torch.tensor([-3.0, 3.0])).tolist() == [0, 255]


def test_what_is_not_coded_is_estimated_or_kept(tmp_path: Path) -> None:
    batch = batches(tmp_path, uncoded=0.4)(0)
    seen = torch.full_like(batch.shown, 0.3)
    whole = batch.completed(lambda: seen)
    assert torch.equal(whole.shown, torch.where(batch.shown_mask, batch.shown, seen))
    assert torch.equal(whole.wanted, torch.where(batch.wanted_mask, batch.wanted, whole.shown))
    coded = batches(tmp_path)(0)
    assert coded.completed(lambda: pytest.fail("nothing had to be estimated")) is coded


def test_rates_are_constant_and_then_fall_to_zero() -> None:
    options = FitOptions(epochs=2, decay_epochs=1, learning_rate=0.3)
    rates = [learning_rate(options, 9, number) for number in range(9)]
    assert rates == pytest.approx([0.3] * 7 + [0.2, 0.1])


def test_descending_follows_weighted_losses_and_names_them() -> None:
    module = nn.Linear(1, 1, bias=False)
    nn.init.constant_(module.weight, 2.0)
    sgd = torch.optim.SGD(module.parameters(), 0.1)
    weight: Tensor = module.weight.sum()
    told = descend(sgd, module, {"a": (2.0, weight), "b": (1.0, weight.square())})
    assert set(told) == {"a", "b"}
    assert module.weight.item() == pytest.approx(2.0 - 0.1 * (2 + 2 * 2.0))
    with frozen(module):
        assert not module.weight.requires_grad
    assert module.weight.requires_grad
    assert adam(module, 0.5).defaults["betas"] == (0.5, 0.999)


@pytest.mark.parametrize(
    "change", [{"ticks": 0}, {"noise": -0.1}, {"epochs": 0, "decay_epochs": 0}]
)
def test_impossible_options_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        replace(OPTIONS, **change)  # type: ignore[arg-type]
