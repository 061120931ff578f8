"""Amount and direction of a painted change beside formulas written out with numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from aukit.contracts.labels import Labels
from aukit.faces.truth import Pictures
from aukit.score_card.change import Changes, change
from aukit.score_card.draws import Draws
from aukit.score_card.pictures import Batch
from aukit.score_card.requests import NONE, Requests

SIZE, LEVELS, FACES = 24, 6, 3
COUNT = LEVELS * FACES + 2


def requests() -> Requests:
    """Six levels of one AU on three faces, and two vectors behind them."""
    single = torch.arange(COUNT) < LEVELS * FACES
    level = torch.where(single, torch.arange(COUNT) % LEVELS, NONE)
    au = torch.where(single, 0, NONE)
    targets = Labels(("AU12",), level.clamp_min(0)[:, None].float(), single[:, None])
    rows = torch.arange(COUNT) // LEVELS
    return Requests(rows, targets, rows, au, level, torch.full((COUNT,), NONE), rows[:0])


def truth(ok: Tensor | None = None) -> Pictures:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(60, 190, (COUNT, 3, SIZE, SIZE), generator=generator).byte()
    angles = torch.arange(68) / 68 * 2 * torch.pi
    circle = SIZE / 2 + SIZE * torch.stack([angles.cos(), angles.sin()], 1)
    landmarks = circle.expand(COUNT, 68, 2)  # the face fills the picture
    valid = torch.ones(COUNT, SIZE, SIZE, dtype=torch.bool)
    return Pictures(images, valid, landmarks, torch.ones(COUNT).bool() if ok is None else ok)


def found(painted: Tensor, true: Pictures, batch: int = 4) -> dict[str, float | None]:
    changes, asked = Changes(), requests()
    for start in range(0, COUNT, batch):
        part = slice(start, start + batch)
        pictures = Pictures(
            true.images[part], true.valid[part], true.landmarks[part], true.ok[part]
        )
        changes.see(start, asked, Batch(painted[part], painted[part], pictures))
    people = [str(row) for row in asked.rows.tolist()]
    table = change(changes.terms(), asked, people, Draws(10, 0))
    assert table is not None
    return {name: entry["value"] for name, entry in table["AU12"].items()}


def base(images: Tensor) -> Tensor:
    """The picture of level 0 in place of each."""
    first = torch.arange(COUNT) // LEVELS * LEVELS
    return images[first]


def test_half_of_the_change_on_another_face_is_half() -> None:
    true = truth()
    start = torch.full((3, SIZE, SIZE), 100.0)  # nobody's face, the same at all levels
    painted = start + 0.5 * (true.images.float() - base(true.images).float())
    values = found(painted.round().byte(), true)
    assert values["amount"] == pytest.approx(0.5, abs=0.01)
    assert values["direction"] == pytest.approx(1, abs=0.001)


def test_any_painting_agrees_with_the_formulas() -> None:
    true = truth()
    generator = torch.Generator().manual_seed(1)
    painted = torch.randint(0, 255, true.images.shape, generator=generator).byte()
    done = (painted.double() - base(painted).double())[: LEVELS * FACES].numpy().ravel()
    due = (true.images.double() - base(true.images).double())[: LEVELS * FACES].numpy().ravel()
    values = found(painted, true)
    assert values["amount"] == pytest.approx(np.dot(done, due) / np.dot(due, due))
    norms = np.linalg.norm(done) * np.linalg.norm(due)
    assert values["direction"] == pytest.approx(np.dot(done, due) / norms)


def test_a_lost_truth_takes_only_what_depends_on_it() -> None:
    true = truth(torch.arange(COUNT) != LEVELS)  # level 0 of the second face
    painted = base(true.images).clone()
    painted[LEVELS : 2 * LEVELS] = 255 - true.images[LEVELS : 2 * LEVELS]
    assert found(painted, true)["amount"] == 0  # the second face would have changed
