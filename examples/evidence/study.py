"""Does a synthesizer learn? Trains it for hours, keeps it as it goes, and scores every state.

    python examples/evidence/study.py train examples/evidence/lacgan.toml FOLDER
    python examples/evidence/study.py measure FOLDER --judge RUN
    python examples/evidence/study.py draw FOLDER -o curves.png

`train` can be killed at any time; the same command continues, in another session as well. `measure`
makes a score card of each state on the validation people. Its judge is the estimator of a run
without a synthesizer on faces registered alike, which needs no synthesizer to be fitted:

    aukit run --config examples/evidence/lacgan.toml --synth none --estimator vgg16 \
        --estimator.size 48
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click
import torch
from safetensors.torch import load_file
from torch import Tensor

from aukit import api
from aukit.config.files import read_file
from aukit.config.resolve import resolve
from aukit.config.run import RunConfig
from aukit.contracts.context import Context
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.contracts.session import Paint, Session
from aukit.contracts.synthesizer import HasRegions
from aukit.data.records import TRAIN, VALID, partition_rows
from aukit.faces.alignment import write_alignment
from aukit.faces.registration import Registration
from aukit.faces.shards import align_rows
from aukit.faces.stored import StoredFaces
from aukit.faces.truth import Pictures, Truth
from aukit.pipeline.stages.fitting import save_fitted
from aukit.pipeline.stages.index import choose_aus
from aukit.progress import Silent, SilentBar
from aukit.registry.loading import default_registry
from aukit.score_card.card import changing, make_card
from aukit.score_card.draws import Draws
from aukit.score_card.evidence import gather
from aukit.score_card.judges import Seat, own_seats, reader_seat
from aukit.score_card.pictures import Album
from aukit.score_card.requests import Requests, draw_requests
from aukit.score_card.shares import shares
from aukit.seeds import seed_of
from aukit.store.files import digest, write_json
from aukit.store.models import save_tensors
from aukit_lacgan.regions import Regions

SETS = ("painted", "real", "truth")
"""Faces of a score card that are drawn."""

FACES = 2
"""Faces for each AU and level of a score card, and 25 times as many vectors."""


@dataclass(frozen=True)
class Study:
    """Registered faces of a configuration.

    Attributes:
        config: of the synthesizer and its faces.
        train, valid: registered faces.
        registration: how they were registered.
    """

    config: RunConfig
    train: StoredFaces
    valid: StoredFaces
    registration: Registration


def opened(run_file: Path, store: Path) -> Study:
    """Register the faces of a run file, once: shards that are in the store already stay."""
    config = resolve(default_registry(), [(str(run_file), read_file(run_file))])
    role = config.roles["train"]
    registration = Registration(role.data, role.landmarker, role.aligner, Context())
    aus = choose_aus(config.options.aus, [registration.dataset.aus])[0]
    found = {name: registered(registration, name, store / name, aus) for name in (TRAIN, VALID)}
    return Study(config, found[TRAIN], found[VALID], registration)


def registered(
    registration: Registration, partition: str, folder: Path, aus: tuple[str, ...]
) -> StoredFaces:
    """The registered faces of a partition."""
    folder.mkdir(parents=True, exist_ok=True)
    write_alignment(folder, registration.describe())
    rows = partition_rows(registration.dataset.index(), partition)
    align_rows(registration, rows, folder, api.build("executor", "auto"), Silent())
    return StoredFaces([folder], aus)


@click.group()
def main() -> None:
    """Train a synthesizer for long, and score its states."""
    torch.set_num_threads(1)


@main.command()
@click.argument("run_file", type=click.Path(path_type=Path, exists=True))
@click.argument("folder", type=click.Path(path_type=Path))
def train(run_file: Path, folder: Path) -> None:
    """Train into FOLDER, or go on there; every tick leaves a state."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.toml").write_bytes(run_file.read_bytes())
    study = opened(folder / "run.toml", folder.parent / "faces")
    choice = study.config.need("synth")
    synthesizer = api.build("synth", choice.component.name, **vars(choice.options))
    started = round(time.time())

    def keep(step: int, paint: Paint) -> None:
        state = folder / "states" / f"{step + 1:08d}"
        state.mkdir(parents=True, exist_ok=True)
        save_fitted(synthesizer, state, study.train.labels, study.registration.describe())
        cost = {"step": step + 1, "cpu": time.process_time(), "started": started}
        with (folder / "cost.jsonl").open("a") as file:
            file.write(json.dumps(cost) + "\n")

    seed = seed_of(study.config.options.seed, "fit-synth")
    synthesizer.fit(study.train, Session(folder, seed=seed, preview=keep, checkpoint_every=60))


class Remembered(Truth):
    """The truth, rendered once for all states and studies that share a folder."""

    def __init__(self, registration: Registration, folder: Path) -> None:
        super().__init__(registration)
        self._folder = folder

    def paint(self, rows: Any, targets: Labels) -> Pictures:
        """What `Truth.paint` shows."""
        asked = (rows.column("id").to_pylist(), targets.values.tolist(), targets.mask.tolist())
        path = self._folder / f"{digest(asked)}.safetensors"
        if not path.exists():
            self._folder.mkdir(exist_ok=True)
            save_tensors(path, vars(super().paint(rows, targets)), {})
        return Pictures(**load_file(path))


@dataclass(frozen=True)
class Perfect:
    """Paints the truth inside the regions of AUs that change: no generator can do better there."""

    of: HasRegions
    faces: StoredFaces
    truth: Truth

    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Tensor:
        """The given faces, the true picture in the regions of the AUs that are asked to change."""
        rows = {name: row for row, name in enumerate(self.faces.table.column("id").to_pylist())}
        table = self.faces.table.take([rows[name] for name in faces.ids])
        true = self.truth.paint(table, targets).images.float()
        moving = targets.mask & (targets.values != faces.labels.values)
        attention = (self.of.regions(faces) * moving[:, :, None, None]).sum(1, keepdim=True)
        mixed = faces.images + attention.clamp_max(1) * (true - faces.images)
        return mixed.round().clamp(0, 255).to(torch.uint8)


@dataclass(frozen=True)
class Scorer:
    """Makes the score cards of a study: the same requests, truth and judges for all."""

    study: Study
    requests: Requests
    truth: Truth
    jury: list[Seat]

    @classmethod
    def of(cls, folder: Path, judge: str | None) -> Scorer:
        """For the studies in a folder; without a judge nobody judges."""
        study = opened(folder / "run.toml", folder.parent / "faces")
        jury: list[Seat] = []
        if judge is not None:
            estimator = api.load("estimator", judge)
            jury = list(own_seats(estimator, study.config.need("estimator"), "of the study"))
        truth = Remembered(study.registration, folder.parent / "truth")
        return cls(study, draw_requests(study.valid, FACES, 0), truth, jury)

    def card(self, painter: Any, album: Album | None = None) -> dict[str, Any]:
        """The score card of a synthesizer."""
        own = reader_seat(painter, self.study.config.need("synth"))
        seats = self.jury if own is None else [*self.jury, own]
        watch = (album or Album()).keep
        faces, asked = self.study.valid, self.requests
        evidence = gather(painter, seats, faces, asked, self.truth, SilentBar(), watch)
        return make_card(evidence, seats, changing(faces, asked), Draws(200, 0))


class Shaped(NamedTuple):
    """Regions of one shape: full attention up to `inner` rulers, then less by `slope` a ruler."""

    aus: tuple[str, ...]
    inner: float
    slope: float
    reach: float

    def regions(self, faces: FaceBatch) -> Tensor:
        """(B, A, S, S) attention."""
        maps = Regions(self.aus, "paper", self.inner, self.slope, self.reach)
        attention: Tensor = maps(faces.landmarks, faces.images.shape[-1])
        return attention


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.argument("shapes", nargs=-1)
@click.option("--judge", help="run whose estimator judges")
def ceilings(folder: Path, shapes: tuple[str, ...], judge: str | None) -> None:
    """Score perfect painters, who paint the truth, in regions of SHAPES: `inner,slope,reach`."""
    scorer = Scorer.of(folder, judge)
    for shape in shapes:
        regions = Shaped(scorer.study.valid.aus, *map(float, shape.split(",")))
        perfect = Perfect(regions, scorer.study.valid, scorer.truth)
        album = Album()
        write_json(folder / f"ceiling-{shape}.json", found := scorer.card(perfect, album))
        album.write(folder / f"ceiling-{shape}", scorer.study.valid, scorer.requests)
        share = shares(regions, scorer.study.valid, scorer.requests)
        print(shape, cover(share), summary(found), flush=True)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--judge", help="run whose estimator judges")
@click.option("--every", default=1, help="measure only every so many states")
def measure(folder: Path, judge: str | None, every: int) -> None:
    """Make a score card of each state of FOLDER that has none; the last one with pictures."""
    scorer = Scorer.of(folder, judge)
    choice = scorer.study.config.need("synth")
    for state in sorted((folder / "states").iterdir())[::every]:
        if (state / "score_card.json").exists():
            continue
        synthesizer = api.build("synth", choice.component.name)
        synthesizer.load(state / "model")
        album = Album()
        found = scorer.card(synthesizer, album)
        album.write(folder / "faces", scorer.study.valid, scorer.requests)
        write_json(state / "score_card.json", found)
        print(state.name, summary(found), flush=True)


def cover(share: Tensor | None) -> str:
    """What regions cover of the face: a single AU in the mean, and all together."""
    if share is None:
        return ""
    reach = share[..., 0].mean(0)
    return f"an AU {reach[:-1].mean():.3f}, together {reach[-1]:.3f}"


def summary(card: Mapping[str, Any]) -> dict[str, float | None]:
    """The numbers of a score card that say whether a synthesizer learns."""
    judged = card["agreement"].get("estimator", {}).get("levels", {})
    own = (card["own"] or {}).get("vectors", {})
    found = {
        "amount": card["change"]["mean"]["amount"],
        "direction": card["change"]["mean"]["direction"],
        "gain over copying, dB": card["closeness"]["all"]["face"]["gain"]["psnr"],
        **{f"judge's ICC, {key}": judged[key]["mean"]["icc"] for key in SETS if key in judged},
        **{f"own error, {key}": own[key]["mean"]["mae"] for key in SETS if key in own},
    }
    return {name: entry["value"] for name, entry in found.items()}


def costs(folder: Path) -> dict[int, float]:
    """CPU seconds that each state took from the beginning, over all sessions."""
    done: dict[int, float] = {}
    last: dict[int, float] = {}
    for line in (folder / "cost.jsonl").read_text().splitlines():
        cost = json.loads(line)
        last[cost["started"]] = cost["cpu"]
        done[cost["step"]] = sum(last.values())
    return done


@main.command()
@click.argument("folders", type=click.Path(path_type=Path, exists=True), nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def draw(folders: tuple[Path, ...], output: Path) -> None:
    """Draw the numbers of the states of each of FOLDERS over steps and CPU minutes (above)."""
    import matplotlib.pyplot as plt

    panels = ["amount", "direction", "gain over copying, dB", "judge's ICC", "own error"]
    figure, axes = plt.subplots(
        len(folders), len(panels), squeeze=False, figsize=(16, 3 * len(folders))
    )
    for row, folder in zip(axes, folders, strict=True):
        cards = {
            int(path.parent.name): summary(json.loads(path.read_text()))
            for path in sorted((folder / "states").glob("*/score_card.json"))
        }
        minutes = {step: seconds / 60 for step, seconds in costs(folder).items()}
        for axis, panel in zip(row, panels, strict=True):
            names = [name for name in next(iter(cards.values())) if name.startswith(panel)]
            for name in names:
                values = [card[name] for card in cards.values()]
                axis.plot(list(cards), values, marker=".", label=name)
            axis.set_title(f"{folder.name}: {panel}", fontsize=9)
            axis.set_xlabel("steps; above: CPU minutes", fontsize=8)
            above = axis.twiny()
            above.set_xlim(axis.get_xlim())
            shown = list(cards)[:: -(-len(cards) // 5)]
            above.set_xticks(shown, [f"{minutes[step]:.1f}" for step in shown], fontsize=7)
            if len(names) > 1:
                axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(output, dpi=80)


if __name__ == "__main__":
    main()
