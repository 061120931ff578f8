"""Fits the position map network on a dataset that knows its meshes.

Feng et al., ECCV 2018, section 3: the position map of the mesh in the cropped picture is the
target, the error of a texel is weighted by where on the face it lies. What differs from the paper:
the learning rate rises, then falls as a cosine; the weights are averaged over the steps; batch
normalization follows faster; the pictures are disturbed (`augment.py`).
"""

from __future__ import annotations

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
from aukit.errors import ConfigError, DataError
from aukit.models import save_tensors
from aukit.seeds import seed_of
from aukit.store import write_json
from aukit.training import Ema, Recipe, Session, distributed, own_share, train, unwrap
from aukit_prnet.augment import Jitter, crops, cut, disturb, move
from aukit_prnet.examples import Example, Examples, render
from aukit_prnet.layout import Layout
from aukit_prnet.measure import inter_ocular, nme, same_depth
from aukit_prnet.network import REACH, PositionMapNet
from aukit_prnet.recipe import PrnetRecipe

WEIGHTS, CARD = "prnet.safetensors", "prnet.json"
VALID_BATCH = 32


class PrnetFit:
    """Makes weights for the aligner `prnet`.

    Args:
        config: the recipe.
        context: device.
    """

    def __init__(self, config: PrnetRecipe, context: Context) -> None:
        self.config = config
        self.context = context
        self.network: PositionMapNet | None = None
        self.card: dict[str, Any] = {}

    def fit(self, dataset: KnowsMesh, train: pa.Table, valid: pa.Table, session: Session) -> None:
        """Render the examples, unless they are there, and fit the network on them.

        Args:
            dataset: knows the meshes of its pictures.
            train: index rows to fit on.
            valid: index rows to follow the error on; may be empty.
            session: its folder keeps the examples and the checkpoint.

        Raises:
            ConfigError: the dataset's mesh is not the one that the layout was made from.
            DataError: there is nothing to fit on.
        """
        layout = Layout.load(self.config.resolution)
        if dataset.mesh != layout.mesh:
            raise ConfigError(
                f"the layout of prnet lies on the mesh '{layout.mesh}', not '{dataset.mesh}'",
                "fit it on a dataset with that mesh, such as avatars-wild",
            )
        if train.num_rows == 0:
            raise DataError("the dataset has no training pictures")
        with distributed(session.device):
            sets = [
                render(dataset, rows, session.folder / name, session.progress)
                for name, rows in (("train", train), ("valid", valid))
            ]
            fit = _Fit(self.config, layout, session, *sets)
            self.network = fit.run()
        people = {tuple(who) for who in zip(*_columns(train, "partition", "subject"), strict=True)}
        self.card = {
            "format": "aukit-prnet/1",
            "layout": layout.name,
            "width": self.config.width,
            "resolution": self.config.resolution,
            "trained_on": {
                "dataset": sorted(set(train.column("dataset").to_pylist())),
                "pictures": train.num_rows,
                "people": len(people),
                "options": repr(getattr(dataset, "config", "")),
            },
            "recipe": asdict(self.config),
            "seed": self.context.seed,
            "valid": fit.scores,
            "licence": "Apache-2.0; fitted on avatars alone, which derive from CC0 assets",
        }

    def save(self, folder: Path) -> None:
        """Write the weights (float16) and their card.

        Raises:
            DataError: nothing was fitted.
        """
        if self.network is None:
            raise DataError("prnet has not been fitted")
        tensors = {
            key: value.detach().to("cpu", torch.float16 if value.is_floating_point() else None)
            .contiguous()
            for key, value in self.network.state_dict().items()
            if not key.endswith("num_batches_tracked")
        }  # fmt: skip
        save_tensors(folder / WEIGHTS, tensors)
        write_json(folder / CARD, self.card)


def target_maps(vertices: Tensor, layout: Layout) -> Tensor:
    """What the network shall answer for meshes in a crop.

    Args:
        vertices: (B, V, 3) pixels of the crop, z in the same unit.
        layout: made from this mesh.

    Returns:
        (B, 3, R, R): x, y and z, divided by `REACH` * R; z counts from the nearest point of the
        face. 0 outside the face.
    """
    maps = layout.position_maps(vertices)
    near = layout.vertices_of(maps[:, 2:])[..., 0].amin(1)
    maps[:, 2] = torch.where(layout.valid, maps[:, 2] - near[:, None, None], 0)
    return maps / (REACH * layout.resolution)


def map_loss(predicted: Tensor, target: Tensor, weights: Tensor, kind: str = "squared") -> Tensor:
    """Weighted mean error of (B, 3, R, R) maps, (R, R) weights, in the unit of the maps * 100."""
    error = (predicted - target) * 100
    error = error.square() if kind == "squared" else error.abs()
    return (error * weights).sum() / (weights.sum() * error.shape[0] * error.shape[1])


class _Fit:
    """One fit.

    Args:
        config: the recipe.
        layout: at the recipe's resolution.
        session: where.
        train, valid: examples.
    """

    def __init__(
        self,
        config: PrnetRecipe,
        layout: Layout,
        session: Session,
        train: Examples,
        valid: Examples,
    ) -> None:
        self.config = config
        self.session = session
        self.layout = layout.to(session.device)
        self.weights = self.layout.weights
        self.train, self.valid = train, valid
        torch.manual_seed(seed_of(session.seed, "initialize"))
        network = PositionMapNet(config.width, config.resolution)
        _set_momentum(network, config.momentum)
        self.model = session.prepare(network)
        self.ema = Ema(unwrap(self.model), config.average)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(),
            lr=config.learning_rate,
            fused=session.device.startswith("cuda"),
        )
        self.scores: dict[str, float] = {}
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def run(self) -> PositionMapNet:
        """Train, and return the averaged network."""
        recipe = Recipe(
            modules={"model": self.model, "average": self.ema},
            optimizers={"adam": self.optimizer},
            steps=self.config.steps,
            step=self.step,
            every=max(1, self.config.steps // self.config.ticks),
            on_tick=self.validate,
        )
        train("prnet", recipe, self.session)
        self.scores = self.scores or self.validate(self.config.steps)
        network = self.ema.module
        assert isinstance(network, PositionMapNet)
        return network

    def rows(self, number: int) -> Sequence[int]:
        """The examples of a step: every one once in an epoch, in its random order."""
        size = min(self.config.batch, len(self.train))
        per_epoch = len(self.train) // size
        epoch, position = divmod(number, per_epoch)
        if self._order[0] != epoch:
            generator = torch.Generator().manual_seed(seed_of(self.session.seed, "order", epoch))
            self._order = (epoch, torch.randperm(len(self.train), generator=generator))
        rows: list[int] = self._order[1][position * size : (position + 1) * size].tolist()
        return rows

    def learning_rate(self, number: int) -> float:
        """The learning rate of a step, a function of its number alone so that resuming is exact."""
        rise = min(1.0, (number + 1) / max(1, self.config.warmup))
        return (
            self.config.learning_rate
            * rise
            * (1 + math.cos(math.pi * number / self.config.steps))
            / 2
        )

    def step(self, number: int) -> dict[str, Tensor]:
        """One step on one batch."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(number)
        pictures, target = self.sample(self.train.batch(own_share(self.rows(number))))
        self.model.train()
        with self.session.autocast():
            predicted = self.model(pictures)
        loss = map_loss(predicted.float(), target, self.weights, self.config.loss)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.ema.update(unwrap(self.model))
        return {"loss": loss}

    @torch.no_grad()
    def sample(self, example: Example) -> tuple[Tensor, Tensor]:
        """Jittered, disturbed crops of a batch, and their target maps."""
        images, vertices, landmarks = self._moved(example)
        transforms = crops(landmarks, self.config.resolution, Jitter())
        cropped = cut(images, transforms, self.config.resolution)
        pictures = disturb(cropped[:, :3], cropped[:, 3:])
        target = target_maps(move(vertices, transforms), self.layout)
        return pictures.contiguous(memory_format=torch.channels_last), target

    def _moved(self, example: Example) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 4, H, W) pictures and cover in 0..1, vertices and landmarks, on the device."""
        device = self.session.device
        images = torch.cat([example.images, example.cover[:, None]], 1).to(device).float() / 255
        return images, example.vertices.to(device), example.landmarks.to(device)

    @torch.inference_mode()
    def validate(self, number: int) -> dict[str, float]:
        """Percent of the inter-ocular distance, in space, on the undisturbed validation people."""
        if len(self.valid) == 0:
            return {}
        network = self.ema.module.eval()
        starts = range(0, len(self.valid), VALID_BATCH)
        errors = torch.cat([self._errors(network, start) for start in starts])
        sparse, flat, dense = (100 * errors.mean(0)).tolist()
        self.scores = {"nme68": sparse, "nme68 2d": flat, "nme dense": dense}
        return self.scores

    def _errors(self, network: nn.Module, start: int) -> Tensor:
        """(B, 3) errors of the 68 points in space and in the picture, and of the dense mesh."""
        size = self.config.resolution
        rows = range(start, min(start + VALID_BATCH, len(self.valid)))
        images, vertices, landmarks = self._moved(self.valid.batch(rows))
        transforms = crops(landmarks, size)
        predicted = network(cut(images[:, :3], transforms, size)).float()
        maps = torch.stack([predicted, target_maps(move(vertices, transforms), self.layout)])
        found, truth = self.layout.vertices_of(maps.flatten(0, 1)).unflatten(0, (2, -1))
        found = same_depth(found, truth)
        points, known = map(self.layout.template.landmarks_of, (found, truth))
        scale = inter_ocular(known)
        return torch.stack(
            [
                nme(points, known, scale),
                nme(points[..., :2], known[..., :2], scale),
                nme(found, truth, scale),
            ],
            1,
        )


def _set_momentum(network: nn.Module, momentum: float) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = momentum


def _columns(table: pa.Table, *names: str) -> list[list[Any]]:
    return [table.column(name).to_pylist() for name in names]
