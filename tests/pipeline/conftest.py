"""Stored faces to work on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import torch

from aukit.faces import StoredFaces
from aukit.records import face_schema
from aukit.store import write_table
from aukit.vision.images import encode

AUS = ("AU04", "AU12")
Store = Callable[..., StoredFaces]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """`store(12)`: faces of three people in noise, the first neutral, AU12 not always coded."""

    def make(count: int, size: int = 16) -> StoredFaces:
        random = torch.Generator().manual_seed(0)
        images = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=random)
        rows = [
            {
                "id": f"d/valid/p{number % 3}/{number:03d}",
                "dataset": "d",
                "partition": "valid",
                "subject": f"p{number % 3}",
                "face": 0,
                "image": png,
                "landmarks": [float(number)] * 136,
                "status": "ok",
                "origin": "real",
                "AU04": float(number % 6),
                "AU12": None if number % 4 == 3 else float(number % 4),
            }
            for number, png in enumerate(encode(images))
        ]
        folder = tmp_path / f"faces-{count}"
        folder.mkdir()
        table = pa.Table.from_pylist(rows, schema=face_schema(AUS))
        write_table(folder / "part-00000.parquet", table)
        return StoredFaces([folder], AUS)

    return make
