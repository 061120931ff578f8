"""`aukit fit`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aukit.cli.main import main
from aukit_prnet import weights

SMALL = [
    "--data.train", "2", "--data.valid", "1", "--data.test", "0", "--data.frames", "2",
    "--data.size", "48", "--fit.width", "1", "--fit.resolution", "64", "--fit.steps", "2",
    "--fit.batch", "4", "--fit.ticks", "1", "--preset", "quick", "--device", "cpu",
]  # fmt: skip


def test_weights_are_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["fit", "aligner", "--aligner", "3d", "-o", str(tmp_path), *SMALL, "--json"]
    assert main(line) == 0
    found = json.loads(capsys.readouterr().out)
    loaded = weights.load(Path(found["weights"]))
    assert loaded.network.width == 1
    assert loaded.card["fitted_on"]["people"] == 2
    assert found["aligner"]["options"]["steps"] == 2
    assert main(["fit", "aligner", "-o", str(tmp_path), *SMALL, "--fit.steps", "3"]) == 2
    assert "holds the fit with other settings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--aligner", "2d"], "has no weights that can be fitted"),
        (["--aligner", "nothing"], "nothing"),
        (["--fit.stepz", "3"], "stepz"),
        (["--fit.resolution", "48"], "multiple of 32"),
    ],
)
def test_one_clear_error(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", "aligner", "-o", str(tmp_path / "out"), *options]) == 2
    assert message in capsys.readouterr().err


def test_help_lists_the_options_of_the_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "aligner", "--help"]) == 0
    text = capsys.readouterr().out
    assert "--fit.learning-rate" in text
    assert "--data.frames" in text
    assert "--aligner.size" not in text
