"""What `aukit predict` takes on a long video: frames per second, memory, and going on after a kill.

    python tests/benchmarks/long_video.py VIDEO [-- OPTIONS OF aukit predict]

The command runs once undisturbed, and once more until half of the time has passed, when it is
killed. The same command then goes on, and its files are compared with the first ones. Memory is
that of the process and its children, read from /proc every second (Linux only).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from aukit.vision.film import count_frames

FILES = ("predictions.parquet", "predictions.csv")
WARM = 0.2
"""Share of the time after which all buffers have been made."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("options", nargs="*")
    given = parser.parse_args()
    frames = count_frames(given.video)[0]
    with tempfile.TemporaryDirectory(prefix="aukit-long-") as scratch:
        whole, cut = Path(scratch, "whole"), Path(scratch, "cut")
        command = [sys.executable, "-m", "aukit", "predict", str(given.video), *given.options]
        seconds, memory = watched([*command, "-o", str(whole)])
        say(f"{frames} frames in {seconds:.0f} s: {frames / seconds:.1f} frames per second")
        say(f"memory: {spread(memory)}")
        killed, _ = watched([*command, "-o", str(cut)], seconds / 2)
        more, _ = watched([*command, "-o", str(cut)])
        same = all((whole / n).read_bytes() == (cut / n).read_bytes() for n in FILES)
        say(f"killed after {killed:.0f} s, went on for {more:.0f} s: same bytes: {same}")
    return 0 if same else 1


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def spread(memory: Sequence[float]) -> str:
    """The highest value, and those of the first and the last third once it runs."""
    steady = memory[int(len(memory) * WARM) :]
    third = max(1, len(steady) // 3)
    first, last = mean(steady[:third]), mean(steady[-third:])
    return f"most {max(memory):.0f} MB; first third {first:.0f} MB, last third {last:.0f} MB"


def watched(command: Sequence[str], limit: float = float("inf")) -> tuple[float, list[float]]:
    """Seconds that a command took, killed at a limit, and its memory every second in MB.

    Raises:
        RuntimeError: it failed.
    """
    start, memory = time.monotonic(), list[float]()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while child.poll() is None:
        memory.append(sum(map(resident, family(child.pid))))
        time.sleep(1)
        if time.monotonic() - start > limit:
            child.kill()
    seconds = time.monotonic() - start
    if child.wait() > 0:
        raise RuntimeError(f"exit code {child.returncode}: {' '.join(command)}")
    return seconds, memory


def family(process: int) -> list[int]:
    """A process and its descendants."""
    try:
        found = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    except OSError:  # it has ended
        return [process]
    return [process, *(one for child in found.split() for one in family(int(child)))]


def resident(process: int) -> float:
    """Memory of a process in MB."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:  # it has ended
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


if __name__ == "__main__":
    sys.exit(main())
