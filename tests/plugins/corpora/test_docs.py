"""The reader in the documentation reads, in fewer than forty lines."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from aukit.data.records import check_index
from aukit.vision.movie import write_movie

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "use-your-own-data.md"


def documented() -> tuple[type[Any], int]:
    """The class, and how many lines it takes."""
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    return names["Mine"], len(code.splitlines())


def test_the_documented_reader_reads(tmp_path: Path) -> None:
    Mine, lines = documented()
    assert lines < 40
    (tmp_path / "codes").mkdir()
    (tmp_path / "videos").mkdir()
    for person in ("ann", "bob", "eve"):
        frames = (torch.full((3, 32, 32), 40 * n, dtype=torch.uint8) for n in range(4))
        write_movie(tmp_path / "videos" / f"{person}_smile.mp4", frames)
        rows = ["frame,AU06,AU12", *(f"{n},{n},{9 if n == 1 else 0}" for n in range(3))]
        (tmp_path / "codes" / f"{person}_smile.csv").write_text("\n".join(rows))
    dataset = Mine(SimpleNamespace(root=tmp_path), None)
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
