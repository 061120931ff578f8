"""`aukit weights`: known ones, brought only when asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aukit.cli.main import main


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights."""
    monkeypatch.setenv("AUKIT_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def states(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    assert main(["weights", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    return {entry["name"]: entry["state"] for entry in found["weights"]}


def test_weights_are_fetched_from_a_copy_and_found(
    face_landmarker: Path, capsys: pytest.CaptureFixture[str], store: Path
) -> None:
    assert states(capsys)["face-landmarker"].startswith("not here: aukit weights fetch")
    assert main(["weights", "path", "face-landmarker"]) == 4
    assert "aukit weights fetch face-landmarker" in capsys.readouterr().err
    line = ["weights", "fetch", "face-landmarker", "--from", str(face_landmarker)]
    assert main([*line, "--json"]) == 0
    path = Path(json.loads(capsys.readouterr().out)["path"])
    assert path.is_relative_to(store)
    assert path.read_bytes() == face_landmarker.read_bytes()
    assert states(capsys)["face-landmarker"] == "here"
    assert main(["weights", "path", "face-landmarker"]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    path.write_bytes(b"damaged")
    assert states(capsys)["face-landmarker"] == "damaged: fetch again"


def test_another_file_is_refused_by_its_checksum(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], store: Path
) -> None:
    other = tmp_path / "other.task"
    other.write_bytes(b"something else")
    assert main(["weights", "fetch", "face-landmarker", "--from", str(other)]) == 4
    assert "SHA-256" in capsys.readouterr().err.splitlines()[-1]
    assert not list(store.glob("face-landmarker*"))
