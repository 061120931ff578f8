"""Draws the faces and target AUs of a training step.

Everything depends only on the seed and the step number, so that a fit can continue anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from aukit.contracts.faces import FaceSource
from aukit.data.records import person_keys
from aukit.errors import DataError
from aukit.seeds import seed_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aukit.synthesis.options import FitOptions


@dataclass(frozen=True)
class Draw:
    """One step's batch.

    Attributes:
        sources: rows of the faces, length B.
        targets: rows of the faces that provide the target AUs, length B.
        same: (B,) bool, whether the target is another expression of the source's person.
        noise: (B, A) float32, added to the target AUs (scaled to 0..1).
        mirrored: (B,) bool.
        mix: (B,) float32 in 0..1, for the gradient penalty.
    """

    sources: Tensor
    targets: Tensor
    same: Tensor
    noise: Tensor
    mirrored: Tensor
    mix: Tensor

    def share(self, rows: Sequence[int]) -> Draw:
        """The part of the batch at `rows`."""
        places = list(rows)
        return Draw(*(getattr(self, name)[places] for name in Draw.__dataclass_fields__))


class Sampler:
    """Draws batches.

    Sources are a new permutation of all faces in every epoch. Targets are the AUs of another random
    face plus noise. For the share of the batch that are pairs, they are those of the same person
    (and view) with other AUs, without noise, since the true picture is available.

    Args:
        faces: the training faces.
        config: batch, noise, flip and pair options.
        seed: seed of all draws.

    Raises:
        DataError: pairs are requested, but no person shows two different expressions.
    """

    def __init__(self, faces: FaceSource, config: FitOptions, seed: int) -> None:
        self.count, self.aus = len(faces), len(faces.aus)
        self.config = config
        self.seed = seed
        self.partners = Partners(faces, config.partners) if config.pairs > 0 else None
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def draw(self, step: int) -> Draw:
        """The batch of a step."""
        config, size = self.config, self.config.batch
        generator = torch.Generator().manual_seed(seed_of(self.seed, "draw", step))
        first = step * size
        sources = torch.stack([self._source(place) for place in range(first, first + size)])
        # Any other face than the source itself.
        ahead = torch.randint(1, self.count, (size,), generator=generator)
        targets = (sources + ahead) % self.count
        chance = torch.rand((size, config.candidates), generator=generator)
        same = torch.zeros(size, dtype=torch.bool)
        if self.partners is not None:
            same = self._pairs(sources)
            partners = self.partners.pick(sources, chance)
            if config.candidates > 1:
                lot = torch.rand(size, generator=generator)
                partners = self.partners.prefer(sources, partners, lot)
            targets = torch.where(same, partners[:, 0], targets)
        spread = (2 * torch.rand((size, self.aus), generator=generator) - 1) * config.noise
        mirrored = torch.rand(size, generator=generator) < (0.5 if config.flip else 0.0)
        return Draw(
            sources=sources,
            targets=targets,
            same=same,
            noise=spread.masked_fill(same[:, None], 0.0),
            mirrored=mirrored,
            mix=torch.rand(size, generator=generator),
        )

    def _source(self, place: int) -> Tensor:
        """The face at a place in the sequence of epochs, each a permutation."""
        epoch, position = divmod(place, self.count)
        if self._order[0] != epoch:
            generator = torch.Generator().manual_seed(seed_of(self.seed, "order", epoch))
            self._order = (epoch, torch.randperm(self.count, generator=generator))
        return self._order[1][position]

    def _pairs(self, sources: Tensor) -> Tensor:
        """Mask of the first sources with a partner, up to the share of pairs."""
        assert self.partners is not None
        able = self.partners.able[sources]
        return able & (able.cumsum(0) <= max(1, round(self.config.pairs * len(sources))))


class Partners:
    """For each face, the other expressions of its person in the same view.

    Args:
        faces: the training faces.
        within: `person`, or `task` to require the same task too.

    Raises:
        DataError: no face has a partner.
    """

    def __init__(self, faces: FaceSource, within: str) -> None:
        self._labels = faces.labels
        group = _numbered(_groups(faces, within))
        # Uncoded AUs count as a value of their own.
        coded = torch.where(faces.labels.mask, faces.labels.values, -1.0).numpy()
        expression = np.unique(coded, axis=0, return_inverse=True)[1].reshape(-1)
        order = np.lexsort((expression, group))
        both = np.stack([group, expression], 1)[order]
        self._sorted = torch.from_numpy(order)
        self._group = _bounds(both[:, :1], order)
        self._same = _bounds(both, order)
        others = (self._group[1] - self._group[0]) - (self._same[1] - self._same[0])
        self._others = others
        self.able = others > 0
        if not bool(self.able.any()):
            wider = "set --synth.partners person, " if within == "task" else ""
            raise DataError(
                f"no {within} among the {len(faces)} training faces shows two different "
                "expressions: there are no pairs for the idiosyncratic loss",
                f"{wider}set --synth.pairs and --synth.l_ids to 0, or use data with several "
                "expressions per person",
            )

    def pick(self, rows: Tensor, chance: Tensor) -> Tensor:
        """Partners of B rows, by (B, K) numbers in [0, 1); arbitrary faces for rows without
        partners."""
        place = self._group[0][rows, None] + (chance * self._others[rows, None]).long()
        start, end = self._same[0][rows, None], self._same[1][rows, None]
        place = torch.where(place >= start, place + (end - start), place)
        return self._sorted[place.clamp_max(len(self._sorted) - 1)]

    def prefer(self, rows: Tensor, partners: Tensor, lot: Tensor) -> Tensor:
        """One of K partners per row, with probability proportional to the squared AU difference.

        Most frames of a person hardly differ, and such pairs teach little.

        Args:
            rows: (B,) row numbers.
            partners: (B, K) row numbers.
            lot: (B,) random numbers in [0, 1).

        Returns:
            (B, 1).
        """
        values, mask = self._labels.values, self._labels.mask
        both = mask[rows, None] & mask[partners]
        apart = ((values[rows, None] - values[partners]).abs() * both).sum(-1).square() + 1e-6
        share = apart.cumsum(1) / apart.sum(1, keepdim=True)
        chosen = (share < lot[:, None]).sum(1, keepdim=True).clamp_max(partners.shape[1] - 1)
        return partners.gather(1, chosen)


def _groups(faces: FaceSource, within: str) -> list[str]:
    names = ["view"] if within == "person" else ["view", "task"]
    columns = [faces.table.column(name).to_pylist() for name in names]
    return [repr(key) for key in zip(person_keys(faces.table), *columns, strict=True)]


def _numbered(names: list[str]) -> NDArray[np.int64]:
    return np.unique(np.array(names), return_inverse=True)[1]


def _bounds(keys: NDArray[np.int64], order: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """For every row, the start and end of its run of equal keys in the sorted order."""
    new = np.r_[True, (keys[1:] != keys[:-1]).any(1)]
    starts = np.flatnonzero(new)
    ends = np.r_[starts[1:], len(keys)]
    run = new.cumsum() - 1
    bounds = np.empty((2, len(order)), np.int64)
    bounds[:, order] = starts[run], ends[run]
    return torch.from_numpy(bounds[0]), torch.from_numpy(bounds[1])
