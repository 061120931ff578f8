"""Pictures and meshes for fitting, rendered once and stored in shards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from aukit.contracts.dataset import KnowsMesh
from aukit.errors import ConfigError, DataError
from aukit.machine.processes import rank, world_size
from aukit.progress import Progress
from aukit.store.files import write_json
from aukit.store.models import save_tensors

SHARD = 256
"""Pictures in a file."""

ABOUT = "examples.json"
STEP = 64
"""Vertices are stored in steps of 1 / 64 pixel, which reaches 511 pixels in both directions."""


@dataclass(frozen=True)
class Example:
    """A batch of pictures with their meshes.

    Attributes:
        images: (B, 3, S, S) uint8.
        vertices: (B, V, 3) float32 pixels, z in the same unit, smaller is nearer.
        landmarks: (B, 68, 2) float32 pixels.
        cover: (B, S, S) uint8, 255 where the person covers the whole pixel.
    """

    images: Tensor
    vertices: Tensor
    landmarks: Tensor
    cover: Tensor


def render(dataset: KnowsMesh, rows: pa.Table, folder: Path, progress: Progress) -> Examples:
    """Fill a folder with the pictures and meshes of index rows, continuing an interrupted attempt.

    The processes of torchrun share the work.

    Args:
        dataset: knows the meshes.
        rows: of its index.
        folder: receives a file per `SHARD` rows.
        progress: shows progress.

    Raises:
        ConfigError: the folder holds examples of other data.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, _about(dataset, rows))
    count = -(-rows.num_rows // SHARD)
    mine = range(rank(), count, world_size())
    with progress.start("render", sum(min(SHARD, rows.num_rows - n * SHARD) for n in mine)) as bar:
        for number in mine:
            part = rows.slice(number * SHARD, SHARD)
            if not _shard(folder, number).is_file():
                save_tensors(_shard(folder, number), _packed(dataset, part))
            bar.advance(part.num_rows)
    if world_size() > 1:
        torch.distributed.barrier()
    return Examples(folder)


class Examples:
    """The examples in a folder that `render` has filled.

    Args:
        folder: where they are.

    Raises:
        DataError: the folder holds none, or not all of them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{folder} has no examples: {error}") from error
        self.mesh: str = about["mesh"]
        self._count: int = about["rows"]
        shards = range(-(-self._count // SHARD))
        if missing := [number for number in shards if not _shard(folder, number).is_file()]:
            raise DataError(f"{folder}: {len(missing)} of {len(shards)} files are missing")
        self._open = lru_cache(maxsize=None)(self._opened)

    def __len__(self) -> int:
        return self._count

    def batch(self, rows: Sequence[int]) -> Example:
        """Read the examples at given indices, in order.

        Raises:
            DataError: a file is damaged.
        """
        places = [divmod(row, SHARD) for row in rows]

        def read(name: str) -> Tensor:
            return torch.stack([self._open(shard)[name][place] for shard, place in places])

        return Example(
            images=read("images"),
            vertices=read("vertices").float() / STEP,
            landmarks=read("landmarks"),
            cover=read("cover"),
        )

    def _opened(self, shard: int) -> dict[str, Any]:
        """Slices of a memory-mapped file."""
        path = _shard(self.folder, shard)
        try:
            file: Any = safe_open(path, "pt")
            return {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise DataError(
                f"{path} cannot be read: {error}", "delete it to render again"
            ) from error


def _shard(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.safetensors"


def _about(dataset: KnowsMesh, rows: pa.Table) -> dict[str, Any]:
    names = "\n".join(rows.column("id").to_pylist())
    digest = hashlib.sha256(names.encode()).hexdigest()
    options = getattr(dataset, "config", None)
    return {"mesh": dataset.mesh, "rows": rows.num_rows, "ids": digest, "options": repr(options)}


def _claim(folder: Path, about: dict[str, Any]) -> None:
    path = folder / ABOUT
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != about:
        raise ConfigError(f"{folder} holds examples of other data", "choose another folder")
    write_json(path, about)


def _packed(dataset: KnowsMesh, rows: pa.Table) -> dict[str, Tensor]:
    parts = list(dataset.meshes(rows))
    vertices = torch.cat([part.vertices for part in parts])
    limit = torch.iinfo(torch.int16)
    return {
        "images": torch.cat([part.images for part in parts]).cpu().contiguous(),
        "vertices": (vertices * STEP).round().clamp(limit.min, limit.max).to("cpu", torch.int16),
        "landmarks": torch.cat([part.landmarks for part in parts]).cpu(),
        "cover": (torch.cat([part.cover for part in parts]) * 255).round().to("cpu", torch.uint8),
    }
