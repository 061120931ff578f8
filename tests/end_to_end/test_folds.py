"""Runs on folds: everybody tested once, aligned once, and nobody on two sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aukit.config.resolve import nest, resolve
from aukit.config.run import RunConfig
from aukit.errors import ConfigError, DataError, LeakageError
from aukit.faces.stored import read_rows
from aukit.pipeline.execute import Outcome, begun, execute
from aukit.pipeline.house_rules import refuse_shared_people
from aukit.pipeline.role_faces import RoleFaces
from aukit.pipeline.stages.fold import people_of, pick_people
from aukit.pipeline.steps import registered
from aukit.registry.loading import Registry
from aukit.scoring.scores import pool_folds
from aukit.store.files import write_table

SMALL = {
    "preset": "quick",
    "device": "cpu",
    "data": "drawn",
    "aligner": "centre",
    "estimator": "vgg16",
    "estimator.size": 32,
    "estimator.width": 0.125,
    "estimator.epochs": 1,
    "estimator.ticks": 1,
    "balancer.per_level": 3,
    "data.people": 2,
    "data.frames": 24,
    "draws": 50,
    "executor": "inline",
}


def configured(registry: Registry, **changes: Any) -> RunConfig:
    settings = {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}}
    return resolve(registry, [("test", nest(settings))])


def run(registry: Registry, output: Path, **changes: Any) -> Outcome:
    return execute(configured(registry, **changes), output, registry)


def prepare(registry: Registry, output: Path, **changes: Any) -> dict[str, set[str]]:
    """Partition -> people of its registered faces, in a run that stops before it fits anything."""
    config = configured(registry, **changes)
    with begun(config, output, registry, None) as runner:
        faces = registered(runner)
    assert faces.valid is not None
    results = {"train": faces.train, "valid": faces.valid, "test": faces.test}
    return {name: people(result.folder) for name, result in results.items()}


def people(folder: Path) -> set[str]:
    return set(people_of(read_rows(folder)))


def aligned(output: Path) -> list[str]:
    return sorted(path.name for path in (output / ".stages").glob("align-*"))


def test_folds_share_the_aligned_faces_with_runs_without_any(
    registry: Registry, tmp_path: Path
) -> None:
    plain = prepare(registry, tmp_path)
    before = aligned(tmp_path)
    everybody = set().union(*plain.values())
    assert len(everybody) == 6
    folds = [prepare(registry, tmp_path, fold=f"{number}/3") for number in (1, 2, 3)]
    assert aligned(tmp_path) == before
    for fold in folds:
        assert [len(part) for part in fold.values()] == [3, 1, 2]
        assert set().union(*fold.values()) == everybody
    assert sorted(person for fold in folds for person in fold["test"]) == sorted(everybody)
    assert prepare(registry, tmp_path, fold="loso:4")["test"] == {"drawn/train/P01"}
    other = prepare(registry, tmp_path, fold="1/3", fold_seed=1)
    assert other["test"] != folds[0]["test"]


def test_folds_are_run_and_pooled(registry: Registry, tmp_path: Path) -> None:
    outcomes = [run(registry, tmp_path, fold=f"{number}/2") for number in (1, 2)]
    pooled = pool_folds([outcome.folder / "predictions.parquet" for outcome in outcomes])
    assert len(people_of(pooled)) == 6
    assert pooled.num_rows == 6 * 24
    assert "1/2" in (outcomes[0].folder / "report.html").read_text(encoding="utf-8")
    again = run(registry, tmp_path, fold="1/2")
    assert again.scores == outcomes[0].scores
    assert '"started"' not in (again.folder / "events.jsonl").read_text()


def test_the_pipeline_refuses_a_division_that_leaks(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = RoleFaces.find

    def leaky(self: RoleFaces, label: str, role: str, partition: str) -> Any:
        return honest(self, label, role, "train" if label == "test" else partition)

    monkeypatch.setattr(RoleFaces, "find", leaky)
    with pytest.raises(LeakageError, match=r"person drawn/\S+ is in both train and test"):
        prepare(registry, tmp_path, fold="1/3")


def test_folds_need_people_that_fit(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="6 people cannot be divided into 7 folds"):
        prepare(registry, tmp_path, fold="1/7")
    with pytest.raises(DataError, match="is in no fold of the list 'disfa'"):
        prepare(registry, tmp_path, fold="disfa:1")


def test_roles_with_other_people_are_not_divided(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"3 of 9 people of role test are in no partition"):
        prepare(registry, tmp_path, fold="1/3", test__data__people=3)


def test_a_test_role_with_none_of_the_people_is_refused(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = registry.find("data", "drawn").load()
    index = drawn.index

    def renamed(self: Any) -> pa.Table:
        table = index(self)
        name = "elsewhere" if self.config.frames == 5 else "drawn"
        return table.set_column(1, table.schema.field(1), pa.array([name] * table.num_rows))

    monkeypatch.setattr(drawn, "index", renamed)
    with pytest.raises(ConfigError, match="role test has other people"):
        prepare(registry, tmp_path, fold="1/3", test__data__frames=5)


def test_a_shard_of_one_side_is_linked_and_a_mixed_one_divided(tmp_path: Path) -> None:
    def rows(people: list[str]) -> pa.Table:
        columns = [["d"] * len(people), ["train"] * len(people), people, list(range(len(people)))]
        return pa.table(columns, names=["dataset", "partition", "subject", "value"])

    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    for number, names in enumerate((["a", "a"], ["a", "b"], ["c"])):
        write_table(source / f"part-{number:05d}.parquet", rows(names))
    pick_people([source], ["d/train/a"], target)
    first, second = sorted(target.iterdir())
    assert first.samefile(source / "part-00000.parquet")
    assert pq.read_table(second).column("subject").to_pylist() == ["a"]
    pick_people([source], ["d/train/a"], target)  # an interrupted attempt is begun again
    assert read_rows(target).num_rows == 3
    with pytest.raises(LeakageError):
        refuse_shared_people([("train", source), ("test", target)])
