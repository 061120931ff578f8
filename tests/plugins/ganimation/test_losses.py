"""The losses of section 3.2 against plain loops, and their gradients against differences."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from aukit.synthesis import losses as shared
from aukit_ganimation import losses


def double(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64).requires_grad_()


def test_gradients_are_those_of_differences() -> None:
    first, second = double(3, 2, 4, 4), double(3, 2, 4, 4, seed=1)
    mask = torch.tensor([[True, False], [True, True], [False, False]])
    weight = torch.tensor([1.5, 0.0, 1.5], dtype=torch.float64)
    check = torch.autograd.gradcheck
    assert check(losses.adversarial, (first, second))
    assert check(losses.cycle, (first, second))
    assert check(lambda x: shared.idiosyncratic(x, second.detach(), weight), (first,))
    assert check(shared.total_variation, (first[:, :1],))
    wanted = double(3, 2, seed=2).detach()
    assert check(lambda x: shared.expression(x, wanted, mask), (double(3, 2),))


def test_the_penalty_has_the_right_gradient_in_the_critics_weights() -> None:
    """Through the derivative of the critic: a second derivative."""
    real, fake = double(2, 3, 4, 4).detach(), double(2, 3, 4, 4, seed=1).detach()
    mix = torch.tensor([0.25, 0.75], dtype=torch.float64)

    def penalty(kernel: Tensor, head: Tensor) -> Tensor:
        def realism(images: Tensor) -> Tensor:
            hidden = nn.functional.leaky_relu(nn.functional.conv2d(images, kernel), 0.01)
            return nn.functional.conv2d(hidden.tanh(), head)

        return losses.gradient_penalty(realism, real, fake, mix)

    assert torch.autograd.gradcheck(penalty, (double(2, 3, 3, 3), double(1, 2, 1, 1, seed=2)))


def test_the_penalty_of_a_linear_critic_is_known() -> None:
    """D(x) = w.x in every one of four patches: the slope of their sum is 4 w everywhere."""
    weights = torch.full((3, 2, 2), 0.5)  # |4 w| = 4 * sqrt(12 * 0.25)
    real, fake, mix = torch.rand(5, 3, 2, 2), torch.rand(5, 3, 2, 2), torch.rand(5)

    def realism(images: Tensor) -> Tensor:
        return (images * weights).sum((1, 2, 3)).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)

    expected = (4 * (12 * 0.25) ** 0.5 - 1) ** 2
    assert float(losses.gradient_penalty(realism, real, fake, mix)) == pytest.approx(expected)


def test_the_penalty_looks_between_the_faces_and_survives_a_flat_critic() -> None:
    seen: list[Tensor] = []

    def realism(images: Tensor) -> Tensor:
        seen.append(images.detach())
        return images.sum((1, 2, 3)) * 0

    real, fake = torch.ones(2, 3, 2, 2), torch.zeros(2, 3, 2, 2)
    value = losses.gradient_penalty(realism, real, fake, torch.tensor([0.25, 1.0]))
    assert torch.equal(seen[0][0], torch.full((3, 2, 2), 0.25))
    assert torch.equal(seen[0][1], torch.ones(3, 2, 2))
    assert float(value) == pytest.approx(1.0, abs=1e-5)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 99))
def test_expression_loss_is_the_loop_over_coded_aus(faces: int, aus: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    seen, wanted = torch.rand((2, faces, aus), generator=generator)
    mask = torch.rand((faces, aus), generator=generator) < 0.6
    total = sum(
        (float(seen[b, a]) - float(wanted[b, a])) ** 2
        for b in range(faces) for a in range(aus) if mask[b, a]
    )  # fmt: skip
    found = shared.expression(seen, wanted, mask)
    assert float(found) == pytest.approx(total / (faces * aus), abs=1e-6)


def test_masked_aus_cost_nothing_even_where_their_values_are_no_numbers() -> None:
    seen = torch.rand(2, 3).requires_grad_()
    mask = torch.tensor([[True, False, True], [False, False, True]])
    wanted = torch.where(mask, 0.5, float("nan"))
    shared.expression(seen, wanted, mask).backward()
    assert seen.grad is not None
    assert torch.equal(seen.grad != 0, mask)


def test_idiosyncratic_loss_is_the_mean_over_pairs_alone() -> None:
    fake, truth = torch.rand(4, 3, 5, 5), torch.rand(4, 3, 5, 5)
    same = torch.tensor([True, False, True, False])
    found = shared.idiosyncratic(fake, truth, same / same.float().mean())
    expected = (fake - truth)[[0, 2]].abs().mean()
    torch.testing.assert_close(found, expected)


def test_equal_shares_of_a_batch_average_to_the_whole() -> None:
    fake, truth, weight = torch.rand(6, 3, 4, 4), torch.rand(6, 3, 4, 4), torch.rand(6)
    seen, wanted, mask = torch.rand(6, 2), torch.rand(6, 2), torch.rand(6, 2) < 0.5
    halves = [slice(0, 6, 2), slice(1, 6, 2)]
    for whole, parts in (
        (
            shared.idiosyncratic(fake, truth, weight),
            [shared.idiosyncratic(fake[h], truth[h], weight[h]) for h in halves],
        ),
        (
            shared.expression(seen, wanted, mask),
            [shared.expression(seen[h], wanted[h], mask[h]) for h in halves],
        ),
    ):
        torch.testing.assert_close(torch.stack(parts).mean(), whole)


def test_total_variation_counts_the_edges_of_a_mask() -> None:
    keep = torch.zeros(2, 1, 5, 5)
    keep[0, 0, 1:3, 1:4] = 0.5  # two by three pixels: ten sides of half a step
    assert float(shared.total_variation(keep)) == pytest.approx(10 * 0.5 / 2)
