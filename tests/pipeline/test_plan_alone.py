"""A plan without a run: whose frames it names, what it counts, and what it writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aukit.cli.main import main
from aukit.config.resolve import nest, resolve
from aukit.contracts.context import Context
from aukit.data import records
from aukit.errors import ConfigError
from aukit.pipeline import plan_alone as planning
from aukit.pipeline.execute import execute
from aukit.pipeline.plan_alone import plan_alone
from aukit.registry.loading import Plugin, Registry
from aukit_resampling.plugin import aukit_balancers

TINY = Path(__file__).parents[1] / "end_to_end" / "tiny_plugin.py"
NAMES = [component.name for component in aukit_balancers()]
SMALL = {"preset": "quick", "device": "cpu", "data": "drawn", "aligner": "centre"}
LEVEL = st.one_of(st.none(), st.integers(0, 5).map(float))
FRAMES = st.lists(
    st.tuples(st.sampled_from(["train", "valid", "test"]), st.integers(0, 3), LEVEL, LEVEL),
    min_size=1,
    max_size=30,
)


@pytest.fixture
def tiny(distribute: Callable[..., Path]) -> None:
    source = TINY.read_text(encoding="utf-8")
    distribute("tiny-faces", {"tiny_of_plans": source}, version="0.1")


class Labelled:
    """A dataset of which only the labels are looked at; partitions share subject codes."""

    aus = ("AU01", "AU12")
    landmarks = False

    def __init__(self, frames: list[tuple[Any, ...]]) -> None:
        self.frames = frames

    def index(self) -> pa.Table:
        names = [f"x/{p}/S{s}/{n}" for n, (p, s, _, _) in enumerate(self.frames)]
        rows = [
            {"id": name, "dataset": "x", "partition": p, "subject": f"S{s}", "AU01": a, "AU12": b}
            for name, (p, s, a, b) in zip(names, self.frames, strict=True)
        ]
        return pa.Table.from_pylist(rows, schema=records.index_schema(self.aus))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15)
@given(frames=FRAMES)
def test_no_test_or_validation_person_is_ever_in_a_plan(
    name: str, frames: list[tuple[Any, ...]]
) -> None:
    assert {partition for partition, _ in people_of_plan(name, frames, "none")} == {"train"}


@settings(max_examples=15)
@given(frames=FRAMES, name=st.sampled_from(NAMES))
def test_nobody_whom_a_fold_tests_is_in_its_plan(name: str, frames: list[tuple[Any, ...]]) -> None:
    everybody = [(part, who, 0.0, 1.0) for part in ("train", "test") for who in range(3)]
    first, second = (people_of_plan(name, [*frames, *everybody], f"{n}/2") for n in (1, 2))
    # Whom the first of two folds does not test, the second does.
    assert first
    assert second
    assert not first & second


def people_of_plan(name: str, frames: list[tuple[Any, ...]], fold: str) -> set[tuple[str, str]]:
    """Partition and subject of everybody whom the plan of a balancer names."""
    values: dict[str, Any] = {"preset": "quick", "balancer": name, "aus": "1,12", "fold": fold}
    values |= {"balancer.per_level": 4} if name in ("resample", "semantic") else {}
    values |= {"synth": "ganimation"} if name == "semantic" else {}
    config = resolve(Registry(), [("test", nest(values))])
    dataset = Labelled([*frames, ("train", 0, 0.0, 1.0), ("train", 1, 0.0, 1.0)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "make", lambda choice, context: built(choice, context, dataset))
        made = plan_alone(config).plan
    named = [*made["source"].to_pylist(), *made["target"].drop_null().to_pylist()]
    return {(frame.split("/")[1], frame.split("/")[2]) for frame in named}


def built(choice: Any, context: Context, dataset: Labelled) -> Any:
    if choice.component.kind == "data":
        return dataset
    return choice.component.load()(choice.options, context)


def registry() -> Registry:
    import importlib

    found, plugin = Registry(), Plugin("tiny-faces", "0.1", "tiny")
    if not any(known.distribution == "tiny-faces" for known in found.plugins):
        found.plugins.append(plugin)
        found.register(plugin, importlib.import_module("tiny_of_plans"))
    return found


@pytest.mark.usefixtures("tiny")
def test_the_plan_is_that_of_the_run(tmp_path: Path) -> None:
    known = registry()
    values = {**SMALL, "data.people": 2, "data.frames": 12, "balancer.per_level": 5, "draws": 5}
    values |= {
        "estimator": "vgg16",
        "estimator.size": 32,
        "estimator.width": 0.125,
        "estimator.epochs": 1,
    }
    config = resolve(known, [("test", nest({**values, "executor": "inline"}))])
    outcome = execute(config, tmp_path, known)
    assert plan_alone(config).plan.equals(pq.read_table(outcome.folder / "plan.parquet"))


@pytest.mark.usefixtures("tiny")
def test_it_is_written_as_tables_and_as_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["plan", "--data", "drawn", "--preset", "quick", "--balancer.per_level", "5", "--csv"]
    assert main([*line, "-o", str(tmp_path / "p"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    plan = pq.read_table(tmp_path / "p" / "plan.parquet")
    assert shown["rows"] == plan.num_rows
    assert shown["people"] == 6
    assert shown["levels"]["AU12"]["after"] == [5] * 6
    before = np.array(shown["levels"]["AU01"]["before"])
    assert before.sum() == 6 * (40 - 3)  # every eleventh frame is not coded
    text = pyarrow.csv.read_csv(tmp_path / "p" / "plan.csv")
    assert text.column_names == plan.column_names
    assert text["source"].to_pylist() == plan["source"].to_pylist()
    page = (tmp_path / "p" / "plan.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert "aukit plan --data drawn --preset quick --balancer.per_level 5" in page
    assert "AU12 lip corner puller" in page


@pytest.mark.usefixtures("tiny")
def test_views_are_counted_and_missing_levels_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["plan", "--data", "drawn", "--data.frames", "4", "--data.people", "2", "--preset"]
    line += ["quick", "--synth", "tint", "--aligner", "turntable", "--views", "fera17"]
    line += ["--balancer.per_level", "2", "-o", str(tmp_path)]
    assert main([*line, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["views"] == 9
    counts = {count for uses in shown["levels"].values() for count in uses["after"]}
    assert counts == {0, 18}
    assert any(note.startswith("AU12: no faces at level") for note in shown["notes"])
    assert main(line) == 0
    out = capsys.readouterr().out
    assert "views of each: 9" in out
    assert "note    AU12: no faces at level" in out


@pytest.mark.usefixtures("tiny")
def test_what_cannot_be_planned_is_refused(tmp_path: Path) -> None:
    known = registry()
    with pytest.raises(ConfigError, match="AU04 not coded in both"):
        plan_alone(resolve(known, [("test", nest({**SMALL, "aus": "4"}))]))
    with pytest.raises(ConfigError, match="needs a synth"):
        resolve(known, [("test", nest({**SMALL, "balancer": "semantic"}))])
