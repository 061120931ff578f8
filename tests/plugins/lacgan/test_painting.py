"""What one act of painting touches, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from aukit_lacgan.networks import COLOURS, MOVING, LocalCritics, RegionGenerators, Repainting
from aukit_lacgan.painting import FARTHEST, as_labels, cut, estimate, repaint
from aukit_lacgan.plugin import LacganConfig

CONFIG = LacganConfig(composition="replace")


class Flat(torch.nn.Module):
    """Generators that paint their label as one grey, and remember what they saw."""

    def forward(self, regions: Tensor, labels: Tensor) -> Repainting:
        self.regions = regions
        grey = labels[..., None, None, None].expand(*labels.shape, 3, *regions.shape[-2:])
        return Repainting(torch.zeros(len(regions), regions.shape[1], 2), 0.5 * grey)


def scene() -> tuple[Tensor, Tensor, Tensor]:
    source = 0.5 * torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    attention = torch.zeros(2, 2, 8, 8)
    attention[:, 0, :4], attention[:, 1, 3:5, :4] = 0.8, 0.6
    return source, attention, torch.tensor([[-1.0, 0.2], [0.4, 0.4]])


def test_regions_replaced_by_what_generators_paint() -> None:
    source, attention, shown = scene()
    wanted = torch.tensor([[0.6, 0.2], [1.0, -1.0]])
    net = Flat()
    made = repaint(net, source, attention, shown, wanted, CONFIG, restore=True)
    torch.testing.assert_close(net.regions, attention[:, :, None] * source[:, None])
    assert made.part.tolist() == [[True, False], [True, True]]
    # First face: the first AU alone, blended by its attention.
    expected = source[0].clone()
    expected[:, :4] = 0.8 * 0.3 + 0.2 * source[0, :, :4]
    torch.testing.assert_close(made.image[0], expected)
    # Second face: where both show, their shares are 0.8 / 1.4 and 0.6 / 1.4.
    both = torch.full((3, 4), (0.8 * 0.5 + 0.6 * -0.5) / 1.4)
    torch.testing.assert_close(made.image[1, :, 3, :4], both)
    assert torch.equal(made.image[:, :, 5:], source[:, :, 5:])
    assert made.restored is not None
    assert float(made.restored[0, 0].mean()) == pytest.approx(-0.5)


def test_the_difference_of_labels_is_added_to_the_face() -> None:
    source, attention, shown = scene()
    wanted = torch.tensor([[0.0, 0.2], [0.4, 0.4]])
    config = replace(CONFIG, composition="difference")
    made = repaint(Flat(), source, attention, shown, wanted, config, restore=False)
    expected = source.clone()
    expected[0, :, :4] += 0.8 * ((source[0, :, :4] + 0.5).clamp(-1, 1) - source[0, :, :4])
    torch.testing.assert_close(made.image, expected)
    assert torch.equal(made.image[1], source[1])  # nothing is asked for
    assert made.restored is None


def test_changes_of_overlapping_aus_add_up_within_the_range() -> None:
    source, attention, shown = scene()
    config = replace(CONFIG, composition="difference")
    small, large = shown.clone(), torch.tensor([[1.0, 1.0], [9.0, 9.0]])
    small[1] += 0.2
    made = repaint(Flat(), source, attention, shown, small, config, restore=False)
    torch.testing.assert_close(made.image[1, :, 3, :4], source[1, :, 3, :4] + 1.4 * 0.1)
    torch.testing.assert_close(made.image[1, :, 0], source[1, :, 0] + 0.8 * 0.1)
    extreme = repaint(Flat(), source, attention, shown, large, config, restore=False)
    assert float(extreme.image.abs().max()) == 1.0


class Shifting(torch.nn.Module):
    """Generators that paint no colours and say that everything comes from farther across."""

    def forward(self, regions: Tensor, labels: Tensor) -> Repainting:
        side = regions.shape[-1]
        made = torch.zeros(*labels.shape, MOVING, side, side)
        made[:, :, :, COLOURS] = labels[..., None, None]
        return Repainting(torch.zeros(len(regions), regions.shape[1], 2), made)


def test_motion_takes_pixels_from_elsewhere_at_any_size() -> None:
    source, _, shown = scene()
    attention = torch.zeros(2, 2, 8, 8)
    attention[:, 0, :4] = 1.0
    # FARTHEST is a quarter of the half picture, one of its 8 pixels.
    wanted = shown + torch.tensor([[1.0, 0.0], [-2.0, 3.0]])
    config = replace(CONFIG, composition="motion")
    made = repaint(Shifting(), source, attention, shown, wanted, config, restore=True)
    expected = source.clone()
    expected[0, :, :4, :-1] = source[0, :, :4, 1:]  # what lies beyond the border is the border
    expected[1, :, :4, 2:] = source[1, :, :4, :-2]
    expected[1, :, :4, :2] = source[1, :, :4, :1]
    torch.testing.assert_close(made.image, expected)
    # Each AU's own picture moves whole; attention is for composing.
    torch.testing.assert_close(made.painted[0, 0, :, 5, :-1], source[0, :, 5, 1:])
    torch.testing.assert_close(made.painted[0, 1], source[0])
    assert made.restored is not None
    assert made.restored.shape == (2, 2, 3, 8, 8)
    large = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    changed = made.change.on(large)
    torch.testing.assert_close(changed[0, :, :12, :-4], large[0, :, :12, 4:])
    torch.testing.assert_close(changed[:, :, 20:], large[:, :, 20:])


def test_motions_of_overlapping_aus_add_up() -> None:
    source, attention, shown = scene()
    config = replace(CONFIG, composition="motion")
    wanted = shown + torch.tensor([[0.5, 0.5], [0.0, 0.0]])
    made = repaint(Shifting(), source, attention, shown, wanted, config, restore=False)
    assert made.change.motion is not None
    across, down = made.change.motion[0]
    assert float(across[3, 0]) == pytest.approx(FARTHEST * 0.5 * (0.8 + 0.6))
    assert float(across[0, 0]) == pytest.approx(FARTHEST * 0.5 * 0.8)
    assert not bool(down.any())
    torch.testing.assert_close(made.image[1], source[1])


def test_the_papers_literal_rule_paints_everything() -> None:
    source, attention, shown = scene()
    config = replace(CONFIG, repaint_all=True)
    made = repaint(Flat(), source, attention, shown, shown, config, restore=False)
    assert bool(made.part.all())
    assert not torch.equal(made.image, source)


def test_labels_are_intensities_or_presence() -> None:
    intensity = torch.tensor([0.0, 0.2, 0.4, 0.7, 1.0])
    torch.testing.assert_close(
        as_labels(intensity, CONFIG), torch.tensor([-1.0, -0.6, -0.2, 0.4, 1.0])
    )
    presence = replace(CONFIG, labels="presence", present=2.0)
    assert as_labels(intensity, presence).tolist() == [-1, -1, 1, 1, 1]


def test_an_unknown_face_is_estimated_by_itself() -> None:
    torch.manual_seed(0)
    net = LocalCritics(2, 8, 2, 4)
    source, attention = torch.rand(3, 3, 8, 8), torch.rand(3, 2, 8, 8)
    together = estimate(net, source, attention)
    assert float(together.min()) >= 0
    assert float(together.max()) <= 1
    alone = estimate(net, source[1:2], attention[1:2])
    torch.testing.assert_close(together[1:2], alone)
    raw = net.read(cut(source, attention))
    torch.testing.assert_close(together, ((raw + 1) / 2).clamp(0, 1))


def test_gradients_reach_generators_through_every_output() -> None:
    source, attention, shown = scene()
    net = RegionGenerators(2, 8, 2, 4)
    made = repaint(net, source, attention, shown, -shown, CONFIG, restore=True)
    assert made.restored is not None
    for output in (made.image, made.painted, made.restored, made.latent):
        net.zero_grad()
        output.sum().backward(retain_graph=True)
        assert net.encoder[0].weight.grad is not None
        assert bool(net.encoder[0].weight.grad.any())
