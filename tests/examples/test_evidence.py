"""The study of what formulations learn: resumes, scores its states, and knows its ceiling."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from aukit.config.departures import departures
from aukit.config.files import read_file
from aukit.config.resolve import resolve
from aukit.published import METHOD
from aukit.registry.loading import Registry

sys.path.insert(0, str(Path(__file__).parents[1] / "end_to_end"))
import tiny_plugin

EVIDENCE = Path(__file__).parents[2] / "examples" / "evidence"
TINY = """
preset = "quick"
data = { name = "drawn", people = 4, frames = 6 }
aligner = "centre"
[synth]
name = "lacgan"
preset = "paper"
features = "edges"
labels = "intensity"
size = 16
width = 2
latent = 4
batch = 4
epochs = EPOCHS
ticks = 2
"""


@pytest.fixture(scope="module")
def study() -> ModuleType:
    spec = importlib.util.spec_from_file_location("study", EVIDENCE / "study.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["study"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "departing"),
    [
        ("ganimation", set()),
        ("lacgan", {"synth.features"}),
        ("lacgan-blurred", {"synth.features", "synth.blur"}),
        ("lacgan-pairs", {"synth.features", "synth.l_ids", "synth.pairs"}),
        (
            "lacgan-regions",
            {"synth.features", "synth.composition", "synth.inner", "synth.slope", "synth.reach"},
        ),
    ],
)
def test_the_method_is_the_papers(name: str, departing: set[str]) -> None:
    document = read_file(EVIDENCE / f"{name}.toml")
    config = resolve(Registry(only=["aukit-facs"]), [("test", document)])
    found = departures("synth", config.need("synth"))
    assert {one.setting for one in found if one.role == METHOD} == departing


def test_a_study_trains_scores_and_draws(
    study: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "default_registry", tiny_plugin.registry)

    def call(*arguments: str) -> str:
        return str(CliRunner().invoke(study.main, arguments, catch_exceptions=False).output)

    file, folder = tmp_path / "run.toml", tmp_path / "tiny"
    for epochs in ("1", "2"):  # the second goes on where the first has ended
        file.write_text(TINY.replace("EPOCHS", epochs))
        call("train", str(file), str(folder))
    states = sorted((folder / "states").iterdir())
    assert [int(state.name) for state in states] == [3, 6, 12]
    told = call("measure", str(folder))
    assert [line.split()[0] for line in told.splitlines()] == [state.name for state in states]
    assert call("measure", str(folder)) == ""  # nothing is left to measure
    card = json.loads((states[-1] / "score_card.json").read_text())
    call("ceilings", str(folder), "0,0,50")
    ceiling = json.loads((folder / "ceiling-0,0,50.json").read_text())
    amounts = [found["change"]["mean"]["amount"]["value"] for found in (card, ceiling)]
    assert abs(amounts[0]) < 0.1  # nobody learns anything in twelve steps
    assert amounts[1] == pytest.approx(1, abs=0.01)  # the truth, in regions as large as the picture
    assert (folder / "faces" / "AU12.png").exists()
    pytest.importorskip("matplotlib")
    call("draw", str(folder), "-o", str(tmp_path / "curves.png"))
    assert (tmp_path / "curves.png").stat().st_size > 5000


def test_costs_add_up_over_sessions(study: ModuleType, tmp_path: Path) -> None:
    lines: list[Mapping[str, float]] = [
        {"step": 10, "cpu": 5.0, "started": 1},
        {"step": 20, "cpu": 9.0, "started": 1},
        {"step": 30, "cpu": 4.0, "started": 2},
    ]
    (tmp_path / "cost.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert study.costs(tmp_path) == {10: 5.0, 20: 9.0, 30: 13.0}
