"""`aukit weights`: known ones, brought only when asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aukit.cli.main import main

CONTENT = b"weights " * 1000
OFFERED = f"""
from aukit.hooks import hookimpl

@hookimpl
def aukit_weights():
    from aukit.contracts.weights import Weights
    digest = "{hashlib.sha256(CONTENT).hexdigest()}"
    return [Weights("demo", digest, {len(CONTENT)}, "CC0-1.0", (), "for tests")]
"""


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, distribute: Callable[..., Path]) -> Path:
    """An empty folder of weights, and a plugin that offers some."""
    distribute("offering", {"offering_weights": OFFERED})
    monkeypatch.setenv("AUKIT_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def states(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    assert main(["weights", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    return {entry["name"]: entry["state"] for entry in found["weights"]}


def test_weights_are_fetched_from_a_copy_and_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], store: Path
) -> None:
    copy = tmp_path / "copy.bin"
    copy.write_bytes(CONTENT)
    assert states(capsys)["demo"].startswith("not here: aukit weights fetch")
    assert main(["weights", "path", "demo"]) == 4
    assert "aukit weights fetch demo" in capsys.readouterr().err
    assert main(["weights", "fetch", "demo", "--from", str(copy), "--json"]) == 0
    path = Path(json.loads(capsys.readouterr().out)["path"])
    assert path.is_relative_to(store)
    assert path.read_bytes() == CONTENT
    assert states(capsys)["demo"] == "here"
    assert main(["weights", "path", "demo"]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    path.write_bytes(b"damaged")
    assert states(capsys)["demo"] == "damaged: fetch again"


def test_another_file_is_refused_by_its_checksum(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], store: Path
) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(b"something else")
    assert main(["weights", "fetch", "demo", "--from", str(other)]) == 4
    assert "SHA-256" in capsys.readouterr().err.splitlines()[-1]
    assert not list(store.glob("demo*"))


def test_the_landmarkers_weights_come_with_aukit(
    face_landmarker: Path, capsys: pytest.CaptureFixture[str], store: Path
) -> None:
    assert states(capsys)["face-landmarker"] == "here"
    assert main(["weights", "fetch", "face-landmarker"]) == 0
    told = capsys.readouterr()
    assert told.out == f"{face_landmarker}\n"
    assert "nothing to fetch" in told.err
    assert not store.exists()
