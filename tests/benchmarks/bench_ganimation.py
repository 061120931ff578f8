"""GANimation's training step and painting beside a plain eager float32 implementation.

pytest tests/benchmarks/bench_ganimation.py -n0 -s

Both sides use the same networks, losses and batches in one run. The plain side is what one writes
first: float32, default memory layout, a second forward of the generator for its own step, gradients
of the critic's weights computed in it and thrown away, every number read off at once.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.labels import Labels
from aukit.contracts.session import Session
from aukit.synthesis.images import as_signed
from aukit.synthesis.losses import expression, idiosyncratic
from aukit.testing.drawn import DrawnFaces
from aukit.vision.resize import resized
from aukit_ganimation import losses
from aukit_ganimation.fit import Fit
from aukit_ganimation.networks import Critic, Generator
from aukit_ganimation.plugin import PUBLISHED_PAIRS, QUICK, IdiosyncraticConfig
from aukit_ganimation.synthesizer import Ganimation

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
PAPER = {name: entry.value for name, entry in PUBLISHED_PAIRS.items()}
QUICK_SIZE = IdiosyncraticConfig(**{**PAPER, **QUICK, "critic_steps": 1, "l_exp": 6.0})
PAPER_SIZE = IdiosyncraticConfig(**{**PAPER, "size": 128, "critic_steps": 1})
SIZES = {"quick": QUICK_SIZE} | ({"paper-128": PAPER_SIZE} if "cuda" in DEVICES else {})
"""One critic step a generator step, so that every measured step holds both."""


class Plain:
    """The same step without anything of the training layer."""

    def __init__(self, fit: Fit, device: str) -> None:
        self.fit, self.config = fit, fit.config
        config, aus = fit.config, len(fit.batches.faces.aus)
        self.generator = Generator(aus, config.width, config.blocks, config.attention).to(device)
        self.critic = Critic(aus, config.size, config.critic_width, config.depth).to(device)
        self.adams = [
            torch.optim.Adam(network.parameters(), 1e-4, (0.5, 0.999), foreach=False)
            for network in (self.critic, self.generator)
        ]

    def step(self, number: int) -> None:
        batch, config = self.fit.batches(number), self.config
        source = batch.source.contiguous()
        fake = self.generator(source, batch.wanted).image
        real, painted = self.critic(source), self.critic(fake.detach())
        penalty = losses.gradient_penalty(
            lambda x: self.critic(x).realism, source, fake.detach(), batch.mix
        )
        error = expression(real.intensity, batch.shown, batch.shown_mask)
        critic = losses.adversarial(real.realism, painted.realism)
        self.descend(0, critic + config.l_gp * penalty + config.l_exp * error)
        fake = self.generator(source, batch.wanted).image
        verdict, back = self.critic(fake), self.generator(fake, batch.shown).image
        assert batch.truth is not None
        self.descend(
            1,
            -verdict.realism.mean()
            + config.l_exp * expression(verdict.intensity, batch.wanted, batch.wanted_mask)
            + config.l_idt * losses.cycle(back, source)
            + config.l_ids * idiosyncratic(fake, batch.truth, batch.weight),
        )

    def descend(self, place: int, loss: Tensor) -> None:
        for adam in self.adams:
            adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.adams[place].step()
        loss.item()


def measure(
    benchmark: BenchmarkFixture, images: int, device: str, work: Callable[[], object]
) -> None:
    def run() -> None:
        work()
        if device == "cuda":
            torch.cuda.synchronize()

    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    run()
    benchmark(run)
    if benchmark.stats is not None:
        benchmark.extra_info["images per second"] = round(images / benchmark.stats["median"], 1)
        peak = (
            torch.cuda.max_memory_allocated() / 2**20
            if device == "cuda"
            else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        )
        benchmark.extra_info["peak MiB" + (" of the process" if device == "cpu" else "")] = round(
            peak
        )
        print({benchmark.name: benchmark.extra_info})  # noqa: T201


def faces(config: IdiosyncraticConfig) -> DrawnFaces:
    aus = ("AU01", "AU02", "AU04", "AU06", "AU10", "AU12", "AU17")
    return DrawnFaces(64, people=8, aus=aus, size=config.size)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("how", ["aukit", "plain"])
def test_training_step(
    benchmark: BenchmarkFixture, tmp_path: Path, size: str, device: str, how: str
) -> None:
    config = SIZES[size]
    fit = Fit(config, faces(config), Session(tmp_path, device=device))
    step = fit.step if how == "aukit" else Plain(fit, device).step
    numbers = iter(range(100_000))
    measure(benchmark, config.batch, device, lambda: step(next(numbers)))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("how", ["aukit", "plain"])
def test_painting(
    benchmark: BenchmarkFixture, tmp_path: Path, size: str, device: str, how: str
) -> None:
    config = SIZES[size]
    source = faces(config)
    batch = source.batch(range(64))
    synthesizer = Ganimation(config, Context(device))
    synthesizer.aus = source.aus
    synthesizer.networks = synthesizer.build(config, source.aus)
    targets = Labels(source.aus, torch.full((64, 7), 3.0), torch.ones(64, 7, dtype=torch.bool))
    generator = synthesizer.networks["generator"].to(device)

    def plain() -> Tensor:
        with torch.no_grad():
            small = resized(as_signed(batch.images.to(device)).contiguous(), config.size)
            painted = generator(small, targets.values.to(device) / 5).image
            return ((painted.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu()

    work = plain if how == "plain" else lambda: synthesizer.paint(batch, targets)
    measure(benchmark, 64, device, work)
