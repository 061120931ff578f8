"""All AUs of LAC-GAN in one computation beside a loop over AUs.

pytest tests/benchmarks/bench_lacgan.py -n0 -s

Both sides hold the same weights and compute the same numbers in the same run, forward alone (as
painting does) and with gradients (as fitting does). The loop is what one writes first: a network
for each AU, called one after the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from aukit_lacgan.networks import RegionGenerators
from aukit_lacgan.plugin import QUICK

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
BP4D, FERA17 = 12, 7


class Size(NamedTuple):
    """What is measured: AUs, side of the pictures, width, dimensions of z, faces."""

    aus: int
    side: int
    width: int
    latent: int
    batch: int


SIZES = {"quick": Size(FERA17, QUICK["size"], QUICK["width"], 60, QUICK["batch"])}
if "cuda" in DEVICES:
    SIZES["paper"] = Size(BP4D, 200, 32, 60, 25)


def alone(together: RegionGenerators, size: Size) -> list[RegionGenerators]:
    """The same generators, each a network of its own."""
    state = together.state_dict()
    parts = []
    for au in range(size.aus):
        net = RegionGenerators(1, size.side, size.width, size.latent)
        net.load_state_dict({k: v.chunk(size.aus)[au] for k, v in state.items()})
        parts.append(net.to(next(together.parameters()).device))
    return parts


def looped(nets: Sequence[RegionGenerators], regions: Tensor, labels: Tensor) -> Tensor:
    made = [net(regions[:, [au]], labels[..., [au]]).pictures for au, net in enumerate(nets)]
    return torch.cat(made, 2)


@pytest.mark.parametrize("gradients", [False, True], ids=["forward", "gradients"])
@pytest.mark.parametrize("how", ["together", "loop"])
@pytest.mark.parametrize("name", list(SIZES))
@pytest.mark.parametrize("device", DEVICES)
def test_generators(
    benchmark: BenchmarkFixture, device: str, name: str, how: str, gradients: bool
) -> None:
    size = SIZES[name]
    torch.manual_seed(0)
    together = RegionGenerators(size.aus, size.side, size.width, size.latent).to(device)
    nets = alone(together, size)
    regions = torch.randn(size.batch, size.aus, 3, size.side, size.side, device=device)
    labels = torch.rand(size.batch, 2, size.aus, device=device)
    kinds: dict[str, Callable[[], Tensor]] = {
        "together": lambda: together(regions, labels).pictures,
        "loop": lambda: looped(nets, regions, labels),
    }
    with torch.no_grad():
        torch.testing.assert_close(kinds["loop"](), kinds["together"](), atol=1e-3, rtol=1e-2)
    weights = [*together.parameters(), *itertools.chain(*(net.parameters() for net in nets))]

    def run() -> None:
        with torch.set_grad_enabled(gradients):
            made = kinds[how]()
            if gradients:
                torch.autograd.grad(made.sum(), weights, allow_unused=True)
        if device == "cuda":
            torch.cuda.synchronize()

    benchmark.group = f"{name} on {device}, {'gradients' if gradients else 'forward'}"
    benchmark.extra_info["faces"] = size.batch
    benchmark.pedantic(run, rounds=5, warmup_rounds=1)
