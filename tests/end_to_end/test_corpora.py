"""Whole runs and comparisons on imitations of corpora, through the command line."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import numpy as np
import pytest

from aukit.cli.main import main
from aukit_corpora.actors import Cast
from aukit_corpora.imitate import BUILDERS, imitate

RUN = [
    "--landmarker", "mediapipe", "--aligner", "3d", "--synth", "lacgan", "--preset", "quick",
    "--device", "cpu", "--executor", "inline", "--draws", "20", "--card", "0",
    "--aligner.size", "48", "--balancer.per-level", "4",
    "--synth.size", "16", "--synth.width", "4", "--synth.epochs", "1", "--synth.ticks", "1",
    "--estimator", "vgg16", "--estimator.size", "32", "--estimator.width", "0.125",
    "--estimator.epochs", "1",
    "--estimator.ticks", "1",
]  # fmt: skip
"""The components of the papers, at sizes that take seconds."""

NEEDS = {
    # One picture a sequence is coded, and of a list nobody has two.
    "ck-plus": ["--synth.partners", "person"],
    "emotionet": ["--synth.pairs", "0", "--synth.l-ids", "0"],
}
EXAMPLES = Path(__file__).parents[2] / "examples" / "synthetic-expressions"


def run(corpus: str, cast: Cast, folder: Path, weights: Path) -> Path:
    """The folder of a run on an imitation."""
    root = imitate(corpus, folder / corpus, cast)
    place = root / "list.csv" if corpus == "emotionet" else root
    line = ["run", "--data", corpus, "--data.root", str(place), *RUN, *NEEDS.get(corpus, [])]
    more = ["--landmarker.weights", str(weights), "-o", str(folder / "runs")]
    assert main([*line, *more]) == 0
    (found,) = (folder / "runs").glob("0001-*")
    return found


def test_a_whole_run_on_disfa(tmp_path: Path, face_landmarker: Path) -> None:
    found = run("disfa", Cast(people=6, frames=8, size=112), tmp_path, face_landmarker)
    scores = json.loads((found / "scores.json").read_text())
    assert {"AU01", "AU12"} <= set(scores)
    assert np.isfinite(scores["mean"]["mae"]["value"])
    assert "video ended early" in (found / "report.html").read_text()


@pytest.mark.slow
@pytest.mark.skipif("AUKIT_SLOW" not in os.environ, reason="takes minutes; set AUKIT_SLOW=1")
@pytest.mark.parametrize("corpus", [name for name in BUILDERS if name != "multipie"])
def test_a_whole_run_on_every_corpus(corpus: str, tmp_path: Path, face_landmarker: Path) -> None:
    found = run(corpus, Cast(people=6, frames=8, size=176), tmp_path, face_landmarker)
    assert (found / "report.html").is_file()


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Imitations of the three corpora of the run files."""
    folder = tmp_path_factory.mktemp("corpora")
    for corpus in ("fera17", "multipie", "disfa"):
        imitate(corpus, folder / corpus, Cast(people=6, frames=8, size=176))
    return folder


@pytest.mark.slow
@pytest.mark.skipif("AUKIT_SLOW" not in os.environ, reason="takes minutes; set AUKIT_SLOW=1")
@pytest.mark.parametrize("name", ["table4-corpora", "figure5-corpora"])
def test_the_comparisons_on_corpora_need_nothing_but_roots(
    name: str, corpora: Path, tmp_path: Path, face_landmarker: Path
) -> None:
    file = tmp_path / f"{name}.toml"
    text = (EXAMPLES / file.name).read_text()
    file.write_text(text.replace('root = "corpora/', f'root = "{corpora}/'))
    sizes = [*RUN[RUN.index("--preset") :], "--synth.blocks", "1", "--synth.critic-width", "4"]
    sizes += ["--synth.depth", "2", "--landmarker.weights", str(face_landmarker)]
    line = ["compare", str(file), *sizes, "--jobs", "1", "-o", str(tmp_path / "runs")]
    assert main(line) == 0
    (scores,) = (tmp_path / "runs").glob("*/table.csv")
    cells = tomllib.loads(text)["cells"]
    assert len(cells) == 3
    assert all(cell in scores.read_text() for cell in cells)
