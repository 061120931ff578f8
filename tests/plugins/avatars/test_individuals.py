"""Version 2 of the avatars: people who move in their own way, and what hides their faces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow.compute as pc
import pytest
import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit_avatars import props
from aukit_avatars.actions import AUS
from aukit_avatars.appearance import Looks
from aukit_avatars.dataset import Avatars
from aukit_avatars.head import Head
from aukit_avatars.individuals import Individuals
from aukit_avatars.plugin import AvatarsConfig
from aukit_avatars.props import worn
from aukit_avatars.sequences import UNCODED, perform
from aukit_avatars.studio import Shots


@pytest.fixture(scope="module")
def avatars() -> Avatars:
    options: dict[str, Any] = {"train": 2, "valid": 0, "test": 0, "tasks": 2, "frames": 3}
    return Avatars(AvatarsConfig(version=2, size=64, **options), Context())


@pytest.fixture(scope="module")
def studio(avatars: Avatars) -> Individuals:
    assert isinstance(avatars.studio, Individuals)
    return avatars.studio


def shots(avatars: Avatars, levels: Tensor, uncoded: Tensor | None = None) -> Shots:
    people = [avatars.person("train", name) for name in ("F001", "M001")]
    still = torch.zeros(2, 3)
    seeds = torch.tensor([5, 5])
    views = [(0.0, 0.0)] * 2
    return Shots(people, levels, views, still, still[:, :2], seeds, seeds, uncoded=uncoded)


def with_level(au: str, level: float) -> Tensor:
    levels = torch.zeros(2, len(AUS))
    levels[:, AUS.index(au)] = level
    return levels


def test_tables_name_the_version_and_its_pictures_do_not_depend_on_their_company(
    avatars: Avatars,
) -> None:
    rows = avatars.index()
    assert pc.unique(rows["dataset"]).to_pylist() == ["avatars-2"]
    assert rows["id"][0].as_py() == "avatars-2/train/F001/T1/frontal/00000"
    whole, alone = avatars.truth(rows), avatars.truth(rows.slice(7, 1))
    torch.testing.assert_close(whole.images[7:8], alone.images, atol=1, rtol=0)
    torch.testing.assert_close(whole.landmarks[7:8], alone.landmarks)


def test_version_1_has_neither_props_nor_other_faces_at_rest(avatars: Avatars) -> None:
    first = Avatars(replace(avatars.config, version=1), Context())
    row = first.index().slice(0, 1)
    assert not first.truth(row).props.any()
    calm = shots(first, with_level("AU12", 0))
    identity = torch.stack([one.identity for one in calm.people])
    brows_and_nose = first.studio.head.landmarks68[17:36]
    neutral = first.studio.head.neutral(identity)
    torch.testing.assert_close(
        first.studio.shape(calm)[:, brows_and_nose], neutral[:, brows_and_nose]
    )


def test_faces_at_rest_differ_and_the_same_level_moves_people_differently(
    avatars: Avatars, studio: Individuals
) -> None:
    calm = shots(avatars, with_level("AU12", 0))
    rest = studio.shape(calm)
    neutral = studio.head.neutral(torch.stack([one.identity for one in calm.people]))
    assert bool(((rest - neutral).norm(dim=-1).amax(1) > 0.05).all())
    strength = studio._strength(shots(avatars, with_level("AU12", 4)))[:, AUS.index("AU12")]
    assert abs(float(strength[0].mean() - strength[1].mean())) > 0.02
    assert bool((strength[:, 0] != strength[:, 1]).any())


def test_folds_come_before_points_move(avatars: Avatars, studio: Individuals) -> None:
    column = AUS.index("AU04")
    trace = shots(avatars, with_level("AU04", 1))
    assert bool((studio._folds(trace)[:, column] > 1.5 * studio._strength(trace)[:, column]).all())


def test_lips_that_move_without_a_code_stay_shut(avatars: Avatars, studio: Individuals) -> None:
    spoken = torch.zeros(2, len(UNCODED))
    spoken[:, UNCODED.index("mouthFunnel")] = 0.6
    calm = with_level("AU12", 0)
    still, moved = studio.shape(shots(avatars, calm)), studio.shape(shots(avatars, calm, spoken))
    points = studio.head.landmarks68
    assert float((moved - still)[:, points].norm(dim=-1).amax()) > 0.1
    inner = moved[:, points][:, [61, 62, 63]] - moved[:, points][:, [67, 66, 65]]
    assert float(inner[..., 1].mean(1).abs().amax()) < 0.05


def test_lips_part_only_with_a_code_for_it_and_a_raised_lip_then_opens_them_further(
    avatars: Avatars, studio: Individuals
) -> None:
    def gap(levels: Tensor) -> Tensor:
        points = studio.shape(shots(avatars, levels))[:, studio.head.landmarks68]
        return (points[:, [61, 62, 63]] - points[:, [67, 66, 65]])[..., 1].mean(1)

    raised, parted = with_level("AU10", 5), with_level("AU25", 3)
    assert float(gap(raised).abs().amax()) < 0.02  # centimetres
    assert bool((gap(parted) > 0.1).all())
    assert bool((gap(raised + parted) > gap(parted) + 0.1).all())


def test_people_speak_and_the_tasks_of_version_1_stay_as_they_were() -> None:
    spoken = perform(0, "train/F001", "T1", 200, 10.0)
    assert spoken.uncoded.shape == (200, len(UNCODED))
    assert spoken.uncoded.min() >= 0
    assert spoken.uncoded.max() <= 1
    assert 0.05 < float((spoken.uncoded.max(1) > 0.1).mean()) < 0.95


def dressed(count: int = 400) -> tuple[props.Props, Tensor]:
    head = Head.load()
    marks = head.vertices[head.landmarks68][None].expand(count, -1, -1)
    forehead = head.vertices[head.vertices[:, 1] > 4][:50][None].expand(count, -1, -1)
    looks = [Looks.draw(7, 0.2, 0.0, (0.0, 0.0, 1.0))] * count
    seeds = torch.arange(count)
    return worn(marks, forehead, looks, seeds, seeds + count, seeds + 2 * count), marks


def test_props_are_there_as_often_as_they_should_be_and_before_the_face() -> None:
    found, _ = dressed()
    there = found.points.isfinite().all(-1)
    share = there.float().mean(0)
    for expected in (props.GLASSES, props.FRINGE, props.HAND, props.MASK):
        assert float((share - expected).abs().amin()) < 0.05
    assert bool(((found.colour >= 0) & (found.colour <= 1)).all())
    assert int(found.triangles.max()) < found.points.shape[1]


def test_what_hides_the_face_is_known(avatars: Avatars, studio: Individuals) -> None:
    calm = shots(avatars, with_level("AU12", 0))
    seeds = torch.arange(200)
    chance = props.uniform(seeds, "mask", 5)[:, 0]
    masked, bare = (int((chance < props.MASK).nonzero()[0]), int((chance > 0.5).nonzero()[0]))
    scenes = torch.tensor([masked, bare])
    truth = studio.shoot(replace(calm, people=[calm.people[0]] * 2, scene=scenes), 64)
    assert float(truth.props[0].mean()) > float(truth.props[1].mean()) + 0.05
    mouth = truth.landmarks[0, 57].round().long()
    assert float(truth.props[0, mouth[1], mouth[0]]) > 0.9
