"""A stage's fields are its key, and all that it may read."""

from __future__ import annotations

import os
import pickle
import sys
from dataclasses import FrozenInstanceError, dataclass, field, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pyarrow as pa
import pytest

from aukit.components import Component
from aukit.config.choice import Choice, file_states
from aukit.contracts.context import no_weights
from aukit.data.records import face_schema
from aukit.errors import LeakageError
from aukit.faces.shards import rows_of, shard_path
from aukit.pipeline import house_rules
from aukit.pipeline.runner import Runner
from aukit.pipeline.stage import Stage
from aukit.pipeline.stages.fit_normalizer import FitNormalizer
from aukit.pipeline.steps import STAGES
from aukit.pipeline.work import Work
from aukit.progress import Silent
from aukit.registry import code
from aukit.runs.folder import Run
from aukit.store.files import write_table
from aukit.store.stages import Result, Stages


@dataclass(frozen=True)
class Options:
    """Options of a component that is never built."""

    size: int = 96
    word: str = "clip"
    path: Path | None = None
    several: tuple[Path, ...] = ()
    weights: str = field(default="", metadata={"file": True})


def chosen(kind: str = "aligner", **options: Any) -> Choice:
    record = Component(kind, "made", "nowhere:Made", Options, "a test", distribution="here")
    return Choice(record, Options(**options))


@dataclass(frozen=True)
class Count(Stage):
    """Writes a number."""

    name: ClassVar[str] = "count"
    number: int
    before: Result | None = None

    def compute(self, folder: Path, work: Work) -> None:
        (folder / "number").write_text(str(self.number), encoding="utf-8")


def runner_in(folder: Path, redo: tuple[str, ...] = ()) -> Runner:
    told = SimpleNamespace(tell=lambda *_, **__: None)
    run = SimpleNamespace(
        event=lambda *_, **__: None, observers=told, stage_done=lambda *_: None, folder=folder
    )
    work = Work("cpu", no_weights, Silent(), chosen("executor"))
    return Runner(cast(Run, run), Stages(folder), work, redo)


def test_aus_and_seed_are_part_of_what_a_normalizer_is_made_of() -> None:
    faces = (Result("align-1", Path("a")),)
    made = [
        FitNormalizer(chosen("normalizer"), faces, aus, seed).document()
        for aus, seed in ((("AU12",), 0), (("AU01", "AU12"), 0), (("AU12",), 1))
    ]
    assert made[0] != made[1]
    assert made[0] != made[2]


def test_a_stage_is_made_once_for_each_value_of_its_fields(tmp_path: Path) -> None:
    runner = runner_in(tmp_path)
    first = runner.result(Count(1))
    assert runner.result(Count(1)) == first
    assert runner.result(Count(2)) != first
    assert [one.made for one in runner.explained] == [True, False, True]
    assert runner.explained[2].differs == ("number",)


def test_inputs_count_by_what_made_them_not_by_where_they_lie() -> None:
    here, there = (Count(1, Result("align-1", Path(place))) for place in ("here", "there"))
    assert here.document() == there.document()
    assert here.document() != Count(1, Result("align-2", Path("here"))).document()


def test_what_is_made_again_takes_along_what_is_made_of_it(tmp_path: Path) -> None:
    before = runner_in(tmp_path)
    before.result(Count(2, before.result(Count(1))))
    again = runner_in(tmp_path, ("count",))
    again.result(Count(2, again.result(Count(1))))
    assert [one.made for one in again.explained] == [True, True]


def test_every_stage_of_a_run_is_frozen_and_small() -> None:
    for kind in STAGES:
        values = {entry.name: None for entry in fields(kind)}
        stage = kind(**values)
        with pytest.raises(FrozenInstanceError):
            stage.name = "other"  # type: ignore[misc]
        assert len(pickle.dumps(stage)) < 2000


def test_something_that_no_key_can_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot have a field of type function"):
        Count(cast(int, runner_in)).document()


def test_an_option_is_a_file_by_its_type_not_by_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = chosen().to_json()
    (tmp_path / "clip").write_text("a file that happens to have the name of an option's value")
    assert chosen().to_json() == before


def test_folders_and_lists_of_files_count_by_what_is_in_them(tmp_path: Path) -> None:
    folder = tmp_path / "corpus" / "deep"
    folder.mkdir(parents=True)
    options = Options(path=tmp_path / "corpus", several=(folder / "a", folder / "b"))
    seen = [file_states(options)]
    (folder / "a").write_text("one")
    seen.append(file_states(options))
    os.utime(folder / "a", (1, 1))
    seen.append(file_states(options))
    assert seen[0] != seen[1] != seen[2]
    assert seen[0]["several"] != seen[1]["several"]


def test_weights_count_by_the_file_that_their_name_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aukit.registry import weights

    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))
    before = file_states(Options(weights="efficientnet-lite0-imagenet"))
    known = chosen().component  # a component of no account; the name is known to the registry
    assert known.name == "made"
    from aukit.registry.loading import default_registry

    path = weights.location(default_registry().weights()["efficientnet-lite0-imagenet"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"fetched")
    assert file_states(Options(weights="efficientnet-lite0-imagenet")) != before


def test_edited_code_is_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "edited_plugin.py"
    module.write_text("VALUE = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(code, "_is_editable", lambda distribution: True)
    record = Component("aligner", "made", "edited_plugin:Made", Options, "", version="1.0")
    before = code.code_of(record)
    module.write_text("VALUE = 5.0\n", encoding="utf-8")
    code._digest.cache_clear()
    assert code.code_of(record) != before
    monkeypatch.setattr(code, "_is_editable", lambda distribution: False)
    assert code.code_of(record) == "1.0"
    sys.modules.pop("edited_plugin", None)


def faces(folder: Path, rows: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    usual = {"dataset": "d", "face": 0, "status": "ok"}
    table = pa.Table.from_pylist([{**usual, **row} for row in rows], schema=face_schema(("AU12",)))
    write_table(shard_path(folder, 0), table)
    return folder


REAL = {"id": "a", "partition": "train", "subject": "p1", "origin": "real"}
MADE = {"id": "a#1", "partition": "train", "subject": "p1", "origin": "synthetic", "parent": "a"}


def test_a_synthetic_face_has_the_person_of_its_parent(tmp_path: Path) -> None:
    parents = faces(tmp_path / "parents", [REAL])
    house_rules.hold(faces(tmp_path / "good", [MADE]), [parents])
    other = faces(tmp_path / "bad", [{**MADE, "subject": "p2"}])
    with pytest.raises(LeakageError, match=r"synthetic face a#1 is of d/train/p2"):
        house_rules.hold(other, [parents])


@pytest.mark.parametrize("partition", ["valid", "test"])
def test_no_synthetic_face_is_scored(tmp_path: Path, partition: str) -> None:
    parents = faces(tmp_path / "parents", [{**REAL, "partition": partition}])
    scored = faces(tmp_path / "bad", [{**MADE, "partition": partition}])
    with pytest.raises(LeakageError, match="in the validation or test partition"):
        house_rules.hold(scored, [parents])


def test_work_for_other_processes_carries_its_own_rows_alone() -> None:
    table = pa.table({"id": [f"frame {number:06d}" for number in range(20_000)]})
    whole = len(pickle.dumps(table))
    assert len(pickle.dumps(rows_of(table, range(512, 768)))) < whole / 20
