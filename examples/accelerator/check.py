"""Everything that only an accelerator can answer, in nine minutes at most.

    python examples/accelerator/check.py [--device cuda] [-o accelerator]

Run it in a checkout with the test extra installed. Each part has its share of the time and is ended
when that is over; what it said lies in a file of its own, and `summary.json` says how it ended:

* equality: every built-in component gives on the device what it gives on the CPU;
* run: a whole run with the preset `quick`;
* bench: `aukit bench`, on the device and on the CPU;
* the networks of both papers at their own sizes, for the time that is left to them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
AUKIT = [sys.executable, "-m", "aukit.cli.main"]
PAPER = [
    "--preset", "paper", "--normalizer", "none", "--estimator", "vgg16", "--estimator.epochs", "1",
]  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One part: what is run, and for how many seconds at most.

    Attributes:
        open_ended: it is meant to be ended by the clock.
    """

    name: str
    command: list[str]
    seconds: float
    open_ended: bool = False


def parts(device: str, output: Path) -> list[Part]:
    """All parts in their order: 540 seconds together."""
    runs = ["--device", device, "-o", str(output / "runs")]
    tests = [sys.executable, "-m", "pytest", "-q", "-n0", str(ROOT / "tests" / "devices")]
    return [
        Part("equality", tests, 120),
        Part("bench", [*AUKIT, "bench", "--device", device, "--rounds", "3", "--json"], 90),
        Part("run", [*AUKIT, "run", "--preset", "quick", *runs, "--name", "quick"], 150),
        Part(
            "ganimation",
            [*AUKIT, "run", "--synth", "ganimation-ids", *PAPER, *runs, "--name", "ganimation"],
            90,
            open_ended=True,
        ),
        Part(
            "lacgan",
            [*AUKIT, "run", "--synth", "lacgan", *PAPER, *runs, "--name", "lacgan"],
            90,
            open_ended=True,
        ),
    ]


def carried_out(part: Part, device: str, output: Path) -> dict[str, object]:
    """Run a part; how it ended and how long it took."""
    start = time.monotonic()
    environment = {**os.environ, "AUKIT_TEST_DEVICE": device}
    with (output / f"{part.name}.txt").open("wb") as file:
        try:
            code: int | None = subprocess.run(
                part.command,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=part.seconds,
                env=environment,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            code = None
    well = code == 0 or (code is None and part.open_ended)
    took = round(time.monotonic() - start, 1)
    return {**asdict(part), "code": code, "well": well, "took": took}


def main() -> int:
    """Run all parts; 0 if all went well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("-o", "--output", type=Path, default=Path("accelerator"))
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    found = []
    for part in parts(arguments.device, arguments.output):
        found.append(carried_out(part, arguments.device, arguments.output))
        print(f"{part.name}: {'well' if found[-1]['well'] else 'NOT WELL'}, {found[-1]['took']} s")
        summary = json.dumps(found, indent=2)
        (arguments.output / "summary.json").write_text(summary + "\n", encoding="utf-8")
    return 0 if all(part["well"] for part in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
