"""What a dataset holds, counted, and its frames as files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aukit.contracts.dataset import Frames
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.data.records import index_schema
from aukit.errors import DataError
from aukit.media.frames import export, frame_schema, level_counts, spread, summarize

AUS = ("AU01", "AU12")


def index(count: int = 10) -> pa.Table:
    columns = {
        "id": [f"d/{n}" for n in range(count)],
        "dataset": ["d"] * count,
        "partition": [("train", "test", None)[n % 3] for n in range(count)],
        "subject": [f"S{n % 2}" for n in range(count)],
        "task": ["T1"] * count,
        "view": [None] * count,
        "frame": list(range(count)),
        "time_s": [None] * count,
        "AU01": [None if n % 2 else 5.0 for n in range(count)],
        "AU12": [float(n % 6) for n in range(count)],
    }
    return pa.table(columns, schema=index_schema(AUS))


class Grey:
    """Frame n is grey of level n; every fourth is lost, the first two show a face."""

    aus = AUS
    landmarks = True

    def __init__(self) -> None:
        self.asked = 0

    def index(self) -> pa.Table:
        return index()

    def read(self, rows: pa.Table) -> Iterator[Frames]:
        for number in range(rows.num_rows):
            row = rows.slice(number, 1)
            self.asked += 1
            frame = row.column("frame")[0].as_py()
            lost = frame % 4 == 3
            faces = int(frame < 2)
            yield Frames(
                rows=row,
                images=(None if lost else torch.full((3, 4, 6), frame, dtype=torch.uint8),),
                reasons=("lost" if lost else None,),
                faces=(
                    Faces(
                        torch.zeros(faces, 4),
                        torch.ones(faces),
                        {IBUG68: torch.full((faces, 68, 2), float(frame))},
                    ),
                ),
            )


def test_an_export_can_be_read_by_anybody_and_keeps_everything(tmp_path: Path) -> None:
    (path,) = export(Grey(), index(), tmp_path)
    table = pq.read_table(path)
    assert table.schema.equals(frame_schema(AUS))
    rows = table.to_pylist()
    for frame, row in enumerate(rows):
        if frame % 4 == 3:
            assert (row["image"], row["status"], row["reason"]) == (None, "dropped", "lost")
            continue
        pixels = np.asarray(Image.open(io.BytesIO(row["image"])))
        assert pixels.shape == (row["height"], row["width"], 3) == (4, 6, 3)
        assert (pixels == frame).all()
        assert row["landmarks"] == ([float(frame)] * 136 if frame < 2 else None)
    assert [row["AU12"] for row in rows] == index().column("AU12").to_pylist()
    assert rows[1]["AU01"] is None


def test_an_interrupted_export_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aukit.media.frames.CHUNK", 4)
    paths = export(Grey(), index(), tmp_path)
    whole = [path.read_bytes() for path in paths]
    assert len(paths) == 3
    paths[1].unlink()
    again = Grey()
    assert export(again, index(), tmp_path) == paths
    assert again.asked == 4
    assert [path.read_bytes() for path in paths] == whole


def test_a_summary_counts_people_by_partition_and_levels() -> None:
    found = summarize(index())
    assert (found.frames, found.people) == (10, 6)
    assert found.partitions["train"] == {"frames": 4, "people": 2, "tasks": 1, "views": 0}
    assert set(found.partitions) == {"train", "test", "none"}
    assert found.aus["AU01"] == [0, 0, 0, 0, 0, 5]
    assert found.aus["AU12"] == [2, 2, 2, 2, 1, 1]


def test_intensities_between_levels_count_for_the_nearer() -> None:
    table = index(4)
    values = pa.array([0.4, 2.6, 4.9, None], pa.float32())
    table = table.set_column(table.column_names.index("AU12"), "AU12", values)
    assert level_counts(table, "AU12") == [1, 0, 0, 1, 0, 1]


@given(st.integers(1, 200), st.integers(1, 200))
def test_a_spread_is_even_and_never_doubles(total: int, count: int) -> None:
    frames = spread(index(total), count).column("frame").to_pylist()
    assert len(frames) == min(total, count)
    assert frames == sorted(set(frames))
    if len(frames) > 1:
        gaps = np.diff(frames)
        assert gaps.max() - gaps.min() <= 1
    assert abs((frames[0]) - (total - 1 - frames[-1])) <= 1


def test_nothing_to_spread_is_an_error() -> None:
    with pytest.raises(DataError, match="no frames to show"):
        spread(index(0), 3)
