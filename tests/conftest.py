"""Fixtures that tests of several parts share."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from hypothesis import settings

from aukit.data.records import face_schema
from aukit.faces.stored import StoredFaces
from aukit.registry import weights
from aukit.store.files import write_table
from aukit.vision.images import encode
from aukit_mediapipe.plugin import aukit_weights

# A first call pays for imports, and CI machines are slow: time is no property of an example.
# Where "CI" is set, the same examples are tried every time: a landing must not hang on new ones.
settings.register_profile("aukit", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("aukit")


# Workers that run the tests side by side share the processors, as do the processes that they start.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)

# A shell that starts the tests in the background has interrupts ignored; the tests send some.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables as wide as in a file: readline, where something imports it, says 80 columns."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session")
def face_landmarker() -> Path:
    """MediaPipe's model bundle, which comes with aukit."""
    (known,) = aukit_weights()
    return weights.location(known)


Distribute = Callable[..., Path]


@pytest.fixture
def distribute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Distribute]:
    """Install a distribution as pip would lay it out, for the length of a test.

    `distribute("dist-name", {"module_name": source}, version="1.0", points={"name": "module"})`
    makes its modules importable and its entry points known, here and in child processes.
    """
    site = tmp_path / "site"
    site.mkdir()
    before = set(sys.modules)
    inherited = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(site), inherited))))
    monkeypatch.syspath_prepend(str(site))

    def install(
        name: str,
        modules: Mapping[str, str],
        version: str = "1.0",
        points: Mapping[str, str] | None = None,
    ) -> Path:
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        targets = {module: module for module in modules} if points is None else points
        lines = [f"{point} = {target}" for point, target in targets.items()]
        text = "\n".join(["[aukit.plugins]", *lines, ""])
        (info / "entry_points.txt").write_text(text, encoding="utf-8")
        for module, source in modules.items():
            (site / f"{module}.py").write_text(source, encoding="utf-8")
        importlib.invalidate_caches()
        return site

    yield install
    for module in set(sys.modules) - before:
        if Path(getattr(sys.modules[module], "__file__", None) or "/").is_relative_to(site):
            del sys.modules[module]


AUS = ("AU04", "AU12")
Store = Callable[..., StoredFaces]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """`store(12)`: faces of three people in noise, the first neutral, AU12 not always coded."""

    def make(count: int, size: int = 16) -> StoredFaces:
        random = torch.Generator().manual_seed(0)
        images = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=random)
        rows = [
            {
                "id": f"d/valid/p{number % 3}/{number:03d}",
                "dataset": "d",
                "partition": "valid",
                "subject": f"p{number % 3}",
                "face": 0,
                "image": png,
                "landmarks": [float(number)] * 136,
                "status": "ok",
                "origin": "real",
                "AU04": float(number % 6),
                "AU12": None if number % 4 == 3 else float(number % 4),
            }
            for number, png in enumerate(encode(images))
        ]
        folder = tmp_path / f"faces-{count}"
        folder.mkdir()
        table = pa.Table.from_pylist(rows, schema=face_schema(AUS))
        write_table(folder / "part-00000.parquet", table)
        return StoredFaces([folder], AUS)

    return make
