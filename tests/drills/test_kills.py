"""A drill: commands that are killed (SIGKILL) at any moment, and started again.

What a kill leaves is whole or lies aside, no process outlives it, and the same command then ends
with the same bytes as one that nobody disturbed. It runs on purpose (`AUKIT_DRILL=1 pytest
tests/drills`, with `-s` for the counts); `tests/end_to_end` always kills two runs. Moments are
seeded, but what a command is at then depends on the machine.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

HERE = Path(__file__).parent
TINY = HERE.parent / "end_to_end" / "tiny_plugin.py"
SIDE = 48
"""Of a picture that the tiny aligner takes for a face."""
PATIENCE_S = 600
TINY_FACES = {"aligner": "centre", "landmarker": "everywhere"}
SMALL = {
    **TINY_FACES, "preset": "quick", "device": "cpu", "data": "drawn", "data.people": 2,
    "data.frames": 24, "balancer.per_level": 3, "draws": 5, "card": 1, "estimator": "vgg16",
    "estimator.size": 32,
    "estimator.width": 0.125, "estimator.epochs": 2, "estimator.ticks": 2,
}  # fmt: skip
TIMED = (
    "made.json", "stage.json", "events.jsonl", "metrics.jsonl", "cost.json", "state.json",
    "report.html", "command.txt", "table.csv", "comparison.json", "comparison.csv", "index.html",
)  # fmt: skip
"""Files that say how long something took, when it was, or where."""


@dataclass(frozen=True)
class Warm:
    """The process that starts commands (`warm.py`)."""

    server: subprocess.Popen[str]

    def start(self, line: list[str], log: Path) -> int:
        """Start a command; its number."""
        assert self.server.stdin is not None
        self.server.stdin.write(json.dumps({"line": line, "log": str(log)}) + "\n")
        self.server.stdin.flush()
        return self._answer()

    def ended(self, seconds: float) -> bool:
        """Whether the command ends within this time."""
        return bool(select.select([self.server.stdout], [], [], seconds)[0])

    def code(self) -> int:
        """The exit code of the command."""
        assert self.ended(PATIENCE_S), "the command hangs"
        return self._answer()

    def _answer(self) -> int:
        assert self.server.stdout is not None
        return int(self.server.stdout.readline())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny components, as an installed distribution of child processes."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "tiny_faces-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-faces\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[aukit.plugins]\ntiny_killed = tiny_killed\n")
    (folder / "tiny_killed.py").write_text(TINY.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def warm(site: Path) -> Iterator[Warm]:
    """The process that starts commands; every process that comes of it can be told by its mark."""
    paths = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": paths, MARK: str(site), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, HERE / "warm.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env=environment,
    ) as server:  # fmt: skip
        yield Warm(server)
        assert server.stdin is not None
        server.stdin.close()


MARK = "AUKIT_DRILL_MARK"


def strays(site: Path, server: int) -> list[str]:
    """What still runs of the commands; the server that started them is none of it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            marked = f"{MARK}={site}".encode() in (folder / "environ").read_bytes()
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if marked and line and int(folder.name) != server:  # no line: it has ended already
            found.append(f"{folder.name} {line}")
    return found


def no_stray(site: Path, server: int) -> None:
    """Workers end within seconds of their parent."""
    end = time.monotonic() + 20
    while found := strays(site, server):
        assert time.monotonic() < end, f"left running: {found}"
        time.sleep(0.05)


# ---- commands


def words(settings: Mapping[str, object]) -> list[str]:
    return [word for key, value in settings.items() for word in (f"--{key}", str(value))]


def film(path: Path, seed: int) -> None:
    """Thirty frames that the tiny landmarker finds faces in."""
    draw = np.random.default_rng(seed)
    with av.open(path, "w") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        for _ in range(30):
            pixels = draw.integers(1, 256, (SIDE, SIDE, 3), np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        output.mux(stream.encode())


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos and films."""
    folder = tmp_path_factory.mktemp("media")
    for number in range(20):
        Image.new("RGB", (SIDE, SIDE), (number + 1, 90, 90)).save(folder / f"{number}.png")
    for number in range(2):
        film(folder / f"film{number}.mp4", number)
    return folder


@pytest.fixture(scope="module")
def run(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose models predict."""
    output = tmp_path_factory.mktemp("runs")
    line = ["run", *words({**SMALL, "executor": "inline"}), "-o", str(output)]
    warm.start(line, output / "log")
    assert warm.code() == 0, (output / "log").read_text()
    (folder,) = output.glob("0001-*")
    return folder


Line = Callable[[Path, Path], list[str]]
"""The media and a run -> what is typed, but for the output folder."""

COMMANDS: dict[str, Line] = {
    # With a name: the command typed again after a run that ended would make a second run.
    "run": lambda media, run: [
        "run", *words({**SMALL, "executor": "inline", "synth": "tint", "name": "it"})
    ],
    "run with workers": lambda media, run: [
        "run", *words({**SMALL, "executor": "local", "name": "it"})
    ],
    "align": lambda media, run: ["align", str(media), *words(TINY_FACES)],
    "predict": lambda media, run: [
        "predict", str(media), "--run", str(run), "--device", "cpu", "--landmarker", "everywhere"
    ],
    "compare": lambda media, run: [
        "compare", *words({**SMALL, "executor": "inline", "name": "grid"}), "--seeds", "2",
        "--jobs", "1",
    ],
}  # fmt: skip
KILLS = {"run": 20, "run with workers": 6, "align": 60, "predict": 60, "compare": 6}
"""How often each is killed."""


# ---- what lies there


def contents(output: Path) -> dict[str, bytes]:
    """Everything in an output folder but locks, and what depends on the clock."""
    return {
        path.relative_to(output).as_posix(): path.read_bytes()
        for path in output.rglob("*")
        if path.is_file() and path.name not in TIMED and path.suffix not in (".lock", ".log")
    }


def refuse_half_files(output: Path) -> None:
    """What lies under its own name, and not aside, can be read to its end."""
    for path in output.rglob("*"):
        inside = path.relative_to(output).parts
        if any(part.startswith(".") and part != ".stages" for part in inside):
            continue
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".parquet":
            pq.read_table(path)
        elif path.suffix == ".png":
            with Image.open(path) as picture:
                picture.load()


@pytest.mark.slow
@pytest.mark.skipif("AUKIT_DRILL" not in os.environ, reason="runs on purpose: AUKIT_DRILL=1")
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="asks /proc what still runs")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_command_ends_with_the_same_bytes(
    name: str, warm: Warm, site: Path, media: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    run = request.getfixturevalue("run") if name == "predict" else media
    line, log = COMMANDS[name](media, run), tmp_path / "log"
    whole = tmp_path / "whole"
    started = time.monotonic()
    warm.start([*line, "-o", str(whole)], log)
    assert warm.code() == 0, log.read_text()
    seconds, wanted = time.monotonic() - started, contents(whole)
    assert len(wanted) > 1
    draw, kills, number = random.Random(name), 0, 0
    while kills < KILLS[name]:
        output, number = tmp_path / str(number), number + 1
        for _ in range(draw.choice([1, 1, 2, 3])):
            process = warm.start([*line, "-o", str(output)], log)
            if not warm.ended(draw.uniform(0, seconds)):
                os.kill(process, signal.SIGKILL)
                kills += 1
            warm.code()
            no_stray(site, warm.server.pid)
            if output.exists():
                refuse_half_files(output)
        warm.start([*line, "-o", str(output)], log)
        assert warm.code() == 0, log.read_text()
        assert contents(output) == wanted, f"after {kills} kills"
        print(f"{name}: {kills} kills in {number} outputs, 0 differ", flush=True)  # noqa: T201
