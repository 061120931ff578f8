"""Frames of prediction tables: the same, shared, pooled; what is amiss is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aukit.errors import DataError
from aukit.scoring.frames import pool_folds, require_same_frames, shared_frames
from aukit.testing.predictions import made_up, replaced


def folds(folder: Path) -> list[Path]:
    """The table of six people as three files of two people each."""
    table = made_up()
    subjects = np.array(table["subject"].to_pylist())
    paths = []
    for number in range(3):
        own = np.isin(subjects, [f"s{2 * number}", f"s{2 * number + 1}"])
        paths.append(folder / f"{number}.parquet")
        pq.write_table(table.filter(pa.array(own)), paths[-1])
    return paths


def test_folds_are_pooled(tmp_path: Path) -> None:
    pooled = pool_folds(folds(tmp_path))
    assert sorted(pooled["id"].to_pylist()) == sorted(made_up()["id"].to_pylist())
    assert pooled.schema.equals(made_up().schema)


def test_a_fold_given_twice_is_refused(tmp_path: Path) -> None:
    paths = folds(tmp_path)
    with pytest.raises(DataError, match=r"80 frames are duplicated, e.g. d/test/f"):
        pool_folds([*paths, paths[0]])


def test_a_person_in_two_folds_is_refused(tmp_path: Path) -> None:
    paths = folds(tmp_path)
    table = pq.ParquetFile(paths[1]).read()
    pq.write_table(replaced(table, "subject", ["s0"] * table.num_rows), paths[1])
    with pytest.raises(DataError, match=r"d/test/s0 is tested in folds 1 and 2"):
        pool_folds(paths)


def test_folds_that_are_missing_or_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.parquet does not exist"):
        pool_folds([tmp_path / "gone.parquet"])
    with pytest.raises(DataError, match="no folds"):
        pool_folds([])


def test_missing_frames_are_named_on_either_side() -> None:
    table = made_up()
    short = table.slice(3)
    with pytest.raises(DataError, match=r"table 2 lacks 3 of the other's frames, e.g. d/test/f0"):
        require_same_frames([table, short])
    with pytest.raises(DataError, match=r"table 1 lacks 3 of the other's frames, e.g. d/test/f0"):
        require_same_frames([short, table])


def test_doubled_frames_are_named() -> None:
    table = made_up()
    doubled = pa.concat_tables([table, table.slice(7, 2)])
    with pytest.raises(DataError, match=r"table 1: 2 frames are duplicated, e.g. d/test/f7"):
        require_same_frames([doubled, doubled])
    with pytest.raises(DataError, match=r"table 2: 2 frames are duplicated, e.g. d/test/f7"):
        require_same_frames([table, doubled])


def test_another_truth_is_named() -> None:
    table = made_up()
    other = replaced(table, "AU12", [0.0] * table.num_rows)
    with pytest.raises(DataError, match="table 2 has a different truth of AU12"):
        require_same_frames([table, other])


def test_other_aus_are_named() -> None:
    with pytest.raises(DataError, match="AU01, AU12; table 2: AU01"):
        require_same_frames([made_up(), made_up().drop_columns(["AU12"])])


def test_frames_in_common() -> None:
    table = made_up()
    (first, second), lost = shared_frames([table.slice(5), table.slice(0, 200)])
    assert lost == [40, 5]
    assert first["id"].to_pylist() == second["id"].to_pylist() == table["id"].to_pylist()[5:200]
    require_same_frames([first, second])
