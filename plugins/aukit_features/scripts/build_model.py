"""Build the model that comes with aukit: `data/strangers`.

Usage: python build_model.py FACE_LANDMARKER.task MOBILENET.pth CACHE OUT

Renders people of the family `kin` of `avatars-strangers`, finds their landmarks, registers them in
2D, fits `features`, and tests it on people of the family `odd`, whom nothing is fitted on. CACHE
keeps registered faces, a file a part, so that an interrupted build continues. On one core: an
hour, most of it for the pictures.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

import aukit
from aukit import api
from aukit.config.files import plain_toml
from aukit.config.resolve import nest, resolve
from aukit.contracts.context import Context
from aukit.contracts.estimator import TrainingSet
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.contracts.landmarker import Faces
from aukit.contracts.session import Session
from aukit.data.kinds import INTENSITY
from aukit.registry.loading import Registry
from aukit.runs.export import choices_of, section
from aukit.runs.exported import FORMAT, MODEL_CARD, MODEL_FILE, README
from aukit.runs.models import FittedModel
from aukit.statistics.agreement import agreement_terms, icc
from aukit.store.files import write_json, write_text
from aukit.store.models import CARD, load_card
from aukit_avatars.actions import AUS
from aukit_features.features import FeaturesEstimator
from aukit_features.plugin import FeaturesConfig

SIZE = 160
PART = 180
TRAIN = (
    {"family": "kin", "train": 340, "frames": 9, "seed": 0},
    {"family": "kin", "train": 405, "frames": 4, "seed": 3},
    {"family": "kin", "train": 900, "frames": 4, "seed": 4},
)
VALID = ({"family": "kin", "valid": 40, "frames": 9, "seed": 0},)
TEST = ({"family": "odd", "test": 72, "frames": 9, "seed": 0},)
OPTIONS = FeaturesConfig(size=SIZE, limits=False, head="network", components=1024)
ALIGNER = "2d"
RUN = {
    "preset": "paper",
    "data": "avatars-strangers",
    "data.family": "kin",
    "landmarker": "mediapipe",
    "aligner": ALIGNER,
    "aligner.size": SIZE,
    "balancer": "none",
    "estimator": "features",
    "estimator.limits": False,
    "estimator.head": OPTIONS.head,
    "estimator.components": OPTIONS.components,
}
"""What a run would say that did the same."""

PAPER = ("AU01", "AU04", "AU06", "AU10", "AU12", "AU14", "AU17")
DRAWS = 1000
TEMPLATE = Path(__file__).with_name("model_readme.md")


@dataclass(frozen=True)
class Kept:
    """Registered faces in memory, as a `FaceSource`."""

    images: Tensor
    landmarks: Tensor
    labels: Labels
    people: Sequence[str]
    aus: tuple[str, ...] = AUS

    @property
    def table(self) -> pa.Table:
        """Who the people are."""
        parts = [one.split("/") for one in self.people]
        names = ("dataset", "partition", "subject")
        return pa.table({name: [p[i] for p in parts] for i, name in enumerate(names)})

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: Sequence[int]) -> FaceBatch:
        """Some of the faces."""
        rows = list(indices)
        return FaceBatch(
            ids=tuple(str(row) for row in rows),
            subjects=tuple(self.people[row] for row in rows),
            images=self.images[rows],
            labels=self.labels.take(rows),
            landmarks=self.landmarks[rows],
        )


class Maker:
    """Renders and registers faces, and keeps them in a folder."""

    def __init__(self, bundle: Path, cache: Path) -> None:
        self.cache = cache
        self.landmarker = api.build("landmarker", "mediapipe", weights=str(bundle))
        self.aligner = api.build("aligner", ALIGNER, size=SIZE)

    def faces(self, recipes: Sequence[dict[str, Any]]) -> Kept:
        """All faces of some recipes that could be registered."""
        parts = [part for recipe in recipes for part in self._parts(recipe)]
        values = torch.from_numpy(np.concatenate([part["levels"] for part in parts]))
        return Kept(
            images=torch.from_numpy(np.concatenate([part["images"] for part in parts])),
            landmarks=torch.from_numpy(np.concatenate([part["landmarks"] for part in parts])),
            labels=Labels(AUS, values, torch.ones_like(values, dtype=torch.bool)),
            people=[str(one) for part in parts for one in part["people"]],
        )

    def _parts(self, recipe: dict[str, Any]) -> list[Any]:
        counts = {"train": 0, "valid": 0, "test": 0}
        dataset = api.build("data", "avatars-strangers", **(counts | recipe))
        index = dataset.index()
        name = "-".join(f"{key}{value}" for key, value in recipe.items())
        return [
            self._part(dataset, index.slice(start, PART), f"{name}-{start:05d}")
            for start in range(0, index.num_rows, PART)
        ]

    def _part(self, dataset: Any, rows: pa.Table, name: str) -> Any:
        path = self.cache / f"{name}.npz"
        if not path.exists():
            images = [image for frames in dataset.read(rows) for image in frames.images]
            found = [_first(faces) for faces in self.landmarker.detect(images)]
            aligned = self.aligner.align(images, found)
            good = [row for row, reason in enumerate(aligned.reasons) if reason is None]
            people = zip(
                *(rows[c].to_pylist() for c in ("dataset", "partition", "subject")), strict=True
            )
            seed = dataset.config.seed
            aside = path.with_suffix(".tmp.npz")
            np.savez(
                aside,
                images=aligned.images[good].cpu().numpy(),
                landmarks=aligned.landmarks[good].cpu().numpy(),
                levels=np.stack([rows[au].to_numpy() for au in AUS], 1).astype(np.float32)[good],
                people=np.array(["/".join((d, p, f"{seed}-{s}")) for d, p, s in people])[good],
            )
            os.replace(aside, path)
            print(name, len(good), "of", rows.num_rows, flush=True)
        with np.load(path) as part:
            return dict(part)


def _first(faces: Faces) -> Faces:
    """The best detection alone."""
    return Faces(
        boxes=faces.boxes[:1],
        scores=faces.scores[:1],
        landmarks={name: points[:1] for name, points in faces.landmarks.items()},
    )


def worth(estimator: FeaturesEstimator, faces: Kept) -> dict[str, Any]:
    """Scores on people of another family, as strangers, with other faces, with one at rest."""
    truth = faces.labels.values
    rest = [
        row for row in range(len(faces)) if row == 0 or faces.people[row] != faces.people[row - 1]
    ]
    at_rest = Kept(
        faces.images[rest], faces.landmarks[rest], faces.labels.take(rest),
        [faces.people[row] for row in rest],
    )  # fmt: skip
    found = {"a photo alone": _scores(estimator, faces, truth)}
    estimator.calibrate(faces)
    found["nine faces of the person"] = _scores(estimator, faces, truth)
    estimator.calibrate(at_rest, at_rest=True)
    found["one face at rest known"] = _scores(estimator, faces, truth)
    estimator.people = {}
    return found


def _scores(estimator: FeaturesEstimator, faces: Kept, truth: Tensor) -> dict[str, Any]:
    rows = range(len(faces))
    estimates = torch.cat(
        [estimator.predict(faces.batch(rows[s : s + 64])).intensity for s in rows[::64]]
    )
    terms = agreement_terms(truth.double(), estimates.double(), torch.ones_like(truth).bool())
    people = sorted(set(faces.people))
    place = torch.tensor([people.index(one) for one in faces.people])
    sums = torch.zeros(len(people), *terms.shape[1:]).double().index_add_(0, place, terms)
    still = truth.sum(1) == 0
    seven = [AUS.index(au) for au in PAPER]
    return {
        "icc": _interval(sums),
        "icc of the seven AUs of FERA 2017": _interval(sums[:, seven]),
        "icc of each AU": _named(icc(sums.sum(0))),
        "mean of each AU on neutral faces": _named(estimates[still].mean(0)),
        "mae": round(float((estimates - truth).abs().mean()), 3),
    }


def _interval(sums: Tensor) -> list[float]:
    """Mean ICC, and its 95 % interval over people (percentile bootstrap)."""
    generator = torch.Generator().manual_seed(0)
    draws = torch.randint(len(sums), (DRAWS, len(sums)), generator=generator)
    means = torch.stack([icc(sums[draw].sum(0)).nan_to_num(0).mean() for draw in draws])
    ends = means.quantile(torch.tensor([0.025, 0.975]).double())
    return [round(float(v), 3) for v in (icc(sums.sum(0)).nan_to_num(0).mean(), *ends)]


def _named(values: Tensor) -> dict[str, float]:
    return {au: round(float(value), 2) for au, value in zip(AUS, values, strict=True)}


def main() -> None:
    bundle, weights, cache, out = map(Path, sys.argv[1:5])
    maker = Maker(bundle, cache)
    train, valid, test = (maker.faces(recipes) for recipes in (TRAIN, VALID, TEST))
    estimator = FeaturesEstimator(OPTIONS, Context(weights=lambda ref: weights))
    with tempfile.TemporaryDirectory() as folder:
        counts = torch.ones(len(train), len(AUS))
        estimator.fit(TrainingSet(train, counts), valid, Session(Path(folder)))
    model = out / "estimator"
    model.mkdir(parents=True, exist_ok=True)
    estimator.save(model)
    loaded = FeaturesEstimator(OPTIONS, Context())
    loaded.load(model)
    alignment = {"aligner": ALIGNER, **maker.aligner.describe()}
    write_json(model / CARD, load_card(model) | {"alignment": alignment})
    document = components(loaded, model)
    write_text(out / MODEL_FILE, f"# a model of aukit\n{plain_toml(document)}\n")
    card = {**document, **about(train, test), "scores": worth(loaded, test)}
    write_json(out / MODEL_CARD, card)
    write_text(out / README, readme(card))


def components(estimator: FeaturesEstimator, folder: Path) -> dict[str, Any]:
    """What `model.toml` says."""
    config = resolve(Registry(), [("build_model.py", nest(RUN))])
    landmarker = config.roles["train"].landmarker
    assert landmarker is not None
    fitted = FittedModel(estimator, config, Context(), folder)
    choices = choices_of(fitted, landmarker, paints=False)
    return {
        "format": FORMAT,
        "aukit": aukit.__version__,
        "aus": list(AUS),
        "kinds": dict.fromkeys(AUS, INTENSITY),
        **{kind: section(choice, folder) for kind, choice in choices.items()},
    }


def about(train: Kept, test: Kept) -> dict[str, Any]:
    """What people want to know of the model, beside its scores."""
    return {
        "training data": f"{len(train)} pictures of {len(set(train.people))} people of the family "
        "kin of avatars-strangers",
        "test data": f"{len(test)} pictures of {len(set(test.people))} people of the family odd",
        "seed": 0,
        "licences": {
            "this model": "Apache-2.0",
            "frozen network": "MobileNetV2 of torchvision, BSD-3-Clause; trained on ImageNet",
        },
    }


def readme(card: dict[str, Any]) -> str:
    """The card for people, as Markdown."""
    scores = card["scores"]
    lines = [
        f"| {how} | {_told(found['icc'])} | {_told(found['icc of the seven AUs of FERA 2017'])} "
        f"| {found['mae']:.2f} | {max(found['mean of each AU on neutral faces'].values()):.2f} |"
        for how, found in scores.items()
    ]
    iccs = [found["icc of each AU"] for found in scores.values()]
    each = [f"| {au} | {' | '.join(f'{one[au]:.2f}' for one in iccs)} |" for au in AUS]
    return TEMPLATE.read_text(encoding="utf-8").format(
        **{key.replace(" ", "_"): value for key, value in card.items() if isinstance(value, str)},
        table="\n".join(lines),
        modes=" | ".join(scores),
        each="\n".join(each),
    )


def _told(interval: Sequence[float]) -> str:
    return "{:.2f} [{:.2f}, {:.2f}]".format(*interval)


if __name__ == "__main__":
    main()
