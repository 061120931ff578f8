"""`aukit doctor`: a verdict that is right when things are well, and when they are not."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aukit.cli.main import main

doctor = importlib.import_module("aukit.cli.commands.doctor")


def examine(capsys: pytest.CaptureFixture[str], *extra: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the findings by subject."""
    code = main(["doctor", *extra, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["well"] == (code == 0)
    return code, {finding["subject"]: finding for finding in found["findings"]}


def test_this_machine_is_well(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, found = examine(capsys, "-o", str(tmp_path))
    assert code == 0
    subjects = {
        "python",
        "torch",
        "torchvision",
        "numba",
        "devices",
        "memory",
        "disk",
        "video decoding",
    }
    assert subjects <= set(found)
    assert "matches torch" in found["torchvision"]["found"]
    assert found["default run"]["verdict"] == "ok"
    assert main(["doctor", "-o", str(tmp_path)]) == 0
    assert "No problems: `aukit run` can start." in capsys.readouterr().out


def test_a_full_disk_is_bad(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 1 << 20))
    code, found = examine(capsys, "-o", str(tmp_path / "not" / "yet"))
    assert code == 1
    assert found["disk"]["verdict"] == "bad"


def test_a_torchvision_for_another_torch_is_bad(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torchvision

    def absent(*values: object) -> None:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(torchvision.ops, "nms", absent)
    code, found = examine(capsys)
    assert code == 1
    assert "nms does not exist" in found["torchvision"]["found"]
    assert found["torchvision"]["advice"]


def test_a_missing_default_component_is_bad(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUKIT_BLOCK", "features")
    code, found = examine(capsys)
    assert code == 1
    assert "unknown estimator 'features'" in found["default run"]["found"]


def test_somebody_elses_broken_plugin_is_a_note(
    distribute: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    distribute("bad-one", {"bad_one": "raise RuntimeError('no luck')"})
    code, found = examine(capsys)
    assert code == 0
    finding = found["plugin bad-one:bad_one"]
    assert finding["verdict"] == "note"
    assert "--block bad-one:bad_one" in finding["advice"]


def test_without_numba_a_run_can_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    code, found = examine(capsys)
    assert code == 0
    assert found["numba"]["verdict"] == "note"
    assert "takes twice as long" in found["numba"]["advice"]
