"""Time and memory of stored faces, from 10,000 to 1,000,000 rows: tiny pictures, whole rows.

pytest tests/benchmarks/bench_scale.py -n0 -s    # 10,000 and 100,000
AUKIT_SCALE="10000 100000 1000000" pytest tests/benchmarks/bench_scale.py -n0 -s

With a million rows it takes a quarter of an hour and 2 GB of disk.

Each size is measured in a process of its own: CPU seconds to open the faces, to read random batches
from them and to fit `mean-texture` to some; and the most memory that the process had for itself
(`RssAnon`), above what it has with 10,000 rows. Pages of mapped files are not counted: the system
takes them back when it needs memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from aukit.au import LISTS
from aukit.contracts.context import Context
from aukit.data.records import face_schema
from aukit.faces.shards import CHUNK, parts_of, shard_path, write_faces
from aukit.faces.stored import StoredFaces
from aukit.vision.images import encode
from aukit_temporal.mean import MeanTexture
from aukit_temporal.plugin import MeanTextureConfig

AUS = LISTS["disfa"]
SIZES = list(map(int, os.environ.get("AUKIT_SCALE", "10000 100000").split()))
PEOPLE, BATCH, BATCHES = 41, 64, 100
FITTED = 30_000
"""Faces that `mean-texture` is fitted to: enough to know what one takes."""
ROW_BYTES = 400
"""Most memory a row may take."""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.timeout(7200),
]


def faces_of(part: range, pngs: list[bytes], random: np.random.Generator) -> pa.Table:
    """Rows as a corpus has them: long ids, landmarks, twelve AUs."""
    schema, count = face_schema(AUS), len(part)
    columns: dict[str, Any] = {
        "id": [f"fera17/train/F{n % PEOPLE:03d}/T{n % 8}/-20,40/{n:07d}" for n in part],
        "dataset": ["fera17"] * count,
        "partition": ["train"] * count,
        "subject": [f"F{n % PEOPLE:03d}" for n in part],
        "task": [f"T{n % 8}" for n in part],
        "view": ["-20,40"] * count,
        "frame": list(part),
        "face": [0] * count,
        "image": [pngs[n % len(pngs)] for n in part],
        "landmarks": list(random.random((count, 136), np.float32)),
        "transform": list(random.random((count, 9), np.float32)),
        "status": ["ok"] * count,
        "origin": ["real"] * count,
        **{name: random.integers(0, 6, count).astype(np.float32) for name in AUS},
    }
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(count, field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)


def write_corpus(folder: Path, count: int) -> None:
    random = np.random.default_rng(0)
    pixels = torch.from_numpy(random.integers(0, 256, (997, 3, 8, 8), np.uint8))
    pngs = encode(pixels)
    for number, part in enumerate(parts_of(count, CHUNK)):
        write_faces(shard_path(folder, number), faces_of(part, pngs, random))


class Memory:
    """The most memory that a process has had for itself while a block ran, bytes."""

    def __enter__(self) -> Memory:
        self.most, self._running = own_memory(), True
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._running = False
        self._thread.join()

    def _watch(self) -> None:
        while self._running:
            self.most = max(self.most, own_memory())
            time.sleep(0.01)


def own_memory() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (anonymous,) = (line.split()[1] for line in lines if line.startswith("RssAnon"))
    return int(anonymous) * 1024


class First:
    """The first faces of a source."""

    def __init__(self, faces: StoredFaces, most: int) -> None:
        self.aus, self.labels, self.batch = faces.aus, faces.labels, faces.batch
        self.table = faces.table.slice(0, most)

    def __len__(self) -> int:
        return int(self.table.num_rows)


def measured(folder: Path) -> dict[str, float]:
    """What opening, reading and fitting take."""
    with Memory() as memory:
        marks = [time.process_time()]
        faces = StoredFaces([folder], AUS, limit=0)
        marks.append(time.process_time())
        order = torch.randperm(len(faces), generator=torch.Generator().manual_seed(0)).tolist()
        for start in range(0, BATCH * BATCHES, BATCH):
            assert len(faces.batch(order[start : start + BATCH])) == BATCH
        marks.append(time.process_time())
        normalizer = MeanTexture(MeanTextureConfig(), Context())
        normalizer.fit(part := First(faces, FITTED))
        marks.append(time.process_time())
    assert int(normalizer.counts.max()) >= len(part) // PEOPLE
    opened, read, fitted = np.diff(marks)
    return {
        "rows": len(faces),
        "open": opened,
        "random face": read / (BATCH * BATCHES),
        "mean-texture of a face": fitted / len(part),
        "memory": memory.most,
    }


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, float]]:
    found = []
    for count in SIZES:
        folder = tmp_path_factory.mktemp(f"rows-{count}")
        write_corpus(folder, count)
        command = [sys.executable, __file__, str(folder)]
        found.append(json.loads(subprocess.check_output(command, text=True)))
        sys.stdout.write(f"\n{json.dumps(found[-1])}\n")
    return found


def test_memory_is_flat(results: list[dict[str, float]]) -> None:
    small, large = results[0], results[-1]
    per_row = (large["memory"] - small["memory"]) / (large["rows"] - small["rows"])
    assert per_row < ROW_BYTES


def test_time_is_linear(results: list[dict[str, float]]) -> None:
    small, large = results[0], results[-1]
    assert large["open"] / large["rows"] < 1.5 * small["open"] / small["rows"]
    assert large["mean-texture of a face"] < 1.5 * small["mean-texture of a face"]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measured(Path(sys.argv[1]))))
