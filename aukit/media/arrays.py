"""Pictures in memory (numpy, PIL, torch), estimated like the frames of one video."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from PIL import Image
from torch import Tensor

from aukit.contracts.dataset import Frames
from aukit.data.records import index_schema
from aukit.errors import ConfigError
from aukit.faces.shards import shard_path
from aukit.faces.stored import shards
from aukit.media.model import Model
from aukit.media.people import Grouping
from aukit.media.predict import BATCH, Estimates
from aukit.progress import Silent
from aukit.store.files import read_table, write_table

NAME = "frames"


def predict_pictures(
    model: Model, pictures: Any, grouping: Grouping, neutral: int | None = None
) -> pa.Table:
    """Estimate the faces in pictures, treated as successive frames of one video.

    Args:
        model: the model.
        pictures: one or several pictures for `as_picture`; a batch may be one array.
        grouping: which faces to estimate.
        neutral: number of a frame with neutral faces.

    Returns:
        rows in `records.estimate_schema`; `file` is `frames`.

    Raises:
        ConfigError: an input is not a picture.
    """
    registration = model.registration()
    with tempfile.TemporaryDirectory(prefix="aukit-predict-") as scratch:
        faces, estimates = (Path(scratch) / name for name in ("faces", "estimates"))
        faces.mkdir()
        estimates.mkdir()
        for number, frames in enumerate(frames_of(pictures)):
            write_table(shard_path(faces, number), registration.register(frames))
        if not shards(faces):
            raise ConfigError("no pictures were given")
        Estimates(model, grouping, faces, neutral).write(estimates, Silent())
        return pa.concat_tables([read_table(path) for path in shards(estimates)])


def each_picture(pictures: Any) -> Iterator[Tensor]:
    """Pictures one by one, (3, H, W) uint8."""
    single = isinstance(pictures, Image.Image) or getattr(pictures, "ndim", 4) < 4
    values: Iterable[Any] = [pictures] if single else pictures
    return map(as_picture, values)


def as_picture(value: Any) -> Tensor:
    """A picture as (3, H, W) uint8 RGB.

    Args:
        value: PIL; numpy (H, W, 3) or (H, W); or torch (3, H, W); RGB, uint8 or floats in 0..1.

    Raises:
        ConfigError: it is not a picture.
    """
    if isinstance(value, Image.Image):
        value = np.asarray(value.convert("RGB"))
    value = _eight_bits(value)
    if isinstance(value, np.ndarray) and value.dtype == np.uint8:
        value = np.repeat(value[..., None], 3, 2) if value.ndim == 2 else value
        value = torch.from_numpy(value.copy()).permute(2, 0, 1) if value.ndim == 3 else value
    if isinstance(value, Tensor) and value.dtype == torch.uint8 and value.shape[:-2] == (3,):
        return value.contiguous()
    shape = getattr(value, "shape", "")
    raise ConfigError(
        f"{type(value).__name__} {getattr(value, 'dtype', '')} {tuple(shape)} is not a picture",
        "give PIL pictures, numpy (H, W, 3) or torch (3, H, W), RGB, uint8 or floats in 0..1",
    )


def _eight_bits(value: Any) -> Any:
    """Convert floats in 0..1 to 0..255; other types are unchanged."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return _eight_bits(torch.from_numpy(value)).numpy()
    if not (isinstance(value, Tensor) and value.is_floating_point()):
        return value
    low, high = (float(end) for end in value.aminmax()) if value.numel() else (0.0, 0.0)
    if not (low >= 0 and high <= 1):
        raise ConfigError(
            f"a picture has floats from {low:g} to {high:g}", "floats must be in 0..1"
        )
    return (value.detach().cpu() * 255).round().byte()


def frames_of(pictures: Any) -> Iterator[Frames]:
    """Pictures in batches, as successive frames of one recording.

    Raises:
        ConfigError: an input is not a picture.
    """
    start, each = 0, each_picture(pictures)
    while batch := tuple(itertools.islice(each, BATCH)):
        numbers = range(start, start := start + len(batch))
        columns = {
            "id": [f"{NAME}#{number}" for number in numbers],
            "dataset": [NAME] * len(batch),
            "subject": [NAME] * len(batch),
            "frame": list(numbers),
        }
        schema = index_schema(())
        nothing = {name: [None] * len(batch) for name in schema.names}
        yield Frames(pa.table({**nothing, **columns}, schema=schema), batch, (None,) * len(batch))
