"""The device that pretends: that it refuses and counts what it is there for."""

from __future__ import annotations

import copy

import pytest
import torch
from pretend import Stalls
from torch import nn


def test_values_and_gradients_are_those_of_the_cpu(stalls: Stalls) -> None:
    here, there = nn.Linear(3, 2), nn.Linear(3, 2)
    there.load_state_dict(here.state_dict())
    there = copy.deepcopy(there).to("pretend")
    x, losses = torch.randn(5, 3), []
    for network, device in ((here, "cpu"), (there, "pretend")):
        adam = torch.optim.Adam(network.parameters(), lr=0.1, fused=True)
        for _ in range(3):
            given = x.to(device).requires_grad_()
            (slope,) = torch.autograd.grad(network(given).square().sum(), given, create_graph=True)
            adam.zero_grad()
            loss = slope.square().mean()
            loss.backward()
            adam.step()
        losses.append(loss.detach().cpu())
    torch.testing.assert_close(*losses)


def test_devices_do_not_mix(stalls: Stalls) -> None:
    there = torch.ones(3, device="pretend")
    with pytest.raises(RuntimeError, match="same device"):
        there + torch.ones(3)
    with pytest.raises(RuntimeError, match="indices"):
        torch.ones(3)[torch.tensor([0], device="pretend")]
    with pytest.raises(TypeError, match="numpy"):
        there.numpy()
    assert (there + torch.tensor(2.0)).sum().item() == 9  # numbers may


def test_what_waits_is_counted(stalls: Stalls) -> None:
    x = torch.arange(4.0, device="pretend")
    assert not stalls
    assert float(x[1]) == 1
    assert len(x[x > 1]) == 2
    x.cpu()
    found = {what for what, _ in stalls}
    assert found == {"reads a number", "indexes by a mask", "copies to the CPU"}
