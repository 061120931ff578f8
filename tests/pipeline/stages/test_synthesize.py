"""The synthesize stage: what is written, whatever the batch and whenever it was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor

from aukit.components import Component
from aukit.config.choice import Choice
from aukit.contracts.context import Context
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.data.records import face_schema, plan_schema
from aukit.faces.stored import StoredFaces
from aukit.pipeline.stage import Fitted
from aukit.pipeline.stages import synthesize as stage
from aukit.pipeline.stages.synthesize import Synthesizing, synthesize
from aukit.pipeline.stages.training_set import synthetic_requests
from aukit.progress import Silent
from aukit.store.stages import Result
from aukit_local.executors import Inline
from aukit_local.plugin import InlineConfig

AUS = ("AU04", "AU12")
Store = Callable[..., StoredFaces]


@dataclass(frozen=True)
class NoOptions:
    """Options of a component that has none."""


class Shade:
    """Adds the targets and the seed to the pixels; may fail at a call."""

    def __init__(self, die_at: int = -1) -> None:
        self.calls = 0
        self.die_at = die_at

    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Tensor:
        self.calls += 1
        if self.calls == self.die_at:
            raise KeyboardInterrupt
        asked = (targets.values * targets.mask).sum(1).to(torch.uint8)
        added = asked + (seeds % 50).to(torch.uint8)
        return faces.images + added.view(-1, 1, 1, 1)


def requests(faces: StoredFaces, count: int) -> pa.Table:
    """Requests for all faces in turn, AU12 mostly not asked for."""
    ids = faces.table.column("id").to_pylist()
    rows = [
        {
            "training_set": "AU04",
            "level": number % 6,
            "origin": "synthetic",
            "source": ids[number % len(ids)],
            "count": 1,
            "seed": 7 * number,
            "AU04": float(number % 6),
            "AU12": 5.0 if number % 5 == 0 else None,
        }
        for number in range(count)
    ]
    return synthetic_requests(pa.Table.from_pylist(rows, schema=plan_schema(AUS)), AUS)


def run(folder: Path, faces: StoredFaces, wanted: pa.Table, painter: Shade | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    shade = Choice(Component("synth", "shade", "here:here", NoOptions, "a test"), NoOptions())
    making = Synthesizing(Fitted(shade, Result("", folder)), AUS, {}, Context())
    vars(making)["synthesizer"] = painter or Shade()
    synthesize(making, faces, wanted, folder, Inline(InlineConfig(), Context()), Silent())
    return folder


def content(folder: Path) -> pa.Table:
    return pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("part-*.parquet"))])


def test_rows_name_parent_target_and_seed(store: Store, tmp_path: Path) -> None:
    faces = store(9)
    wanted = requests(faces, 20)
    made = content(run(tmp_path / "made", faces, wanted))
    assert made.schema.equals(face_schema(AUS))
    assert made["id"].to_pylist() == wanted["id"].to_pylist()
    assert made["parent"].to_pylist() == wanted["source"].to_pylist()
    assert made["seed"].to_pylist() == [7 * number for number in range(20)]
    assert set(made["origin"].to_pylist()) == {"synthetic"}
    assert made["AU04"].to_pylist() == [float(number % 6) for number in range(20)]
    parents = dict(zip(faces.table["id"].to_pylist(), faces.table.to_pylist(), strict=True))
    for row in made.to_pylist():
        parent = parents[row["parent"]]
        for name in ("subject", "partition", "landmarks"):
            assert row[name] == parent[name]


def test_what_was_not_asked_for_keeps_the_label_of_the_parent(store: Store, tmp_path: Path) -> None:
    faces = store(9)
    shown = dict(zip(faces.table["id"].to_pylist(), faces.table["AU12"].to_pylist(), strict=True))
    for number, row in enumerate(
        content(run(tmp_path / "made", faces, requests(faces, 20))).to_pylist()
    ):
        assert row["AU12"] == (5.0 if number % 5 == 0 else shown[row["parent"]])
    assert None in shown.values()


@pytest.mark.parametrize(("batch", "shard"), [(1, 7), (3, 1024), (64, 8)])
def test_batches_and_shards_change_nothing(
    batch: int, shard: int, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = store(9)
    wanted = requests(faces, 20)
    expected = content(run(tmp_path / "whole", faces, wanted))
    monkeypatch.setattr(stage, "BATCH", batch)
    monkeypatch.setattr(stage, "SHARD", shard)
    assert content(run(tmp_path / "parts", faces, wanted)).equals(expected)


def test_an_interrupted_stage_keeps_its_shards_and_ends_with_the_same_bytes(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "BATCH", 4)
    monkeypatch.setattr(stage, "SHARD", 8)
    faces = store(9)
    wanted = requests(faces, 20)
    whole = run(tmp_path / "whole", faces, wanted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", faces, wanted, Shade(die_at=4))
    first = tmp_path / "killed" / "part-00000.parquet"
    assert [path.name for path in (tmp_path / "killed").iterdir()] == [first.name]
    written = first.stat().st_mtime_ns
    painter = Shade()
    run(tmp_path / "killed", faces, wanted, painter)
    assert painter.calls == 3
    assert first.stat().st_mtime_ns == written
    for path in sorted(whole.iterdir()):
        assert (tmp_path / "killed" / path.name).read_bytes() == path.read_bytes()
