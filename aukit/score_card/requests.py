"""The requests of a score card, drawn from people unseen by the synthesizer.

There are two kinds. *Levels* set one AU to each level on nearly neutral faces that do not show it,
with everything else unchanged; they measure intensity, and AUs that should not move. *Vectors* give
a rather neutral face all AUs of another real frame of the same person, so that the synthetic set
has the people and labels of a set of real frames and the sets can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import torch
from torch import Tensor

from aukit.au import MAX_LEVEL
from aukit.contracts.labels import Labels
from aukit.errors import DataError
from aukit.faces.stored import StoredFaces
from aukit.seeds import seed_of

VECTORS = 25
"""Vector requests for each face per AU and level."""

NONE = -1


@dataclass(frozen=True)
class Requests:
    """R requests. Rows are indices into the faces that they were drawn from.

    Attributes:
        rows: (R,) int64, the source face.
        targets: target labels; masked AUs keep what the face shows.
        seeds: (R,) int64, for stochastic synthesizers.
        au: (R,) int64, column of the AU that is set; -1 for vectors.
        level: (R,) int64, its level 0..5, for an occurrence 0 (absent) or 5 (present); -1 for
            vectors.
        real: (R,) int64, the real face that has the target vector; -1 for levels.
        spare: further real faces of the same people, as many as vectors if available.
    """

    rows: Tensor
    targets: Labels
    seeds: Tensor
    au: Tensor
    level: Tensor
    real: Tensor
    spare: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def vectors(self) -> Tensor:
        """(R,) bool: the vector requests."""
        return self.au == NONE

    @property
    def used(self) -> Tensor:
        """All faces that are used, without repetition, in increasing order."""
        played = torch.cat([self.rows, self.real[self.vectors], self.spare])
        return torch.tensor(sorted(set(played.tolist())), dtype=torch.int64)


def draw_requests(faces: StoredFaces, count: int, seed: int, *, whole: bool = False) -> Requests:
    """Draw the requests of a score card; they depend only on the faces' ids, labels and the seed.

    Args:
        faces: registered faces of people the synthesizer was not fitted on.
        count: faces per AU and level; there are 25 times as many vectors.
        seed: seed of the run.
        whole: one vector per coded face, for the labels of the whole set.

    Raises:
        DataError: the labels allow no requests.
    """
    parts = [_levels(faces, au, count, seed) for au in range(len(faces.aus))]
    drawn = _whole(faces, seed) if whole else _vectors(faces, VECTORS * count, seed)
    vectors, spare = drawn
    asked = [*chain.from_iterable(parts), *vectors]
    if not asked:
        raise DataError(
            "no requests are possible for these people: too few faces are coded",
            "a score card needs coded faces, at least two of a person",
        )
    columns = [torch.tensor([request[place] for request in asked]) for place in range(4)]
    rows, au, level, real = columns
    targets = _targets(faces.labels, au, level, real)
    ids = faces.table.column("id").to_pylist()
    named = zip(rows.tolist(), au.tolist(), level.tolist(), real.tolist(), strict=True)
    seeds = torch.tensor([seed_of(seed, "card", ids[row], *rest) for row, *rest in named])
    return Requests(rows, targets, seeds, au, level, real, torch.tensor(spare, dtype=torch.int64))


def _levels(
    faces: StoredFaces, au: int, count: int, seed: int
) -> Iterable[tuple[int, int, int, int]]:
    """Each level of an AU on the same nearly neutral faces of different people without the AU."""
    absent = faces.labels.mask[:, au] & (faces.labels.values[:, au] == 0)
    others = faces.labels.shares.sum(1)
    ids = faces.table.column("id").to_pylist()
    order = sorted(
        absent.nonzero()[:, 0].tolist(),
        key=lambda row: (float(others[row]), seed_of(seed, "card", ids[row])),
    )
    chosen = _by_turns(order, faces.people, seed, faces.aus[au])[:count]
    levels = range(0, MAX_LEVEL + 1, MAX_LEVEL // faces.labels.tops[au])
    return [(row, au, level, NONE) for row in chosen for level in levels]


def _vectors(
    faces: StoredFaces, count: int, seed: int
) -> tuple[list[tuple[int, int, int, int]], list[int]]:
    """Vector requests, and further real faces to compare their real faces with.

    No face is both source and target, or the synthetic set would resemble the real set even without
    any change.
    """
    ids = faces.table.column("id").to_pylist()
    coded = faces.labels.mask.all(1).nonzero()[:, 0].tolist()
    order = sorted(coded, key=lambda row: seed_of(seed, "vector", ids[row]))
    turns = _by_turns(order, faces.people, seed, "vectors")
    half = {row for own in _of_people(order, faces.people).values() for row in own[: len(own) // 2]}
    targets = [row for row in turns if row in half][:count]
    rest = [row for row in turns if row not in set(targets)]
    requests = _paired(faces, targets, rest, seed)
    return requests, rest[: len(requests)]


def _whole(faces: StoredFaces, seed: int) -> tuple[list[tuple[int, int, int, int]], list[int]]:
    """A vector request for every coded face.

    The synthetic set then has the people and labels of the whole set (Liu et al. 2019, table 1);
    there are no spare faces. A person with only one expression has no requests.
    """
    coded = faces.labels.mask.any(1).nonzero()[:, 0].tolist()
    return _paired(faces, coded, coded, seed), []


def _paired(
    faces: StoredFaces, targets: Sequence[int], sources: Sequence[int], seed: int
) -> list[tuple[int, int, int, int]]:
    """Vector requests: for each target, a more neutral source of the same person.

    Args:
        faces: registered faces.
        targets: rows that provide the target labels.
        sources: candidate source rows; the more neutral half of each person's is used.
        seed: breaks ties between equally neutral faces.
    """
    values, ids = faces.labels.shares, faces.table.column("id").to_pylist()
    plain = sorted(sources, key=lambda row: (float(values[row].sum()), seed_of(seed, ids[row])))
    parents = {
        name: own[: -(-len(own) // 2)] for name, own in _of_people(plain, faces.people).items()
    }
    requests = []
    for number, row in enumerate(targets):
        own = parents[faces.people[row]]
        around = own[number % len(own) :] + own[: number % len(own)]
        parent = next((other for other in around if not values[other].equal(values[row])), None)
        if parent is not None:
            requests.append((parent, NONE, NONE, row))
    return requests


def _of_people(rows: Sequence[int], people: Sequence[str]) -> dict[str, list[int]]:
    """The rows of each person, in order."""
    own: dict[str, list[int]] = {}
    for row in rows:
        own.setdefault(people[row], []).append(row)
    return own


def _by_turns(order: Sequence[int], people: Sequence[str], seed: int, purpose: str) -> list[int]:
    """Rows with people taking turns, each person's rows in the given order."""
    own = _of_people(order, people)
    names = sorted(own, key=lambda name: seed_of(seed, purpose, name))
    turns = zip_longest(*(own[name] for name in names))
    return [row for turn in turns for row in turn if row is not None]


def _targets(labels: Labels, au: Tensor, level: Tensor, real: Tensor) -> Labels:
    vectors = au == NONE
    values = torch.zeros((len(au), len(labels.aus)))
    mask = torch.zeros_like(values, dtype=torch.bool)
    values[vectors] = labels.values[real[vectors]]
    mask[vectors] = labels.mask[real[vectors]]
    single = (~vectors).nonzero()[:, 0]
    tops = torch.tensor(labels.tops)[au[single]]
    values[single, au[single]] = level[single] * tops / MAX_LEVEL
    mask[single, au[single]] = True
    return Labels(labels.aus, values, mask, labels.occurrence)
