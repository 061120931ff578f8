"""Imitations of all corpora, built once for the tests of this folder.

Rendering avatars takes a second a person. Here pictures are played by grey levels that tell which
frame they show, so that a reader that mixes up frames is caught, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from aukit_avatars.actions import AUS
from aukit_corpora.actors import Cast, Take
from aukit_corpora.imitate import imitate

CAST = Cast(people=4, frames=6, size=48)


def grey(person: int, task: int, view: int, frame: int) -> int:
    """The grey level of a frame."""
    return 8 + (61 * person + 29 * task + 17 * view + 9 * frame) % 240


def plain(cast: Cast) -> Iterator[Take]:
    """Takes of one colour a frame, with codes drawn at random."""
    random = np.random.default_rng(cast.seed)
    views = 9 if cast.views == "fera17" else 1
    for person in range(cast.people):
        for task in range(cast.tasks):
            levels = random.integers(0, 6, (cast.frames, len(AUS))).astype(np.float32)
            for view in range(views):
                greys = [grey(person, task, view, frame) for frame in range(cast.frames)]
                pictures = torch.tensor(greys, dtype=torch.uint8).view(-1, 1, 1, 1)
                yield Take(
                    person, task, view,
                    pictures.expand(-1, 3, cast.size, cast.size).contiguous(),
                    levels,
                    torch.rand(cast.frames, 68, 2) * cast.size,
                    AUS,
                )  # fmt: skip


@pytest.fixture(scope="session")
def imitation(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of an imitation; nobody may change what is in it."""
    made: dict[str, Path] = {}

    def folder(corpus: str) -> Path:
        if corpus not in made:
            root = tmp_path_factory.mktemp(corpus) / "root"
            made[corpus] = imitate(corpus, root, CAST, actors=plain)
        return made[corpus]

    return folder
