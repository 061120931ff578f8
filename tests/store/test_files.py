"""Files are never half-written, and stages are found again by what made them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from aukit.errors import DataError, StorageError
from aukit.store.files import (
    digest,
    ensure_writable,
    read_table,
    remove_left,
    write_aside,
    write_table,
)
from aukit.store.stages import Stages


def write_half(path: Path) -> None:
    path.write_text("half")
    raise RuntimeError


def test_a_failed_write_leaves_the_old_file_and_no_scraps(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), write_aside(target) as aside:
        write_half(aside)
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_stage_is_computed_once(tmp_path: Path) -> None:
    stages, calls = Stages(tmp_path), []

    def compute(folder: Path) -> None:
        calls.append(folder)
        (folder / "result").write_text("done")

    first, fresh = stages.run("align", {"size": 1}, compute)
    again, second = stages.run("align", {"size": 1}, compute)
    assert (first, fresh, second, len(calls)) == (again, True, False, 1)
    other, _ = stages.run("align", {"size": 2}, compute)
    assert other != first


def test_an_interrupted_stage_continues_in_its_folder(tmp_path: Path) -> None:
    stages = Stages(tmp_path)

    def interrupted(folder: Path) -> None:
        (folder / "part-0").write_text("kept")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stages.run("align", {}, interrupted)
    assert stages.finished(stages.key("align", {})) is None
    result, _ = stages.run("align", {}, lambda f: (f / "part-1").touch())
    folder = result.folder
    assert (folder / "part-0").read_text() == "kept"


STAGE_IN_PROCESS = """
import sys, time
from pathlib import Path
from aukit.store.stages import Stages

def compute(folder):
    time.sleep(0.2)
    (folder / "x").write_text("x")

print(Stages(Path(sys.argv[1])).run("fit", {"seed": 1}, compute)[1])
"""


def test_two_processes_share_one_computation(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STAGE_IN_PROCESS, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    fresh = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert sorted(fresh) == ["False", "True"]


def test_digest_depends_on_values_not_on_order() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(StorageError, match="cannot write to"):
        ensure_writable(file / "below")


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(path, pa.table({"a": list(range(1000))}))
    assert read_table(path).num_rows == 1000
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=r"t\.parquet is not a readable"):
        read_table(path)
    with pytest.raises(DataError, match="does not exist"):
        read_table(tmp_path / "absent.parquet")


HALF = """
import os, signal, sys
from pathlib import Path
from aukit.store.files import write_aside
with write_aside(Path(sys.argv[1])) as aside:
    aside.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_can_be_removed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", HALF, str(tmp_path / "a.txt")], check=False)
    (left,) = tmp_path.iterdir()
    mark = left.name.split(".")[1]
    others = {tmp_path / f".{mark}.{os.getppid()}.partial", tmp_path / ".mine.7.partial"}
    for other in others:
        other.write_text("of a process that is at work, or of another program")
    remove_left(tmp_path, ["b.txt"])
    assert left.exists()
    remove_left(tmp_path, ["a.txt"])
    assert set(tmp_path.iterdir()) == others


def test_tables_are_not_written_where_pyarrow_cannot_write(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    with pytest.raises(StorageError, match="the path is not UTF-8"):
        write_table(folder / "t.parquet", pa.table({"a": [1]}))
    assert list(folder.iterdir()) == []
