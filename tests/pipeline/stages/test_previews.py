"""Pictures of what a synthesizer paints during its fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.faces.stored import StoredFaces
from aukit.pipeline.stages import previews as preview
from aukit.pipeline.stages.previews import Previews, commonest_aus, grids, plain_faces
from aukit.vision.images import read

Store = Callable[..., StoredFaces]
GAP, LINE = 4, 14


class FakeTruth:
    """Pictures of one grey, of which the second could not be registered; counts the calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Labels]] = []

    def paint(self, rows: Any, targets: Labels) -> SimpleNamespace:
        self.calls.append((rows, targets))
        ok = torch.ones(len(targets), dtype=torch.bool)
        ok[1] = False
        images = torch.full((len(targets), 3, 16, 16), 40, dtype=torch.uint8)
        return SimpleNamespace(images=images, ok=ok)


def paint(faces: FaceBatch, targets: Labels) -> Tensor:
    """Brightness is the level that is asked for; uses up random numbers."""
    torch.rand(100)
    level = (targets.values * targets.mask).sum(1) * 50
    return level.view(-1, 1, 1, 1).expand(-1, 3, 16, 16).to(torch.uint8)


def middle(grid: Tensor, row: int, column: int) -> list[int]:
    cell = (preview.TILE + GAP + LINE, preview.TILE + GAP)
    y, x = (GAP + preview.TILE // 2 + n * c for n, c in zip((row, column), cell, strict=True))
    return grid[:, y, x].tolist()


def grid_of(folder: Path, step: int) -> Tensor:
    picture = read(folder / f"{step:08d}.png").image
    assert picture is not None
    return picture


def test_levels_lie_side_by_side_and_the_truth_beneath(store: Store, tmp_path: Path) -> None:
    faces, truth = store(12), FakeTruth()
    show = Previews(faces, faces.labels, truth, tmp_path / "p")  # type: ignore[arg-type]
    show(5, paint)
    grid = grid_of(tmp_path / "p", 5)
    rows = preview.FACES * 2 * 2  # faces, AUs, painted and true
    assert tuple(grid.shape[1:]) == (
        rows * (preview.TILE + GAP + LINE) + GAP,
        7 * (preview.TILE + GAP) + GAP,
    )
    for row in range(0, rows, 2):
        assert [middle(grid, row, 1 + level)[0] for level in range(6)] == [
            0,
            50,
            100,
            150,
            200,
            250,
        ]
        assert middle(grid, row + 1, 0) == [225] * 3
    assert middle(grid, 1, 1) == [40] * 3
    assert middle(grid, 1, 2) == [225] * 3  # what could not be registered


def test_the_truth_is_rendered_once_and_asked_for_what_is_painted(
    store: Store, tmp_path: Path
) -> None:
    faces, truth = store(12), FakeTruth()
    show = Previews(faces, faces.labels, truth, tmp_path / "p")  # type: ignore[arg-type]
    show(1, paint)
    show(2, paint)
    ((rows, targets),) = truth.calls
    assert set(rows["id"].to_pylist()) == {"d/valid/p0/000", "d/valid/p1/007"}
    assert targets.mask.sum(1).tolist() == [1] * len(targets)
    assert targets.values.sum(1).tolist() == [0, 1, 2, 3, 4, 5] * 4


def test_random_numbers_of_the_fit_are_left_alone(store: Store, tmp_path: Path) -> None:
    faces = store(12)
    torch.manual_seed(3)
    expected = torch.rand(5)
    torch.manual_seed(3)
    Previews(faces, faces.labels, None, tmp_path / "p")(1, paint)
    assert torch.equal(torch.rand(5), expected)


def test_an_au_that_nobody_shows_is_not_painted(store: Store, tmp_path: Path) -> None:
    faces = store(12)
    nothing = Labels(
        faces.aus, torch.zeros_like(faces.labels.values), torch.ones_like(faces.labels.mask)
    )
    Previews(faces, nothing, None, tmp_path / "p")(1, paint)
    assert not (tmp_path / "p").exists()


def test_of_each_part_of_the_face_the_commonest_au_is_painted() -> None:
    aus = ("AU01", "AU04", "AU06", "AU10", "AU12", "AU14", "AU17")
    counts = (3, 9, 4, 5, 7, 1, 0)
    values = torch.zeros(10, 7)
    for column, count in enumerate(counts):
        values[:count, column] = 2.0
    labels = Labels(aus, values, torch.ones(10, 7, dtype=torch.bool))
    assert commonest_aus(labels, 4) == ["AU04", "AU06", "AU12"]
    assert commonest_aus(labels, 2) == ["AU04", "AU12"]
    masked = Labels(aus, values, torch.zeros(10, 7, dtype=torch.bool))
    assert commonest_aus(masked, 4) == []


def test_faces_are_the_most_neutral_ones_of_different_people(store: Store) -> None:
    faces = store(12)
    assert plain_faces(faces, 2) == [0, 7]
    assert plain_faces(faces, 9) == [0, 7, 8]  # of p1, 1 shows both AUs, 7 only one


@pytest.mark.parametrize("steps", [60])
def test_the_number_of_grids_is_bounded(
    steps: int, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "TILE", 16)
    monkeypatch.setattr(preview, "KEPT", 8)
    faces = store(3)
    show = Previews(faces, faces.labels, None, tmp_path / "p")
    for step in range(1, steps + 1):
        show(step, paint)
        found = grids(tmp_path / "p")
        assert len(found) <= 8
        assert found[0].stem == "00000001"
        assert found[-1].stem == f"{step:08d}"
