"""A drill: hostile files of every kind through every command that takes files.

A command gives the right result or one clear line; it never ends unforeseen, never hangs, and never
changes a file that it did not make. The whole drill runs on purpose (`AUKIT_DRILL=1 pytest
tests/drills`, with `-s` for the counts), its first cases always do. Every case has a number, which
is its seed.
"""

from __future__ import annotations

import io
import os
import random
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType

import av
import numpy as np
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from aukit.cli.main import main
from aukit.store.owned import MARK

TINY = Path(__file__).parents[1] / "end_to_end" / "tiny_plugin.py"
CASES = 1200 if "AUKIT_DRILL" in os.environ else 32
PATIENCE_S = 120
GOOD = "good.png"
SIDE = 48
"""Of a picture that the tiny aligner takes for a face."""
LOCAL = ["--aligner", "centre", "--landmarker", "everywhere"]
Line = list[str]


class Hang(BaseException):
    """A command did not end in time; no `except Exception` stops it."""


@contextmanager
def patience() -> Iterator[None]:
    """A block that is ended by `Hang` when it takes too long, whatever catches that within."""
    rung = False

    def ring(number: int, frame: FrameType | None) -> None:
        nonlocal rung
        rung = True
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        if rung:
            raise Hang


# ---- files


def picture(draw: random.Random, kind: str | None = None) -> bytes:
    size = draw.choice([(1, 1), (31, 64), (SIDE, SIDE), (64, 1), (200, 90)])
    pixels = np.random.default_rng(draw.getrandbits(32)).integers(0, 256, (*size, 3), np.uint8)
    mode = draw.choice(["RGB", "L", "P", "RGBA", "1", "CMYK", "I;16", "F"])
    kind = kind or draw.choice(["png", "jpeg", "tiff", "bmp", "gif", "webp", "ppm"])
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    try:
        (image.convert("I").convert("I;16") if mode == "I;16" else image.convert(mode)).save(
            file, kind
        )
    except (OSError, ValueError):  # not every format has every mode
        file = io.BytesIO()
        image.save(file, kind)
    return file.getvalue()


def film(draw: random.Random) -> bytes:
    file = io.BytesIO()
    container, codec = draw.choice([("mp4", "mpeg4"), ("avi", "mjpeg"), ("matroska", "mpeg4")])
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=draw.choice([1, 25]))
        stream.width, stream.height = size = draw.choice([64, SIDE]), SIDE
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for _ in range(draw.choice([1, 6])):
            pixels = np.full((*size[::-1], 3), draw.randrange(256), np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        output.mux(stream.encode())
    return file.getvalue()


NUMBERS = ("{:.2f}", "{:.0f}", "{}", "nan", "#N/A", "", "inf", "-1.#IND", "x", "1e999")
HEADS = ("id,subject,frame,AU01", "frame,AU01_r", "AU01,AU01", "", "id,AU99", "file,AU1")


def table(draw: random.Random) -> bytes:
    """A table of predictions, as other programs might have saved it."""
    part = draw.choice([",", ";", "\t", "|", ", "])
    number = draw.choice(NUMBERS)
    head = draw.choice(HEADS)
    columns = head.split(",")
    rows = [
        part.join(
            f"p{n % 3}" if name in ("id", "subject", "file") else number.format(n % 6 * 1.0)
            for name in columns
        )
        for n in range(draw.choice([0, 1, 40]))
    ]
    text = draw.choice(["", "\ufeff", "sep=;\n", "\n\n"]) + "\n".join([part.join(columns), *rows])
    return text.encode(draw.choice(["utf-8", "utf-16", "latin-1"]), errors="replace")


def binary_table(draw: random.Random) -> bytes:
    columns = {
        "id": draw.choice([[["a"], ["b"]], ["a", "b"], [1, 2], [None, None], [b"\xff", b"b"]]),
        "AU01": draw.choice([[1.0, 2.0], ["1", "x"], [True, False], [[1.0], []], [None, 3.0]]),
    }
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def settings(draw: random.Random) -> bytes:
    """A run file."""
    lines = [
        'data = "drawn"', "data = 3", "test = 3", "seed = -1", f"seed = {10**23}",
        "[data]\npeople = 1", "x = " + "[" * 3000, "a." * 3000 + "b = 1",
        "[estimator]\nname = 7", "preset = []", "aus = 'AU01'", "aus = [1, [2]]", "fold = 'x/y'",
        "views = 'sideways'", "= 1", "\0", "device = 'warp'", "[test]\ndata = 'absent'",
        "draws = 1e400", "balancer = {name = 'x', deep = {a = {b = 1}}}",
    ]  # fmt: skip
    chosen = draw.sample(lines, draw.choice([1, 2]))
    return "\n".join(chosen).encode()


DAMAGE: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    lambda content, draw: content,
    lambda content, draw: b"",
    lambda content, draw: content[: draw.randrange(len(content) + 1)],
    lambda content, draw: draw.randbytes(draw.choice([1, 300])),
    lambda content, draw: content + draw.randbytes(300),
    lambda content, draw: flipped(content, draw),
    lambda content, draw: content.replace(b"\n", b"\0"),
)


def flipped(content: bytes, draw: random.Random) -> bytes:
    found = bytearray(content)
    for _ in range(draw.choice([1, 20]) if found else 0):
        found[draw.randrange(len(found))] = draw.randrange(256)
    return bytes(found)


NAMES = (
    "a{}", "-a{}", "file:a{}", "http:a{}", "ä ö{}", "a\nb{}", "'\"{}", "%d{}", "a" * 240 + "{}",
    os.fsdecode(b"caf\xe9{}"), "a.b.c{}", "~{}", "{}x",
)  # fmt: skip


def put(folder: Path, content: bytes, suffix: str, draw: random.Random) -> Path:
    """A hostile file: damaged content under a strange name, or no plain file at all."""
    path = folder / f"{draw.randrange(10**6)}{draw.choice(NAMES).format(suffix)}"[-200:]
    path = folder / path.name
    what = draw.random()
    if what < 0.04:
        os.mkfifo(path)
    elif what < 0.08:
        path.symlink_to(draw.choice(["nowhere", path.name]))
    elif what < 0.12:
        path.mkdir()
    else:
        path.write_bytes(draw.choice(DAMAGE)(content, draw))
    return path


PICTURES = (".png", ".jpg", ".tif", ".webp", ".heic", ".avif", ".JPE", ".txt")
FILMS = (".mp4", ".avi", ".mkv", ".3gp", ".png")
TRUTH = b"id,subject,frame,AU01\n" + b"".join(b"p%d,p,%d,1\n" % (n, n) for n in range(40))


def media(folder: Path, draw: random.Random) -> None:
    """A folder of hostile pictures and films, and a good picture among them."""
    folder.mkdir()
    for _ in range(draw.choice([1, 4])):
        if draw.random() < 0.6:
            suffix = draw.choice(PICTURES)
            put(folder, picture(draw), suffix, draw)
        else:
            put(folder, film(draw), draw.choice(FILMS), draw)
    Image.new("RGB", (SIDE, SIDE), "gray").save(folder / GOOD)


# ---- commands


def align(place: Path, draw: random.Random, run: Path) -> tuple[Line, Callable[[], bool]]:
    media(place / "in", draw)

    def right() -> bool:
        found = pandas.read_parquet(place / "out" / "faces.parquet")
        good = found[[Path(name).name == GOOD for name in found.subject]]
        dropped = found[found.status == "dropped"]
        return list(good.status) == ["ok"] and bool(dropped.reason.notna().all())

    return ["align", str(place / "in"), *LOCAL, "-o", str(place / "out")], right


def predict(place: Path, draw: random.Random, run: Path) -> tuple[Line, Callable[[], bool]]:
    media(place / "in", draw)

    def right() -> bool:
        found = pandas.read_parquet(place / "out" / "predictions.parquet")
        good = found[[Path(name).name == GOOD for name in found["file"]]]
        return bool(good.filter(regex="_predicted$").notna().all(axis=None)) and len(good) == 1

    line = ["predict", str(place / "in"), "--run", str(run), "--device", "cpu"]
    return [*line, "--landmarker", "everywhere", "-o", str(place / "out")], right


def edit(place: Path, draw: random.Random, run: Path) -> tuple[Line, Callable[[], bool]]:
    media(place / "in", draw)
    line = ["edit", str(place / "in"), "--synth", str(run), "--au", "12=3", "--device", "cpu"]
    # A video or what cannot be told apart from one is refused at once.
    line += ["--landmarker", "everywhere", "-o", str(place / "out")]
    return line, lambda: (place / "out" / GOOD).is_file()


def evaluate(place: Path, draw: random.Random, run: Path) -> tuple[Line, Callable[[], bool]]:
    paths = []
    for number in range(2):
        text = draw.random() < 0.6
        content = table(draw) if text else binary_table(draw)
        if number == 0 and draw.random() < 0.5:
            content, text = TRUTH, True
        path = put(place, content, ".csv" if text else ".parquet", draw)
        paths.append(str(path.absolute()))
    return ["evaluate", *paths, "--draws", "5"], lambda: True


def plan(place: Path, draw: random.Random, run: Path) -> tuple[Line, Callable[[], bool]]:
    config = put(place, settings(draw), ".toml", draw)
    line = ["plan", "--config", str(config), "--data", "drawn", "--aligner", "centre"]
    return [*line, "--landmarker", "none", "-o", str(place / "out")], lambda: True


def damaged(run: Path, draw: random.Random, suffixes: Collection[str]) -> Path:
    """A copy of a run, one of its files damaged; moved away from the store of its results."""
    copy = shutil.copytree(run, run.parents[1] / f"moved-{draw.getrandbits(64)}")
    files = sorted(path for path in copy.rglob("*") if path.suffix in suffixes and path.is_file())
    victim = draw.choice(files)
    victim.write_bytes(draw.choice(DAMAGE)(victim.read_bytes(), draw))
    return copy


def report(place: Path, draw: random.Random, run: Path) -> tuple[Line, Callable[[], bool]]:
    copy = damaged(run, draw, (".json", ".toml", ".jsonl", ".txt", ".parquet"))
    return ["report", str(copy), "-o", str(place / "out.html")], (place / "out.html").is_file


def damaged_model(place: Path, draw: random.Random, run: Path) -> tuple[Line, Callable[[], bool]]:
    copy = damaged(run, draw, (".json", ".toml", ".safetensors"))
    Image.new("RGB", (SIDE, SIDE), "gray").save(place / GOOD)
    made = [str(place / GOOD), "--device", "cpu", "--landmarker", "everywhere"]
    if draw.random() < 0.5:
        line = ["edit", *made, "--synth", str(copy), "--au", "12=3", "-o", str(place / "out.png")]
        return line, (place / "out.png").is_file
    line = ["predict", *made, "--run", str(copy), "-o", str(place / "out")]
    return line, (place / "out" / "predictions.parquet").is_file


def data(place: Path, draw: random.Random, run: Path) -> tuple[Line, Callable[[], bool]]:
    path = put(place, picture(draw, "png"), ".png", draw)
    kind = draw.choice(["sample", "render"])
    return ["data", kind, "drawn", "-o", str(path)], lambda: True


COMMANDS = (align, predict, edit, evaluate, plan, report, damaged_model, data)


# ---- judgement


def contents(folder: Path) -> dict[Path, bytes]:
    """Every plain file of a folder but aukit's own notes."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and MARK not in path.parts
    }


def verdict(number: int, place: Path, run: Path) -> tuple[str, str]:
    """`right`, `clear`, `unforeseen`, `hang`, `wrong` or `harm`, and what was said."""
    draw = random.Random(number)
    place.mkdir()
    line, right = COMMANDS[number % len(COMMANDS)](place, draw, run)
    before = contents(place)
    out, errors = io.StringIO(), io.StringIO()
    try:
        with patience(), redirect_stdout(out), redirect_stderr(errors):
            code = main(line)
    except Hang:
        return "hang", " ".join(line)
    except BaseException as error:
        return "unforeseen", f"{line}: {error!r}"
    said = f"{line} -> {code}: {errors.getvalue()[-500:]}"
    after = contents(place)
    if any(after.get(path) != content for path, content in before.items()):
        return "harm", said
    if code == 0:
        return ("right" if right() else "wrong"), said
    told = [text for text in errors.getvalue().splitlines() if text.startswith("error: ")]
    clear = code in range(2, 7) and len(told) == 1 and "--debug" not in told[0]
    return ("clear" if clear else "unforeseen"), said


def test_hostile_files(
    distribute: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every case is right or clear."""
    from aukit.config.resolve import nest, resolve
    from aukit.pipeline.execute import execute

    monkeypatch.setattr(sys, "path", [*sys.path, str(TINY.parent)])
    import tiny_plugin

    chosen = {
        "preset": "quick", "device": "cpu", "data": "drawn", "landmarker": "everywhere",
        "aligner": "centre", "synth": "tint", "synth.steps": 10, "balancer.per_level": 3,
        "estimator": "vgg16", "estimator.size": 32, "estimator.width": 0.125,
        "estimator.epochs": 1, "card": 0,
        "estimator.ticks": 1, "data.people": 2, "data.frames": 24, "draws": 5, "executor": "inline",
    }  # fmt: skip
    registry = tiny_plugin.registry()
    config = resolve(registry, [("drill", nest(chosen))])
    run = execute(config, tmp_path / "runs", registry).folder
    # For the commands; after the run, whose own registry has them already.
    source = TINY.read_text(encoding="utf-8")
    distribute("tiny-faces", {"tiny_distribution": source}, version="0.1")
    counts: Counter[str] = Counter()
    of_command: Counter[str] = Counter()
    amiss = []
    for number in range(CASES):
        found, said = verdict(number, tmp_path / str(number), run)
        counts[found] += 1
        of_command[f"{COMMANDS[number % len(COMMANDS)].__name__} {found}"] += 1
        if found not in ("right", "clear"):
            amiss.append(f"case {number}: {found}: {said}")
            print(amiss[-1], flush=True)  # noqa: T201
        if number % 100 == 99:
            print(f"{number + 1} cases: {dict(counts)}", flush=True)  # noqa: T201
    print(f"\n{CASES} cases: {dict(counts)}; {dict(sorted(of_command.items()))}")  # noqa: T201
    assert not amiss, "\n".join(amiss)
    assert min(counts["right"], counts["clear"]) >= CASES // 10
