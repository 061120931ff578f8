"""The run files of the papers: each resolves, at both sizes, and is listed in the README."""

from __future__ import annotations

from pathlib import Path

import pytest

from aukit.comparison.definition import define
from aukit.comparison.planned import plan_comparison
from aukit.registry.loading import Registry

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = [path for path in sorted(EXAMPLES.glob("*/*.toml")) if path.name != "pyproject.toml"]
CELLS = {
    "table2": 4, "section44": 2, "figure3": 7, "table3": 3, "figure5": 3, "table4": 3,
    "table4-corpora": 3, "figure5-corpora": 3, "ganimation": 1, "table1": 2, "figures": 2,
    "paper": 1, "lacgan": 1, "lacgan-blurred": 1, "lacgan-pairs": 1, "lacgan-regions": 1,
}  # fmt: skip
REGISTRY = Registry(only=["aukit-facs"])


@pytest.mark.parametrize("preset", ["quick", "paper"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_run_file_resolves(path: Path, preset: str, tmp_path: Path) -> None:
    definition = define(REGISTRY, path, {"preset": preset})
    comparison = plan_comparison(REGISTRY, definition, tmp_path)
    assert len(comparison.cells) == CELLS[path.stem]
    assert set(definition.published) <= {cell.label for cell in comparison.cells}
    assert {trial.config.options.preset for trial in comparison.trials} == {preset}


def test_every_run_file_is_in_the_readme() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert {path.stem for path in FILES} == set(CELLS)
    assert [path.stem for path in FILES if f"{path.relative_to(EXAMPLES.parent)}" not in text] == []


def test_the_published_means_are_those_of_their_aus() -> None:
    """Against slips of the pen: the means of the paper follow from its rows."""
    for path in FILES:
        for label, numbers in define(REGISTRY, path, {}).published.items():
            units = [value for name, value in numbers.items() if name != "mean"]
            if units:
                assert sum(units) / len(units) == pytest.approx(numbers["mean"], abs=8e-4), label


def test_figure_5_c_learns_from_turned_faces_and_is_tested_on_flat_ones(tmp_path: Path) -> None:
    path = EXAMPLES / "synthetic-expressions" / "figure5.toml"
    definition = define(REGISTRY, path, {"preset": "paper"})
    config = plan_comparison(REGISTRY, definition, tmp_path).trials[2].config
    assert config.options.views == "fera17"
    assert config.roles["train"].aligner.component.name == "prnet"
    assert config.roles["test"].aligner.component.name == "procrustes"
    assert config.roles["test"].data.options.views == "fera17"
    assert config.roles["train"].data.options.views == "frontal"
    assert config.need("balancer").options.per_level == 500


def test_table_4_keeps_the_three_corpora_apart(tmp_path: Path) -> None:
    path = EXAMPLES / "synthetic-expressions" / "table4.toml"
    comparison = plan_comparison(REGISTRY, define(REGISTRY, path, {"preset": "paper"}), tmp_path)
    domains = [
        tuple(t.config.roles[r].data.options.domain for r in ("synth-fit", "synth-paint", "test"))
        for t in comparison.trials
    ]
    assert domains == [("a", "b", "a"), ("a", "a", "b"), ("a", "b", "b")]
    roles = comparison.trials[2].config.roles
    assert roles["synth-paint"].data.options.seed != roles["test"].data.options.seed
