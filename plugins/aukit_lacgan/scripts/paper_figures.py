"""Draw figures 3 to 5 of the paper from finished runs, with the truth beneath.

python -m aukit_lacgan.scripts.paper_figures RUN [RUN ...] -o FOLDER

The test faces are those of the first run; the synthesizers of further runs, GANimation's for
instance, stand beneath the first one's and must know the same alignment. AUs that a model does not
know are left out of what it is asked for.

- `single.png`: each AU alone, on a neutral face (figures 3 and 4).
- `together.png`: happy = AU2 + 6 + 7 + 12 and angry = AU4 + 23 (figure 5).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.labels import Labels
from aukit.contracts.synthesizer import Synthesizer
from aukit.faces.alignment import alignment_of
from aukit.faces.registration import Registration
from aukit.faces.stored import StoredFaces
from aukit.faces.truth import Truth
from aukit.pipeline.stages.previews import plain_faces
from aukit.registry.loading import Registry, resolve_weights
from aukit.runs.models import load_fitted_model
from aukit.runs.results import open_results
from aukit.store.files import write_aside
from aukit.store.models import load_card, refuse_other_alignment
from aukit.vision.images import encode
from aukit.vision.sheet import contact_sheet

HAPPY, ANGRY = ("AU02", "AU06", "AU07", "AU12"), ("AU04", "AU23")
TOGETHER = {"happy": HAPPY, "angry": ANGRY}
TILE = 128

Painters = Mapping[str, tuple[Synthesizer, tuple[str, ...]]]
"""Caption of a row -> what makes it, and the AUs that it knows."""


class Figures:
    """Grids of pictures: a column for each set of AUs, for each face a row for each painter.

    Args:
        faces: registered faces.
        painters: fitted synthesizers.
        truth: shows the true pictures, or None.
        level: intensity of the AUs that are asked for.
    """

    def __init__(
        self, faces: StoredFaces, painters: Painters, truth: Truth | None, level: float
    ) -> None:
        self.faces, self.painters, self.truth, self.level = faces, painters, truth, level

    def sheet(self, rows: Sequence[int], sets: Mapping[str, Sequence[str]]) -> Tensor:
        """The grid of some faces, uint8 (3, H, W)."""
        tiles: list[Tensor | None] = []
        captions: list[str] = []
        for row in rows:
            for name, images in self._pictures(row, list(sets.values())).items():
                tiles += [self.faces.batch([row]).images[0], *images]
                captions += [f"given\n{name}", *map(self._caption, sets.items())]
        return contact_sheet(tiles, captions, TILE, len(sets) + 1)

    def _caption(self, asked: tuple[str, Sequence[str]]) -> str:
        """What a set is called, and the AUs of it that the faces are coded for."""
        name, chosen = asked
        numbers = [str(int(au[2:])) for au in chosen if au in self.faces.aus]
        return f"{name}\n{' + '.join(numbers)}" if len(chosen) > 1 else name

    def _pictures(
        self, row: int, sets: Sequence[Sequence[str]]
    ) -> dict[str, Sequence[Tensor | None]]:
        targets = self._targets(sets)
        batch = self.faces.batch([row] * len(sets))
        seeds = torch.zeros(len(sets), dtype=torch.int64)
        found: dict[str, Sequence[Tensor | None]] = {
            name: list(painter.synthesize(batch, targets.select(aus), seeds))
            for name, (painter, aus) in self.painters.items()
        }
        if self.truth is not None:
            shown = self.truth.paint(self.faces.table.take([row] * len(sets)), targets)
            found["true"] = [
                i if ok else None for i, ok in zip(shown.images, shown.ok, strict=True)
            ]
        return found

    def _targets(self, sets: Sequence[Sequence[str]]) -> Labels:
        """The AUs of a set at the level, all others at 0."""
        aus = self.faces.aus
        values = torch.tensor([[self.level * (au in chosen) for au in aus] for chosen in sets])
        return Labels(aus, values, torch.ones_like(values, dtype=torch.bool))


def figures_of(runs: Sequence[Path], level: float) -> Figures:
    """What the figures of some runs are drawn from.

    Raises:
        ConfigError: not a run folder.
        DataError: a run has no synthesizer, or one that knows another alignment.
    """
    registry = Registry()
    opened = [open_results(run, registry) for run in runs]
    role, test = opened[0].config.roles["test"], opened[0].need("align-test").folder
    context = Context(weights=resolve_weights)
    truth = Truth(Registration(role.data, role.landmarker, role.aligner, context))
    painters = {}
    for run, results in zip(runs, opened, strict=True):
        model = load_fitted_model("synth", results, "auto")
        card = load_card(model.folder)
        refuse_other_alignment(card, alignment_of(test))
        name = f"{results.config.need('synth').component.name} ({run.name[:4]})"
        painters[name] = (model.component, tuple(card["aus"]))
    faces = StoredFaces([test], opened[0].aus)
    return Figures(faces, painters, truth if truth.known else None, level)


def main() -> None:
    """Write both pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--faces", type=int, default=2)
    parser.add_argument("--level", type=float, default=4.0)
    given = parser.parse_args()
    figures = figures_of(given.runs, given.level)
    rows = plain_faces(figures.faces, given.faces)
    # The faces are plain, so that each AU is absent in the same picture.
    single: dict[str, tuple[str, ...]] = {"absent": (), **{au: (au,) for au in figures.faces.aus}}
    given.output.mkdir(parents=True, exist_ok=True)
    for name, sets in (("single", single), ("together", TOGETHER)):
        target = given.output / f"{name}.png"
        with write_aside(target) as aside:
            aside.write_bytes(encode(figures.sheet(rows, sets)[None])[0])
        print(target)


if __name__ == "__main__":
    main()
