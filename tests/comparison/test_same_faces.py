"""The same test faces, as each cell of a comparison registered them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from aukit.comparison.same_faces import MOST, same_faces
from aukit.data.records import face_schema
from aukit.runs.names import STAGES_FILE
from aukit.store.files import write_json, write_table

Cell = Callable[..., dict[str, Any]]


@pytest.fixture
def cell(tmp_path: Path) -> Cell:
    """`cell("2d", {"a/1": "ok"})`: a cell whose run has registered these faces of these people."""

    def make(label: str, faces: Mapping[str, str], stage: str | None = None) -> dict[str, Any]:
        run, stored = tmp_path / label, tmp_path / "stages" / (stage or label)
        for folder in (run, stored):
            folder.mkdir(parents=True, exist_ok=True)
        rows = [
            {
                "id": name,
                "dataset": "d",
                "face": 0,
                "subject": name.split("/")[0],
                "image": f"{stored.name}:{name}".encode(),
                "status": status,
                "origin": "real",
            }
            for name, status in faces.items()
        ]
        write_table(
            stored / "part-00000.parquet", pa.Table.from_pylist(rows, schema=face_schema(()))
        )
        entry = {"key": stored.name, "folder": f"../stages/{stored.name}"}
        write_json(run / STAGES_FILE, {"stages": {"align-test": entry}})
        return {"label": label, "run": str(run)}

    return make


def faces(people: int, frames: int) -> dict[str, str]:
    return {f"P{person}/{frame}": "ok" for person in range(people) for frame in range(frames)}


def test_the_middle_frame_of_each_person_comes_from_every_cell(cell: Cell) -> None:
    cells = [cell("2d", faces(2, 5)), cell("3d", faces(2, 5))]
    found = dict(same_faces({"cells": cells}))
    assert found == {
        name: [(f"2d:{name}".encode(), "2d"), (f"3d:{name}".encode(), "3d")]
        for name in ("P0/2", "P1/2")
    }


def test_cells_that_register_alike_share_a_picture(cell: Cell) -> None:
    one, other = cell("none", faces(1, 1), "same"), cell("lacgan", faces(1, 1), "same")
    assert list(same_faces({"cells": [one, other]})) == []  # nothing to compare
    cells = [one, cell("3d", faces(1, 1)), other]
    ((name, pictures),) = same_faces({"cells": cells})
    assert name == "P0/0"
    assert pictures == [(b"same:P0/0", "none, lacgan"), (b"3d:P0/0", "3d")]


def test_only_faces_that_every_cell_has_registered_are_shown(cell: Cell) -> None:
    dropped = {**faces(2, 3), "P0/1": "dropped", "P1/0": "dropped", "P1/1": "dropped"}
    found = dict(same_faces({"cells": [cell("2d", faces(2, 3)), cell("3d", dropped)]}))
    assert list(found) == ["P0/2", "P1/2"]


def test_no_more_than_a_few_people_are_shown(cell: Cell) -> None:
    cells = [cell("2d", faces(MOST + 2, 1)), cell("3d", faces(MOST + 2, 1))]
    assert len(list(same_faces({"cells": cells}))) == MOST


def test_cells_of_different_test_data_have_no_faces_in_common(cell: Cell) -> None:
    others = {f"Q{name}": status for name, status in faces(2, 2).items()}
    assert list(same_faces({"cells": [cell("a", faces(2, 2)), cell("b", others)]})) == []


def test_a_cell_without_a_run_is_left_out(cell: Cell) -> None:
    cells = [cell("2d", faces(1, 1)), {"label": "failed", "run": None}, cell("3d", faces(1, 1))]
    ((_, pictures),) = same_faces({"cells": cells})
    assert [label for _, label in pictures] == ["2d", "3d"]
