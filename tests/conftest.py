"""Fixtures that tests of several parts share."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from aukit import weights
from aukit_mediapipe.plugin import aukit_weights

# A first call pays for imports, and CI machines are slow: time is no property of an example.
# Where "CI" is set, the same examples are tried every time: a landing must not hang on new ones.
settings.register_profile("aukit", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("aukit")


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables as wide as in a file: readline, where something imports it, says 80 columns."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session")
def face_landmarker() -> Path:
    """MediaPipe's model bundle: from `AUKIT_FACE_LANDMARKER`, the user's weights, a checkout that
    shares it, or else really fetched. It is never skipped silently."""
    (known,) = aukit_weights()
    shared = Path(__file__).parents[2] / "shared" / "data" / "face_landmarker.task"
    for place in (os.environ.get("AUKIT_FACE_LANDMARKER"), weights.location(known), shared):
        if place and Path(place).is_file() and weights.checksum(Path(place)) == known.sha256:
            return Path(place)
    return weights.fetch(known)


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
