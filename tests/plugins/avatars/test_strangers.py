"""People who are head models of their own."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc
import pytest
import torch

from aukit.contracts.context import Context
from aukit.errors import DataError
from aukit_avatars.actions import AUS
from aukit_avatars.otherness import Otherness
from aukit_avatars.plugin import StrangersConfig
from aukit_avatars.strangers import Strangers, activation
from aukit_avatars.studio import Shots


def strangers(**options: Any) -> Strangers:
    values = {"train": 0, "valid": 0, "test": 2, "frames": 3, "size": 64, **options}
    return Strangers(StrangersConfig(**values), Context())


def shots(data: Strangers, levels: torch.Tensor) -> Shots:
    people = [data._draw_person("test", name) for name in ("F0001", "M0001")]
    still = torch.zeros(2, 3)
    seeds = torch.tensor([1, 1])
    return Shots(people, levels, [(0.0, 0.0)] * 2, still, still[:, :2], seeds, seeds)


def test_the_first_face_of_everybody_rests_and_others_move() -> None:
    levels = activation(torch.arange(600), torch.arange(600) % 4)
    assert bool((levels[::4] == 0).all())
    assert float((levels[1::4].amax(1) > 0).float().mean()) > 0.9
    assert bool(((levels >= 0) & (levels <= 5)).all())
    assert bool((levels > 2.5).any(0).all())


def test_pictures_do_not_depend_on_their_company() -> None:
    data = strangers()
    rows = data.index()
    whole = data.truth(rows)
    alone = data.truth(rows.slice(4, 1))
    torch.testing.assert_close(whole.images[4:5], alone.images, atol=1, rtol=0)
    torch.testing.assert_close(whole.landmarks[4:5], alone.landmarks)


@pytest.mark.parametrize("family", ["kin", "odd"])
def test_faces_rest_differently_and_move_differently(family: Any) -> None:
    data = strangers(family=family)
    rest = torch.zeros(2, len(AUS))
    smile = rest.clone()
    smile[:, AUS.index("AU12")] = 5
    still, moved = (data.studio.shape(shots(data, levels)) for levels in (rest, smile))
    usual = data.studio.head.neutral(
        torch.stack([one.identity for one in shots(data, rest).people])
    )
    warp = (still - usual).norm(dim=-1)
    assert bool((warp.amax(1) > 0.1).all())
    assert float(warp[:, data.studio.head.landmarks68].max()) < 3
    change = (moved - still).norm(dim=-1)
    assert bool((change.amax(1) > 0.2).all())
    assert float((change[0] - change[1]).abs().max()) > 0.05


def test_families_share_no_way_of_making_an_au() -> None:
    kin, odd = (Otherness(family) for family in ("kin", "odd"))
    matrices = torch.stack([face.matrix for studio in (kin, odd) for face in studio._ways])
    flat = matrices.flatten(1)
    gaps = torch.cdist(flat, flat) + torch.eye(len(flat))
    assert float(gaps.min()) > 0.1


def test_rows_of_another_recipe_are_refused() -> None:
    rows = strangers(frames=4).index()
    late = rows.filter(pc.equal(rows["frame"], 3))
    with pytest.raises(DataError, match="not in this recipe"):
        strangers().truth(late)
