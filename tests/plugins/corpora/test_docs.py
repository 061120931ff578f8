"""The reader in the documentation reads, in fewer than forty lines."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from aukit.data.records import check_index
from aukit.testing import Subject, run_checks
from aukit.vision.movie import write_movie

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "use-your-own-data.md"


READER, RECORD = (
    code.replace("my_corpus.", "mine_")
    for code in re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
)


def corpus(folder: Path) -> Path:
    """Three people, four frames each, of which the last is not coded."""
    (folder / "codes").mkdir()
    (folder / "videos").mkdir()
    for person in ("ann", "bob", "eve"):
        frames = (torch.full((3, 32, 32), 40 * n, dtype=torch.uint8) for n in range(4))
        write_movie(folder / "videos" / f"{person}_smile.mp4", frames)
        rows = ["frame,AU06,AU12", *(f"{n},{n},{9 if n == 1 else 0}" for n in range(3))]
        (folder / "codes" / f"{person}_smile.csv").write_text("\n".join(rows))
    return folder


def test_the_documented_plugin_passes_all_checks(
    tmp_path: Path, distribute: Callable[..., Path]
) -> None:
    distribute("aukit-mine", {"mine_reader": READER, "mine_plugin": RECORD})
    (component,) = importlib.import_module("mine_plugin").aukit_datasets()
    (tmp_path / "mine").mkdir()
    outcomes = list(run_checks(Subject(component, {"root": corpus(tmp_path / "mine")})))
    assert [outcome for outcome in outcomes if outcome.result == "failed"] == []
    assert sum(outcome.result == "passed" for outcome in outcomes) >= 8


def test_the_documented_reader_reads(tmp_path: Path, distribute: Callable[..., Path]) -> None:
    distribute("aukit-mine", {"mine_reader": READER, "mine_plugin": RECORD})
    assert len(READER.splitlines()) < 40
    names: dict[str, Any] = {}
    exec(compile(READER, str(PAGE), "exec"), names)
    dataset = names["Mine"](SimpleNamespace(root=corpus(tmp_path)), None)
    index = dataset.index()
    check_index(index)
    assert index.slice(0, 4).select(["AU06", "AU12"]).to_pylist() == [
        {"AU06": 0, "AU12": 0}, {"AU06": 1, "AU12": None},
        {"AU06": 2, "AU12": 0}, {"AU06": None, "AU12": None},
    ]  # fmt: skip
    assert set(index["partition"].to_pylist()) == {"train", "valid", "test"}
    found = [
        (reason, image is None)
        for frames in dataset.read(index.slice(0, 4))
        for image, reason in zip(frames.images, frames.reasons, strict=True)
    ]
    assert found == [(None, False)] * 3 + [("not coded", True)]
    assert [f.what for f in dataset.survey().findings] == ["frames without a code"] * 3
