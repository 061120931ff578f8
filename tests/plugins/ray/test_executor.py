"""The executor `ray`, on a real cluster of three nodes on this machine."""

from __future__ import annotations

import functools
import json
import operator
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aukit.cli.main import main
from aukit.comparison.attempts import ended_like_interrupted
from aukit.config.choice import Choice
from aukit.contracts.context import Context
from aukit.contracts.executor import Executor
from aukit.errors import ConfigError, StageError
from aukit.faces.registration import Registration
from aukit.faces.shards import Registering, parts_of, rows_of, shard_path, write_shards
from aukit.faults import interrupt
from aukit.progress import Silent
from aukit.registry.loading import default_registry
from aukit.testing import Subject, run_checks
from aukit_local.executors import Inline
from aukit_local.plugin import InlineConfig
from aukit_ray.plugin import RayConfig

ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that computes nothing, and two nodes of one processor each."""
    before = signal.getsignal(signal.SIGTERM)
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112  Ray spells it so
    made = cluster_utils.Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    made.add_node(num_cpus=1)
    made.add_node(num_cpus=1)
    made.wait_for_nodes()
    yield made
    ray.shutdown()
    made.shutdown()
    del os.environ["RAY_worker_niceness"]  # noqa: SIM112
    signal.signal(signal.SIGTERM, before)


def executor(cluster: Any, **options: Any) -> Executor:
    from aukit_ray.executor import RayExecutor

    return RayExecutor(RayConfig(address=cluster.address, **options), Context())


def registration() -> Registration:
    """Small avatars in 2D."""
    registry = default_registry()
    data, aligner = registry.find("data", "avatars"), registry.find("aligner", "2d")
    people = data.config(train=2, valid=1, test=1, tasks=2, size=48)
    return Registration(
        Choice(data, people), None, Choice(aligner, aligner.config(size=32)), Context()
    )


def register(folder: Path, executor: Executor, progress: Any) -> list[bytes]:
    """The files of registered faces, four rows a shard."""
    registered, parts = registration(), parts_of(32, 4)
    rows = registered.dataset.index()
    folder.mkdir()
    with progress.start("align") as bar:
        make = Registering(registered)
        write_shards(folder, parts, functools.partial(rows_of, rows), make, executor, bar)
    return [shard_path(folder, number).read_bytes() for number in range(len(parts))]


def _touch_later(path: Path) -> str:
    if path.name != "a":
        time.sleep(1)
    path.touch()
    return path.name


class NodeDies:
    """Progress that kills a node once the first shard is there."""

    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster
        self.nodes = len(cluster.worker_nodes)
        self.died = False

    def start(self, name: str, total: int | None = None) -> Any:
        bar = Silent().start(name, total)
        bar.advance = self._advance  # type: ignore[method-assign]
        return bar

    def _advance(self, n: int = 1) -> None:
        if n and not self.died:
            self.died = True
            self.cluster.remove_node(sorted(self.cluster.worker_nodes, key=str)[0], False)


def test_a_dead_node_costs_nothing(cluster: Any, tmp_path: Path) -> None:
    alone = register(tmp_path / "inline", Inline(InlineConfig(), Context()), Silent())
    progress = NodeDies(cluster)
    assert register(tmp_path / "ray", executor(cluster), progress) == alone
    assert progress.died
    assert len(cluster.worker_nodes) == progress.nodes - 1
    cluster.add_node(num_cpus=1)


def test_it_keeps_the_contract(cluster: Any) -> None:
    record = default_registry().find("executor", "ray")
    subject = Subject(record, {"address": cluster.address})
    outcomes = run_checks(subject)
    assert {outcome.result for outcome in outcomes} == {"passed"}, outcomes


def test_results_come_in_order_and_errors_as_they_were_raised(cluster: Any) -> None:
    found = executor(cluster).map(operator.itemgetter(0), [[1], [2], [], [4]])
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(IndexError) as caught:
        next(found)
    assert "item 2, on a Ray worker" in caught.value.__notes__


def test_items_in_flight_end_by_themselves(cluster: Any, tmp_path: Path) -> None:
    """Cancelling them could end this process: Ray fails where an item ends as it is cancelled."""
    results = executor(cluster).map(_touch_later, [tmp_path / name for name in "abc"])
    assert next(results) == "a"
    results.close()  # type: ignore[attr-defined]
    end = time.monotonic() + 60
    while not all((tmp_path / name).exists() for name in "abc"):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_an_item_that_always_kills_its_worker_is_named(cluster: Any) -> None:
    with pytest.raises(StageError, match="item 0 could not be finished on the Ray cluster"):
        list(executor(cluster, retries=0).map(os._exit, [1]))


def test_more_than_any_node_has_is_refused(cluster: Any) -> None:
    with pytest.raises(StageError, match="an item needs 64 and 0"):
        next(executor(cluster, cpus=64).map(abs, [1]))
    with pytest.raises(StageError, match="an item needs 1 and 1"):
        next(executor(cluster, gpus=1.0).map(abs, [1]))


def test_runs_still_end_in_their_own_way(cluster: Any) -> None:
    from aukit_ray.executor import connect

    ray.shutdown()
    with ended_like_interrupted():
        connect(cluster.address)
        assert signal.getsignal(signal.SIGTERM) is interrupt


COMPARE = {
    "preset": "quick", "device": "cpu", "data.train": 2, "data.valid": 1, "data.test": 1,
    "data.tasks": 2, "data.size": 48, "aligner.size": 32, "balancer": "none", "draws": 20,
    "estimator": "landmarks", "yardstick": "none",
}  # fmt: skip


def compare(output: Path, *more: str) -> int:
    words = [word for key, value in COMPARE.items() for word in (f"--{key}", str(value))]
    return main(["compare", "-o", str(output), "--name", "grid", "--seeds", "2", *words, *more])


def test_a_comparison_runs_on_the_nodes(
    cluster: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(tmp_path, "--executor", "ray", "--executor.address", cluster.address) == 0
    assert "2 runs of 1 cell, 2 at a time" in capsys.readouterr().err
    runs = sorted((tmp_path / "grid").glob("*-seed*"))
    assert [json.loads((run / "state.json").read_text())["state"] for run in runs] == [
        "finished", "finished",
    ]  # fmt: skip
    lines = [line for run in runs for line in (run / "events.jsonl").read_text().splitlines()]
    started = [event["stage"] for event in map(json.loads, lines) if event["event"] == "started"]
    assert started.count("align-train") == 1  # shared, although they ran side by side
    assert started.count("fit-estimator") == 2
    assert compare(tmp_path) == 0  # the same runs, also without a cluster
    assert "2 of 2 runs are already finished" in capsys.readouterr().err


def test_an_address_without_a_cluster_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from aukit_ray.executor import connect

    def refuse(**given: Any) -> None:
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(ConfigError, match="no Ray cluster at 'auto'"):
        connect("auto")
