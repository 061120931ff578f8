"""The executors `auto`, `inline` and `processes`."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from aukit.config.choice import build
from aukit.config.values import Value
from aukit.contracts.context import Context
from aukit.errors import ConfigError, StageError
from aukit.machine.alive import is_alive
from aukit.machine.devices import PROCESSORS, usable_processors
from aukit_local import staff
from aukit_local.executors import Auto, Inline, Processes
from aukit_local.plugin import AutoConfig, InlineConfig, ProcessesConfig, aukit_executors


@pytest.fixture(scope="module")
def jobs() -> Iterator[ModuleType]:
    """`jobs.py` under a name that workers can import too (spawn hands `sys.path` on)."""
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    spec = importlib.util.find_spec("jobs")
    assert spec is not None
    yield importlib.import_module("jobs")
    sys.path.remove(folder)


def inline() -> Inline:
    return Inline(InlineConfig(), Context())


def processes(workers: int = 2, ahead: int = 2) -> Processes:
    return Processes(ProcessesConfig(workers, ahead), Context())


def auto() -> Auto:
    return Auto(AutoConfig(least=3), Context())


@pytest.mark.parametrize("make", [inline, processes, auto])
def test_results_come_in_the_order_of_the_items(make: Any, jobs: ModuleType) -> None:
    assert list(make().map(jobs.slow_first, range(9))) == list(range(9))
    assert list(make().map(jobs.square, [])) == []


@pytest.mark.parametrize("make", [inline, processes])
def test_the_first_exception_comes_in_its_place_and_is_named(
    make: Any, jobs: ModuleType, tmp_path: Path
) -> None:
    paths = [tmp_path / str(i) for i in range(40)]
    found = make().map(jobs.touch, paths)
    assert [next(found) for _ in range(3)] == ["0", "1", "2"]
    with pytest.raises(ValueError, match="three is wrong") as caught:
        next(found)
    assert any("item 3:" in note for note in caught.value.__notes__)
    started = len(list(tmp_path.iterdir()))
    assert 4 <= started < 12, "nothing further is started"


@pytest.mark.parametrize(("make", "limit"), [(inline, 1), (processes, 4)])
def test_items_in_flight_are_bounded(make: Any, limit: int, jobs: ModuleType) -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield number

    results = make().map(jobs.square, items())
    for done in range(1, 10):
        next(results)
        assert taken <= done - 1 + limit
    results.close()


def test_nothing_is_taken_before_a_result_is_asked_for(jobs: ModuleType) -> None:
    def items() -> Iterator[int]:
        raise AssertionError("taken too early")
        yield 0

    processes().map(jobs.square, items())
    inline().map(jobs.square, items())


def test_workers_are_other_processes_and_share_the_cores(jobs: ModuleType) -> None:
    found = list(processes(workers=2).map(jobs.where, range(12)))
    pids = {pid for pid, _ in found}
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= 2
    assert {threads for _, threads in found} == {max(1, usable_processors() // 2)}


def test_a_worker_gets_its_function_once_and_keeps_what_that_builds(jobs: ModuleType) -> None:
    found = list(processes(workers=2).map(jobs.Counts(), range(12)))
    for pid in {pid for pid, _ in found}:
        own = [items for worker, items in found if worker == pid]
        assert own == list(range(1, len(own) + 1))


def test_a_dead_worker_is_one_clear_error(jobs: ModuleType) -> None:
    with pytest.raises(StageError, match="a worker process died"):
        list(processes(workers=1, ahead=1).map(jobs.die, range(5)))


def test_workers_stay_for_the_next_map_and_end_when_idle(
    jobs: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff, "IDLE", 0.5)
    executor = processes(workers=1)
    (first,) = {pid for pid, _ in executor.map(jobs.Counts(), range(3))}
    (second,) = {pid for pid, _ in executor.map(jobs.where, range(3))}
    assert first == second
    counts = [items for _, items in executor.map(jobs.Counts(), range(3))]
    assert counts == [1, 2, 3], "another function builds its own things"
    deadline = time.monotonic() + 20
    while is_alive(first) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(first)
    assert {pid for pid, _ in executor.map(jobs.where, range(3))} != {first}


def test_after_a_dead_worker_others_are_started(jobs: ModuleType) -> None:
    executor = processes(workers=1, ahead=1)
    with pytest.raises(StageError, match="a worker process died"):
        list(executor.map(jobs.die, range(5)))
    assert list(executor.map(jobs.square, range(3))) == [0, 1, 4]


def test_a_map_that_is_given_up_leaves_no_items_behind(jobs: ModuleType) -> None:
    executor = processes(workers=1, ahead=3)
    results = executor.map(jobs.slow_first, range(20))
    next(results)
    results.close()
    counts = [items for _, items in executor.map(jobs.Counts(), range(2))]
    assert counts == [1, 2]


@pytest.mark.parametrize(("option", "value"), [("workers", -1), ("ahead", 0)])
def test_impossible_options_are_refused(option: str, value: int) -> None:
    component = next(c for c in aukit_executors() if c.name == "processes")
    with pytest.raises(ConfigError, match=option):
        build(component, [{option: Value(value, "test")}])


def test_auto_starts_workers_only_where_they_pay(jobs: ModuleType) -> None:
    own = {os.getpid()}
    assert {process for process, _ in auto().map(jobs.where, range(2))} == own
    accelerated = Auto(AutoConfig(1), Context(device="cuda"))
    assert {process for process, _ in accelerated.map(jobs.where, range(5))} == own
    if usable_processors() > 1:
        assert not {process for process, _ in auto().map(jobs.where, range(5))} & own


def test_runs_that_share_a_machine_start_their_share_of_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PROCESSORS, "3")
    assert processes(workers=0).workers == 3
    monkeypatch.setenv(PROCESSORS, "1")
    assert auto().alone
    monkeypatch.setenv(PROCESSORS, "many")
    assert usable_processors() >= 1
