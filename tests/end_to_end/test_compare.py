"""A small grid from end to end: shared stages, paired differences, failure, continuation, files."""

from __future__ import annotations

import csv
import json
import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from aukit.comparison import attempts
from aukit.comparison.attempts import Children, InProcess, attempt_all, environment, furthest
from aukit.comparison.child import Child
from aukit.comparison.cluster import Errand, OnCluster, on_cluster, run_errand
from aukit.comparison.compare import compare
from aukit.comparison.definition import define
from aukit.comparison.grid import Trial
from aukit.comparison.planned import Comparison, plan_comparison
from aukit.errors import ConfigError
from aukit.progress import Silent
from aukit.registry.loading import Registry

SMALL = {
    "preset": "quick", "device": "cpu", "data": "drawn", "aligner": "centre",
    "balancer.per_level": "3", "estimator": "vgg16", "estimator.size": "32",
    "estimator.width": "0.125",
    "estimator.epochs": "1", "estimator.ticks": "1", "data.people": "3", "data.frames": "24",
    "draws": "50", "card": "1", "judge": "none", "executor": "inline",
}  # fmt: skip


def plan(registry: Registry, output: Path, typed: dict[str, str], **given: Any) -> Comparison:
    definition = define(registry, None, {**SMALL, **typed}, **given)
    return plan_comparison(registry, definition, output, "grid")


def run(
    registry: Registry, output: Path, typed: dict[str, str], **given: Any
) -> tuple[dict[str, Any], list[str]]:
    """The comparison's document, and what was said meanwhile."""
    said: list[str] = []
    attempt = InProcess(output, registry, Silent())
    document = compare(plan(registry, output, typed, **given), attempt, 1, said.append)
    return document, said


def started(document: dict[str, Any]) -> Counter[str]:
    """How often each kind of stage was computed, over all runs of a comparison."""
    counts: Counter[str] = Counter()
    for cell in document["cells"]:
        for entry in cell["runs"]:
            lines = (Path(entry["run"]) / "events.jsonl").read_text().splitlines()
            found = [json.loads(line) for line in lines]
            counts.update(e["stage"] for e in found if e["event"] == "started")
    return counts


@pytest.fixture(scope="module")
def finished(
    module_registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    output = tmp_path_factory.mktemp("runs")
    document, _ = run(module_registry, output, {"synth": "none,brush"}, seeds="2")
    return output, document


def test_every_cell_has_what_the_issue_promises(finished: tuple[Path, dict[str, Any]]) -> None:
    _, document = finished
    first, second = document["cells"]
    assert [first["choices"], second["choices"]] == [{"synth": "none"}, {"synth": "brush"}]
    for cell in (first, second):
        assert cell["status"] == "finished"
        assert (Path(cell["run"]) / "scores.json").is_file()
        assert set(cell["scores"]["mean"]["icc"]) == {"value", "low", "high", "spread"}
        assert [entry["seed"] for entry in cell["runs"]] == [0, 1]
        assert cell["cost"]["wall_s"] > 0
        assert cell["cost"]["gpu_h"] is None
    assert first["difference"] is None
    assert second["compared"] == {"frames": 72, "left_out": 0, "left_out_of_baseline": 0}
    assert second["card"]["requests"]["levels"] > 0


def test_the_difference_is_that_of_the_means(finished: tuple[Path, dict[str, Any]]) -> None:
    _, document = finished
    first, second = (cell["scores"]["mean"]["mae"]["value"] for cell in document["cells"])
    found = document["cells"][1]["difference"]["mean"]["mae"]
    assert found["value"] == pytest.approx(second - first)
    assert found["low"] <= found["value"] <= found["high"]


def test_every_cell_stands_beside_the_yardstick_of_its_own_faces(
    finished: tuple[Path, dict[str, Any]],
) -> None:
    output, document = finished
    for cell in document["cells"]:
        assert cell["yardstick"]["estimator"] == "landmarks"
        seeds = [json.loads((Path(r["run"]) / "scores.json").read_text()) for r in cell["runs"]]
        own = [scores["yardstick"]["scores"]["mean"]["icc"]["value"] for scores in seeds]
        found = cell["yardstick"]["scores"]["mean"]["icc"]["value"]
        assert found == pytest.approx(sum(own) / len(own))
        for name in ("table.md", "report.html"):
            assert f"{found:.3f}" in (output / "grid" / name).read_text()
    assert "landmarks ICC" in (output / "grid" / "table.md").read_text()


def test_common_stages_are_computed_once(finished: tuple[Path, dict[str, Any]]) -> None:
    counts = started(finished[1])
    shared = ("index-train", "align-train", "align-valid", "align-test")
    assert {name: counts[name] for name in shared} == dict.fromkeys(shared, 1)
    assert counts["fit-estimator"] == 4
    assert counts["fit-judge"] == 2  # one a seed: its plan has the preset's size, not that of here


def test_a_finished_comparison_runs_nothing_again(
    finished: tuple[Path, dict[str, Any]], registry: Registry
) -> None:
    output, document = finished
    again, said = run(registry, output, {"synth": "none,brush"}, seeds="2")
    assert said == ["4 of 4 runs are already finished"]
    assert [c["scores"] for c in again["cells"]] == [c["scores"] for c in document["cells"]]


def test_the_files_say_the_same(finished: tuple[Path, dict[str, Any]]) -> None:
    output, document = finished
    folder = output / "grid"
    assert json.loads((folder / "comparison.json").read_text()) == document
    value = f"{document['cells'][1]['scores']['mean']['mae']['value']:.3f}"
    for name in ("table.md", "table.tex", "report.html"):
        assert value in (folder / name).read_text(encoding="utf-8"), name
    with (folder / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    (row,) = [r for r in rows if (r["cell"], r["unit"], r["score"]) == ("brush", "mean", "mae")]
    assert float(row["value"]) == document["cells"][1]["scores"]["mean"]["mae"]["value"]
    assert float(row["difference"]) == document["cells"][1]["difference"]["mean"]["mae"]["value"]


def test_the_report_is_one_page_without_links_elsewhere(
    finished: tuple[Path, dict[str, Any]],
) -> None:
    page = (finished[0] / "grid" / "report.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert page.count("<img") == 2  # the grids of brush, AU01 and AU12


def test_a_cell_that_fails_is_named_and_the_others_go_on(
    registry: Registry, tmp_path: Path
) -> None:
    document, said = run(registry, tmp_path, {"data.fail_at": "3,-1", "card": "0"})
    first, second = document["cells"]
    assert [first["status"], second["status"]] == ["failed", "finished"]
    assert "the projector caught fire" in first["runs"][0]["error"]
    assert second["difference"] is None  # the baseline failed
    assert any("the projector caught fire" in note for note in document["notes"])
    assert "failed: " in said[0]
    assert "failed" in (tmp_path / "grid" / "table.md").read_text()


def test_differences_are_on_the_frames_that_both_hold(registry: Registry, tmp_path: Path) -> None:
    document, _ = run(registry, tmp_path, {"test.data.broken": "0,8", "card": "0"})
    whole, dropped = document["cells"]
    assert whole["frames"] == 72
    assert dropped["frames"] == 63
    assert dropped["compared"] == {"frames": 63, "left_out": 0, "left_out_of_baseline": 9}
    (note,) = document["notes"]
    assert "the 63 common frames" in note
    assert "9 of test broken 0" in note


def test_folds_are_pooled(registry: Registry, tmp_path: Path) -> None:
    document, _ = run(registry, tmp_path, {"card": "0"}, folds="3")
    (cell,) = document["cells"]
    assert [entry["fold"] for entry in cell["runs"]] == ["1/3", "2/3", "3/3"]
    assert cell["frames"] == 3 * 72  # every person of every partition is tested once


def test_two_processes_do_not_share_a_comparison(registry: Registry, tmp_path: Path) -> None:
    from filelock import FileLock

    planned = plan(registry, tmp_path, {})
    planned.folder.mkdir()
    with (
        FileLock(planned.folder / ".lock"),
        pytest.raises(ConfigError, match="another process is working"),
    ):
        compare(planned, InProcess(tmp_path, registry, Silent()))


class Recorder:
    """Notes which trials run side by side; makes none."""

    def __init__(self) -> None:
        self.order: list[str] = []

    def __call__(self, trial: Trial, folder: Path) -> str | None:
        self.order.append(trial.cell.label)
        return None if "brush" in trial.cell.label else "no"

    def stop(self) -> None:
        self.order.append("stop")


def test_several_at_a_time_all_run_and_say_how_they_ended(
    registry: Registry, tmp_path: Path
) -> None:
    planned = plan(registry, tmp_path, {"synth": "none,brush", "aligner": "centre,turntable"})
    places = [(trial, planned.place(trial)) for trial in planned.trials]
    recorder = Recorder()
    ended = {t.cell.label: error for t, error in attempt_all(places, recorder, 2)}
    assert sorted(recorder.order) == sorted(ended) == sorted(c.label for c in planned.cells)
    assert {label for label, error in ended.items() if error} == {
        label for label in ended if "none" in label
    }


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_leaves_nothing_under_way(
    jobs: int, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan(registry, tmp_path, {"synth": "none,brush"})
    places = [(trial, planned.place(trial)) for trial in planned.trials]
    children = Children(tmp_path, jobs)
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(line: Sequence[str], **given: Any) -> subprocess.Popen[bytes]:
        started.append(popen([sys.executable, "-c", "import time; time.sleep(600)"], **given))
        return started[-1]

    def end() -> None:
        while len(children._running) < jobs:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(subprocess, "Popen", start)
    with attempts.ended_like_interrupted():
        threading.Thread(target=end).start()
        with pytest.raises(KeyboardInterrupt):
            list(attempt_all(places, children, jobs))
    assert len(started) == jobs
    assert {process.wait(10) for process in started} == {-signal.SIGTERM}


def test_those_that_run_side_by_side_differ(registry: Registry, tmp_path: Path) -> None:
    planned = plan(registry, tmp_path, {"synth": "none,brush", "aligner": "centre,turntable"})
    first, *others = planned.trials
    assert others[furthest(others, [first])].cell.choices == {
        "synth": "brush",
        "aligner": "turntable",
    }


def test_processes_share_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "usable_processors", lambda: 8)
    monkeypatch.setattr(attempts, "accelerator", lambda: None)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert environment(2, 1)["OMP_NUM_THREADS"] == "4"
    assert environment(2, 1)["AUKIT_PROCESSORS"] == "4"
    assert "OMP_NUM_THREADS" not in environment(1, 0)
    monkeypatch.setattr(attempts, "accelerator", lambda: "cuda")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert environment(2, 1)["CUDA_VISIBLE_DEVICES"] == "5"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(attempts, "accelerator_count", lambda: 1)
    assert environment(2, 1)["CUDA_VISIBLE_DEVICES"] == "0"  # two jobs share the one there is


@pytest.mark.parametrize(
    ("processors", "memory", "jobs"), [(2, 64, 1), (16, 64, 4), (16, 8, 2), (16, None, 4)]
)
def test_how_many_run_at_a_time_is_decided_by_the_machine(
    processors: int, memory: int | None, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "accelerator", lambda: None)
    monkeypatch.setattr(attempts, "usable_processors", lambda: processors)
    monkeypatch.setattr(attempts, "memory_bytes", lambda: memory and memory << 30)
    assert attempts.jobs_here() == jobs


class Beside:
    """A cluster of this process."""

    def at_once(self) -> int:
        return 1

    def map(self, function: Any, items: Any) -> Any:
        return map(function, items)


def on_machines(registry: Registry, output: Path) -> tuple[OnCluster, Trial, Path]:
    typed = {"device": "cuda:99", "data.train": "1", "preset": "quick"}
    planned = plan_comparison(registry, define(registry, None, typed), output, "grid")
    (trial,) = planned.trials
    planned.folder.mkdir()
    return OnCluster(output, planned.folder, Beside()), trial, planned.place(trial)


def test_a_run_that_fails_on_another_machine_says_why(tmp_path: Path) -> None:
    attempt, trial, folder = on_machines(Registry(only=["aukit-facs"]), tmp_path)
    error = attempt(trial, folder)
    assert error is not None
    assert "device 'cuda:99' cannot be used" in error


def test_a_machine_without_the_shared_folder_is_named(tmp_path: Path) -> None:
    child = Child(tmp_path / "no.toml", tmp_path / "no.log", tmp_path, tmp_path / "no")
    error = run_errand(Errand(child, {}, tmp_path / "stop"))
    assert error is not None
    assert f"machine {platform.node()} does not see {tmp_path / 'no.toml'}" in error


def test_runs_on_other_machines_end_with_the_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt, trial, folder = on_machines(Registry(only=["aukit-facs"]), tmp_path)
    popen = subprocess.Popen

    def start(line: Sequence[str], **given: Any) -> subprocess.Popen[bytes]:
        attempt.stop()
        return popen([sys.executable, "-c", "import time; time.sleep(600)"], **given)

    monkeypatch.setattr(subprocess, "Popen", start)
    error = attempt(trial, folder)
    assert error is not None
    assert "killed by signal 15" in error


def test_only_a_cluster_takes_whole_runs(registry: Registry, tmp_path: Path) -> None:
    planned = plan(registry, tmp_path, {})
    assert on_cluster(planned, registry) == (planned, None)


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    """In a process of its own, where the tiny components are not known."""
    registry = Registry(only=["aukit-facs"])
    typed = {"device": "cuda:99", "data.train": "1", "preset": "quick"}
    planned = plan_comparison(registry, define(registry, None, typed), tmp_path, "grid")
    (trial,) = planned.trials
    error = Children(tmp_path, 1)(trial, planned.place(trial))
    assert error is not None
    assert "device 'cuda:99' cannot be used" in error
