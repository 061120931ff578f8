"""Processes end with the one that started them, however it ends, and do not start it again."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aukit.config.resolve import resolve
from aukit.errors import ConfigError
from aukit.registry.loading import Registry
from aukit.runs.folder import Run

PATIENCE_S = 60.0
"""Far more than a loaded machine needs; a test that passes waits for a fraction of a second."""

WORKERS = """
import os, sys, time
from pathlib import Path
from aukit.contracts.context import Context
from aukit_local.executors import Processes
from aukit_local.plugin import ProcessesConfig

def note(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)

if __name__ == "__main__":
    list(Processes(ProcessesConfig(1), Context()).map(note, [sys.argv[1]]))
"""

CHILD = """
import os, subprocess, sys, time
from aukit.machine.parent import STDIN_IS_PARENT
program = (
    "import os, sys, time, pathlib; from aukit.machine.parent import end_with_stdin;"
    "end_with_stdin(); pathlib.Path(sys.argv[1], str(os.getpid())).touch(); time.sleep(600)"
)
line = [sys.executable, "-c", program, sys.argv[1]]
child = subprocess.Popen(line, stdin=subprocess.PIPE, env={**os.environ, STDIN_IS_PARENT: "1"})
child.wait()
"""

RUNS_AT_ONCE = """
from aukit.contracts.context import Context
from aukit.machine.parent import refuse_while_imported_by_worker
from aukit_local.executors import Processes
from aukit_local.plugin import ProcessesConfig

refuse_while_imported_by_worker()  # as `Run.begin` does
list(Processes(ProcessesConfig(1), Context()).map(abs, [1]))
"""


def alive(process: int) -> bool:
    """Whether a process runs; one that has ended and waits to be asked does not."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_until(true: object) -> None:
    end = time.monotonic() + PATIENCE_S
    assert callable(true)
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc who is alive")
@pytest.mark.parametrize("program", [WORKERS, CHILD], ids=["worker", "child"])
def test_nothing_outlives_a_process_that_is_killed(program: str, tmp_path: Path) -> None:
    script, noted = tmp_path / "script.py", tmp_path / "noted"
    script.write_text(program, encoding="utf-8")
    noted.mkdir()
    parent = subprocess.Popen([sys.executable, script, noted], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: any(noted.iterdir()))
        (started,) = (int(path.name) for path in noted.iterdir())
        assert alive(started)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        wait_until(lambda: not alive(started))
    finally:
        parent.kill()
        parent.wait()


def test_a_script_whose_workers_start_it_again_is_told_what_is_wrong(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(RUNS_AT_ONCE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert "a worker process imported the script that started it" in done.stderr
    assert "in scripts, start runs under `if __name__ == '__main__':`" in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("aukit.errors.StageError")


def test_such_a_worker_begins_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    config = resolve(registry, [("test", {"device": "cpu"})])
    process = multiprocessing.current_process()
    monkeypatch.setattr(process, "_inheriting", True, raising=False)
    with pytest.raises(ConfigError, match="__main__"):
        Run.begin(tmp_path / "runs", config, registry)
    assert not (tmp_path / "runs").exists()
