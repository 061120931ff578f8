"""Day by day: settings of the project and the environment, completion, the log, runs on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aukit.cli.main import main
from aukit.runs.folder import FINISHED, RUNNING, STATE
from aukit.runs.kept import keep
from aukit.runs.names import MODEL, STAGES, STAGES_FILE
from aukit.runs.results import stages_document
from aukit.store.files import write_json
from aukit.store.stages import Result, Stages


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a user, without settings in the environment."""
    for name in ("AUKIT_DEVICE", "AUKIT_PRESET", "AUKIT_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def origins(capsys: pytest.CaptureFixture[str], *line: str) -> dict[str, str]:
    assert main(["run", "--dry-run", "--json", *line]) == 0
    found: dict[str, str] = json.loads(capsys.readouterr().out)["origins"]
    return found


def test_python_m_aukit_is_the_command() -> None:
    line = [sys.executable, "-m", "aukit", "--version"]
    assert subprocess.run(line, capture_output=True, text=True).stdout.startswith("aukit, version")


def test_the_projects_file_is_an_origin_of_values(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'preset = "quick"\n[estimator]\nname = "vgg16"\nepochs = 3\n'
    (project / "aukit.toml").write_text(text)
    found = origins(capsys)
    assert found["estimator.epochs"] == found["preset"] == "aukit.toml"
    assert origins(capsys, "--estimator.epochs", "4")["estimator.epochs"] == "command line"


def test_a_table_of_options_goes_with_the_component_that_it_names(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "aukit.toml").write_text('[estimator]\nname = "vgg16"\nnetworks = "shared"\n')
    assert "aukit.toml" not in origins(capsys, "--estimator", "landmarks").values()
    assert main(["compare", "--estimator", "vgg16,landmarks", "--dry-run"]) == 0


def test_a_pyproject_above_is_found_and_a_nearer_file_wins(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "pyproject.toml").write_text("[tool.aukit]\nseed = 7\n")
    below = project / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    assert origins(capsys)["seed"].endswith("pyproject.toml [tool.aukit]")
    (below / "aukit.toml").write_text("seed = 8\n")
    assert origins(capsys)["seed"] == "aukit.toml"


def test_the_environment_is_stronger_than_the_projects_file_and_weaker_than_a_run_file(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "aukit.toml").write_text('device = "cuda"\n')
    monkeypatch.setenv("AUKIT_DEVICE", "cpu")
    assert origins(capsys)["device"] == "AUKIT_DEVICE"
    (project / "mine.toml").write_text('device = "auto"\n')
    assert origins(capsys, "--config", "mine.toml")["device"] == "mine.toml"


def test_a_mistyped_setting_of_the_project_is_one_line(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "aukit.toml").write_text("sed = 1\n")
    assert main(["run", "--dry-run"]) == 2
    assert "(aukit.toml) has no option 'sed' (did you mean 'seed'?)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("aukit run --synth la", "lacgan"),
        ("aukit run --synth lacgan --synth.epo", "--synth.epochs"),
        ("aukit run --estimator.head ", "ordinal"),
        ("aukit compare --aligner 2d,prn", "2d,prnet"),
        ("aukit plugins show vgg", "vgg16"),
        ("aukit weights fetch face", "face-landmarker"),
        ("aukit predict --run stra", "strangers"),
        ("aukit run", "runs"),
    ],
)
def test_a_shell_completes_names_and_options(typed: str, wanted: str) -> None:
    words = typed.split(" ")
    known = {"COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)}
    environment = {**os.environ, **known, "_AUKIT_COMPLETE": "bash_complete"}
    # As the installed script is called: the name of the variable is made of it.
    code = "import sys; sys.argv[0] = 'aukit'; from aukit.cli.main import main; main()"
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, env=environment, capture_output=True, text=True)
    assert wanted in [row.partition(",")[2] for row in done.stdout.splitlines()], done.stderr


def test_a_shell_is_told_how_to_complete(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    assert "#compdef aukit" in capsys.readouterr().out


def test_the_log_holds_the_error_that_ended_a_command(project: Path) -> None:
    assert main(["--log-file", "logs/aukit.log", "report", "nowhere"]) == 2
    text = (project / "logs" / "aukit.log").read_text()
    assert "ERROR" in text
    assert "Traceback" in text
    assert main(["--log-file", str(project), "runs"]) == 6


def stored(store: Stages, name: str, file: str) -> Result:
    """A result of a stage with a file of 1,000 bytes."""

    def compute(folder: Path) -> None:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"." * 1000)

    return store.run(name, {"name": name}, compute)[0]


def made_run(output: Path, name: str, results: dict[str, Result], **state: object) -> Path:
    folder = output / name
    folder.mkdir(parents=True)
    write_json(folder / STATE, {"state": FINISHED, **state})
    kept = {label: keep(result, folder) for label, result in results.items()}
    write_json(folder / STAGES_FILE, stages_document(folder, output / STAGES, kept))
    return folder


def test_runs_are_listed_with_scores_size_and_state(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made_run(project / "runs", "0001-a", {})
    write_json(folder / "scores.json", {"mean": {"icc": {"value": 0.5}, "mae": {"value": None}}})
    made_run(project / "runs", "compared/2d-seed0", {}, state=RUNNING, process=2**22 + 1)
    assert main(["runs", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["runs"]
    assert (first["state"], first["scores"]) == ("finished", {"icc": 0.5, "mae": None})
    assert (second["run"], second["state"]) == ("runs/compared/2d-seed0", "interrupted")
    assert main(["runs"]) == 0
    assert "0.500" in capsys.readouterr().out


def test_cleaning_frees_what_no_run_needs_and_nothing_else(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = project / "runs"
    store = Stages(output / STAGES)
    needed = stored(store, "align", "part-0.parquet")
    orphan = stored(store, "index", "index.parquet")
    model = stored(store, "fit-synth", f"{MODEL}/model.safetensors")
    foreign = output / STAGES / "notes"
    foreign.mkdir()
    (foreign / "mine.txt").write_text("mine")
    made_run(output, "deep/0001-a", {"align-train": needed})
    assert main(["runs", "clean", "--dry-run"]) == 0
    assert orphan.folder.name in capsys.readouterr().out
    assert orphan.folder.is_dir()
    assert main(["runs", "clean", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["deleted"] == [str(orphan.folder.relative_to(project))]
    assert told["bytes"] >= 1000
    assert told["models"] == [str(model.folder.relative_to(project))]
    assert not orphan.folder.exists()
    assert needed.folder.is_dir()
    assert (foreign / "mine.txt").is_file()


def test_cleaning_keeps_what_an_interrupted_run_was_making(project: Path) -> None:
    output = project / "runs"
    partial = output / STAGES / ".align-0.partial"
    partial.mkdir(parents=True)
    folder = made_run(output, "0001-a", {}, state="failed")
    assert main(["runs", "clean"]) == 0
    assert partial.is_dir()
    write_json(folder / STATE, {"state": FINISHED})
    assert main(["runs", "clean"]) == 0
    assert not partial.exists()


def test_nothing_is_cleaned_while_a_run_is_at_work(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_run(project / "runs", "0001-a", {}, state=RUNNING, process=os.getppid())
    assert main(["runs", "clean"]) == 2
    assert "is active" in capsys.readouterr().err


@pytest.mark.parametrize("line", [["plugins"], ["plugins", "show", "lacgan"], ["doctor"]])
def test_tables_stay_whole_at_forty_columns(
    line: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert main(line) == 0
    narrow = capsys.readouterr().out
    assert max(map(len, narrow.splitlines())) <= 40
    monkeypatch.setenv("COLUMNS", "400")
    assert main(line) == 0
    words = {word for word in capsys.readouterr().out.split() if len(word) <= 12 and word.isalpha()}
    assert words <= {word.strip(":") for word in narrow.split()}
