"""Fits the position map network on a dataset with meshes.

Feng et al., ECCV 2018, section 3: the position map of the mesh in the cropped picture is the
target, the error of a texel is weighted by where on the face it lies. What differs from the paper
saves time. The learning rate rises, then falls as a cosine; the weights are averaged over the
steps; batch normalization follows faster. Short cuts guide the inner layers (`supervision.py`), an
error counts in proportion, not squared, and the pictures are disturbed (`augment.py`).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor, nn

from aukit.contracts.context import Context
from aukit.contracts.dataset import KnowsMesh
from aukit.contracts.session import Session
from aukit.errors import ConfigError, DataError
from aukit.machine.processes import own_share, unwrap
from aukit.seeds import seed_of
from aukit.training.averages import Ema
from aukit.training.loop import train
from aukit.training.recipe import Recipe
from aukit.vision.warp import apply
from aukit_prnet import weights as weight_files
from aukit_prnet.augment import Jitter, crops, cut, disturb, move
from aukit_prnet.examples import Example, Examples, render
from aukit_prnet.layout import Layout
from aukit_prnet.measure import errors
from aukit_prnet.network import PositionMapNet
from aukit_prnet.recipe import FitOptions
from aukit_prnet.supervision import Guided, coarse_loss, ease, map_loss, point_error, target_maps
from aukit_prnet.wear import wear

WEIGHTS = "prnet.safetensors"
VALID_BATCH = 32
LICENCE = "Apache-2.0; fitted only on avatars, which derive from CC0 assets"


class PrnetFit:
    """Makes weights for the aligner `prnet`.

    Args:
        config: options of the fit.
        context: its seed is recorded in the card.
    """

    def __init__(self, config: FitOptions, context: Context) -> None:
        self.config = config
        self.context = context
        self.layout = Layout.load(config.resolution)
        self.network: PositionMapNet | None = None
        self.card: dict[str, Any] = {}

    def fit(self, dataset: KnowsMesh, train: pa.Table, valid: pa.Table, session: Session) -> None:
        """Render the examples if necessary, and fit the network on them.

        Raises:
            ConfigError: the dataset's mesh is not the one that the layout was made from.
            DataError: there is nothing to fit on.
        """
        if dataset.mesh != self.layout.mesh:
            raise ConfigError(
                f"prnet's maps are for the mesh '{self.layout.mesh}', not '{dataset.mesh}'",
                "fit it on a dataset with that mesh, such as avatars-wild",
            )
        if train.num_rows == 0:
            raise DataError("the dataset has no training pictures")
        sets = [
            render(dataset, rows, session.folder / name, session.progress)
            for name, rows in (("train", train), ("valid", valid))
        ]
        fit = Fit(self.config, self.layout, session, *sets)
        self.network = fit.run()
        self.card = {
            "licence": LICENCE,
            "fitted_on": about(dataset, train),
            "options": asdict(self.config),
            "seed": self.context.seed,
            "valid": {name: round(value, 3) for name, value in fit.scores.items()},
        }

    def save(self, folder: Path) -> Path:
        """Write the weights, float16, and their card.

        Raises:
            DataError: nothing was fitted.
        """
        if self.network is None:
            raise DataError("prnet has not been fitted")
        path = folder / WEIGHTS
        weight_files.save(path, copy.deepcopy(self.network).half(), self.card, self.layout)
        return path


def about(dataset: Any, rows: pa.Table) -> dict[str, Any]:
    """What the card says about the data."""
    people = set(zip(*(rows.column(n).to_pylist() for n in ("dataset", "subject")), strict=True))
    return {
        "data": sorted({name for name, _ in people}),
        "people": len(people),
        "pictures": rows.num_rows,
        "recipe": repr(getattr(dataset, "config", None)),
    }


class Fit:
    """One fit.

    Args:
        config: how.
        layout: at the resolution of the fit.
        session: where.
        train, valid: examples; the latter may be empty.
    """

    def __init__(
        self,
        config: FitOptions,
        layout: Layout,
        session: Session,
        train: Examples,
        valid: Examples,
    ) -> None:
        self.config = config
        self.session = session
        self.layout = layout.to(session.device)
        self.train, self.valid = train, valid
        self.scores: dict[str, float] = {}
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))
        self._on_gpu = session.device.startswith("cuda")
        self.network = self._fresh().to(session.device)
        self.average = Ema(self.network, config.average)
        self.model = session.prepare(Guided(self.network))
        if not self._on_gpu:
            # oneDNN overruns its memory in channels-last convolutions of a few channels.
            unwrap(self.model).to(memory_format=torch.contiguous_format)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(),
            lr=config.learning_rate,
            fused=self._on_gpu,
        )

    def _fresh(self) -> PositionMapNet:
        torch.manual_seed(seed_of(self.session.seed, "initialize"))
        network = self._started() if self.config.start else self._eased()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = self.config.momentum
        return network

    def _eased(self) -> PositionMapNet:
        network = PositionMapNet(self.config.width, self.config.resolution)
        _, target = self.sample(self.train.batch(self.rows(0)))
        ease(network, target.cpu(), self.layout.to("cpu"))
        return network

    def _started(self) -> PositionMapNet:
        """The network of weights to begin from.

        Raises:
            ConfigError: they are of another size or layout.
        """
        found = weight_files.load(Path(self.config.start))
        network, wanted = found.network, (self.config.width, self.config.resolution)
        if (network.width, network.resolution) != wanted or found.layout.name != self.layout.name:
            raise ConfigError(
                f"{self.config.start} are weights of width {network.width} at "
                f"{network.resolution} pixels on the layout {found.layout.name}",
                "use the same --fit.width and --fit.resolution, or start from scratch",
            )
        return network.train()

    def run(self) -> PositionMapNet:
        """Train, and return the averaged network, in evaluation mode on the CPU."""
        recipe = Recipe(
            modules={"model": self.model, "average": self.average},
            optimizers={"adam": self.optimizer},
            steps=self.config.steps,
            step=self.step,
            every=max(1, self.config.steps // self.config.ticks),
            on_tick=self.validate,
        )
        train("prnet", recipe, self.session)
        network = self.average.module
        assert isinstance(network, PositionMapNet)
        return network.cpu().eval()

    def rows(self, number: int) -> Sequence[int]:
        """The examples of a step: every one once in an epoch, in its random order."""
        size = min(self.config.batch, len(self.train))
        epoch, position = divmod(number, len(self.train) // size)
        if self._order[0] != epoch:
            generator = torch.Generator().manual_seed(seed_of(self.session.seed, "order", epoch))
            self._order = (epoch, torch.randperm(len(self.train), generator=generator))
        rows: list[int] = self._order[1][position * size : (position + 1) * size].tolist()
        return rows

    def learning_rate(self, number: int) -> float:
        """The learning rate of a step, a function of its number alone so that resuming is exact."""
        rise = min(1.0, (number + 1) / max(1, self.config.warmup))
        fall = (1 + math.cos(math.pi * number / self.config.steps)) / 2
        return self.config.learning_rate * rise * fall

    def step(self, number: int) -> dict[str, Tensor]:
        """One step on one batch."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(number)
        example = self.train.batch(own_share(self.rows(number)))
        pictures, target = self.sample(example, clean=number < self.config.warmup)
        self.model.train()
        with self.session.autocast():
            answer = self.model(pictures)
        loss, guide = self.losses(answer, target)
        self.optimizer.zero_grad(set_to_none=True)
        (loss + self.config.guide * guide).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.average.update(self.network)
        return {"loss": loss, "guide": guide}

    def losses(
        self, answer: tuple[Tensor, Tensor, list[Tensor]], target: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The error of the maps, and that of the short cuts."""
        maps, points, coarse = answer
        known = self.layout.template.landmarks_of(self.layout.vertices_of(target))
        loss = map_loss(maps, target, self.layout.weights, self.config.loss)
        guide = point_error(points, known, self.config.loss).mean()
        return loss, guide + coarse_loss(coarse, target, self.layout.weights, self.config.loss)

    @torch.no_grad()
    def sample(self, example: Example, clean: bool = False) -> tuple[Tensor, Tensor]:
        """Jittered crops of a batch, disturbed unless they shall be clean, and their maps."""
        images, vertices, landmarks = self._moved(example)
        transforms = crops(landmarks, self.config.resolution, Jitter())
        cropped = cut(images, transforms, self.config.resolution)
        pictures = cropped[:, :3]
        if not clean:
            pictures = disturb(wear(pictures, apply(transforms, landmarks)), cropped[:, 3:])
        target = target_maps(move(vertices, transforms), self.layout)
        return self.session.images(pictures) if self._on_gpu else pictures, target

    def _moved(self, example: Example) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 4, H, W) pictures and cover in 0..1, vertices and landmarks, on the device."""
        moved = self.session.moved
        images = moved(torch.cat([example.images, example.cover[:, None]], 1)).float() / 255
        return images, moved(example.vertices), moved(example.landmarks)

    @torch.inference_mode()
    def validate(self, number: int) -> dict[str, float]:
        """Errors of the averaged network on the validation people, undisturbed, in percent."""
        if len(self.valid) == 0:
            return {}
        network = self.average.module.eval()
        starts = range(0, len(self.valid), VALID_BATCH)
        parts = [self._errors(network, start) for start in starts]
        self.scores = {
            name: 100 * float(torch.cat([part[name] for part in parts]).mean()) for name in parts[0]
        }
        return self.scores

    def _errors(self, network: nn.Module, start: int) -> dict[str, Tensor]:
        size = self.config.resolution
        rows = range(start, min(start + VALID_BATCH, len(self.valid)))
        images, vertices, landmarks = self._moved(self.valid.batch(rows))
        transforms = crops(landmarks, size)
        with self.session.autocast():
            found = network(cut(images[:, :3], transforms, size)).float()
        truth = target_maps(move(vertices, transforms), self.layout)
        answer, known = self.layout.vertices_of(found), self.layout.vertices_of(truth)
        return errors(answer, known, self.layout.template)
