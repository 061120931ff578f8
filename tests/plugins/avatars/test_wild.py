"""Avatars in any pose: what is drawn, and whether the meshes are those of the pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from aukit.contracts.context import Context
from aukit.contracts.dataset import KnowsMesh, Meshes
from aukit.errors import DataError
from aukit.testing import Subject, parametrize_with_checks
from aukit.vision.warp import apply, similarity
from aukit_avatars.actions import AUS
from aukit_avatars.camera import MOST_PITCH, MOST_YAW
from aukit_avatars.dataset import Avatars
from aukit_avatars.known import in_pixels
from aukit_avatars.plugin import AvatarsConfig, WildConfig, aukit_datasets
from aukit_avatars.wild import WildAvatars, draw

RECIPE = WildConfig(train=3, valid=1, test=0, frames=2, size=64)


@pytest.fixture(scope="module")
def wild() -> WildAvatars:
    return WildAvatars(RECIPE, Context())


@pytest.fixture(scope="module")
def meshes(wild: WildAvatars) -> Meshes:
    (found,) = wild.meshes(wild.index())
    return found


@parametrize_with_checks([Subject(aukit_datasets()[1], {"train": 2, "valid": 1, "test": 1})])
def test_contract(subject, check) -> None:  # type: ignore[no-untyped-def]
    check(subject)


def test_moments_are_varied_and_within_range() -> None:
    moments = draw(torch.arange(4000))
    pitch, yaw = moments.views.unbind(1)
    assert pitch.abs().max() <= MOST_PITCH
    assert yaw.abs().max() <= MOST_YAW
    assert (yaw.abs() > 60).float().mean() > 0.05
    assert (yaw.abs() < 15).float().mean() > 0.2
    assert moments.activation.min() >= 0
    assert moments.activation.max() <= 5
    assert (moments.activation > 3).float().mean(0).min() > 0.01, "an AU is never strong"
    assert (moments.activation == 0).all(1).float().mean() > 0.05, "nobody is ever neutral"
    assert moments.domain.float().mean() == pytest.approx(0.5, abs=0.05)
    assert moments.distance.min() >= 45
    assert moments.distance.max() <= 180


def test_a_moment_does_not_depend_on_the_others() -> None:
    together, alone = draw(torch.arange(8)), draw(torch.arange(5, 6))
    assert all(
        torch.equal(a[5:6], b) for a, b in zip(*map(_values, (together, alone)), strict=True)
    )


def _values(moments: object) -> list[torch.Tensor]:
    return list(vars(moments).values())


def test_index_tells_the_drawn_moments(wild: WildAvatars) -> None:
    index = wild.index()
    assert index.num_rows == 8
    assert len(set(index.column("view").to_pylist())) > 4
    levels = np.stack([index.column(au).to_numpy() for au in AUS])
    assert ((levels >= 0) & (levels <= 5)).all()
    assert (levels == np.rint(levels)).all()


def test_meshes_lie_where_the_landmarks_are(wild: WildAvatars, meshes: Meshes) -> None:
    assert isinstance(wild, KnowsMesh)
    assert meshes.images.shape == (8, 3, 64, 64)
    assert meshes.cover.amax((1, 2)).min() > 0.99
    found = meshes.vertices[:, wild.studio.head.landmarks68, :2]
    torch.testing.assert_close(found, meshes.landmarks)


def test_people_of_the_benchmark_are_others(wild: WildAvatars) -> None:
    benchmark = Avatars(AvatarsConfig(train=2), Context())
    names = {benchmark.person(*who).name for who in benchmark.subjects}
    assert not names & {wild._person(*who).name for who in wild.subjects}


def test_depth_is_that_of_a_similar_copy_of_the_head() -> None:
    """Independent of how it is computed: a similarity carries the head's own frame to the mesh."""
    avatars = Avatars(
        AvatarsConfig(train=2, valid=0, test=0, tasks=1, frames=1, size=64), Context()
    )
    rows = avatars.index()
    truth = avatars.truth(rows)
    (found,) = avatars.meshes(rows)
    torch.testing.assert_close(found.vertices, in_pixels(truth))
    face = avatars.studio.head.landmarks68
    head, mesh = truth.head[:, face].double(), found.vertices[:, face].double()
    mesh = mesh * mesh.new_tensor([1, -1, -1])  # y up, z towards the camera, as in the head's frame
    moved = apply(similarity(head, mesh), head)
    miss = torch.linalg.vector_norm(moved - mesh, dim=-1).mean(1)
    side = torch.linalg.vector_norm(mesh[:, 36] - mesh[:, 45], dim=-1)
    assert (miss / side).max() < 0.03  # the camera's perspective


def test_rows_of_another_recipe_are_refused(wild: WildAvatars) -> None:
    other = WildAvatars(WildConfig(train=9, valid=0, test=0, frames=1, size=64), Context())
    with pytest.raises(DataError, match="not in this recipe"):
        wild.truth(other.index().slice(8))


def test_people_of_a_family_have_heads_of_their_own(meshes: Meshes) -> None:
    others = WildAvatars(replace(RECIPE, family="kin"), Context())
    (found,) = others.meshes(others.index())
    points = found.vertices[:, others.studio.head.landmarks68, :2]
    assert torch.allclose(points, found.landmarks, atol=1e-3)
    fits = similarity(found.vertices[..., :2].double(), meshes.vertices[..., :2].double())
    away = apply(fits, found.vertices[..., :2].double()) - meshes.vertices[..., :2]
    assert away.norm(dim=-1).mean(1).min() > 0.3  # pixels, of heads that fill 64
