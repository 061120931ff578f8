"""The attributes of `Layout` out of files: ours from the package, the public one from a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from aukit.errors import DataError
from aukit.vision.raster import rasterize

OURS = "aukit-prnet-layout/1"
"""Name of our layout, and format of its file."""

PUBLIC = "prnet-public"
"""Name of the layout of the public weights."""

_FILE = Path(__file__).parent / "data" / "layout.safetensors"
_REBUILD = "restore the file from the package, or rebuild it with scripts/build_layout.py"
_PUBLIC_SIDE = 256
_COPY = "give the folder Data/uv-data of a copy of PRNet's repository"


def ours(resolution: int) -> dict[str, Any]:
    """Our layout at a resolution.

    Raises:
        DataError: the packaged file is missing or damaged.
    """
    data, mesh = _read(_FILE)
    flat = torch.nn.functional.pad(data["uv"] * resolution, (0, 1))
    seen = rasterize(flat[None], data["triangles"].long(), (resolution, resolution))
    mask = seen.mask[0] & seen.mask[0].flip(1)
    texels = mask.flatten().nonzero()[:, 0]
    piece = seen.triangle.flatten()[texels]
    inside = seen.barycentric.view(-1, 3)[texels]
    shares = (inside[..., None] * data["corners"][piece]).sum(1)
    sources = data["source"][piece].long()
    mean = (data["mean"][sources] * shares[..., None]).sum(1)
    landmarks, landmark_weights = _bilinear(data["landmarks"] * resolution - 0.5, mask)
    return {
        "name": OURS,
        "resolution": resolution,
        "texels": texels,
        "canonical": mean * torch.tensor([1.0, -1.0, -1.0]),
        "landmarks": landmarks,
        "landmark_weights": landmark_weights,
        "mesh": mesh,
        "sources": sources,
        "shares": shares,
    }


def public(folder: Path) -> dict[str, Any]:
    """The layout of the public weights; see `Layout.public`.

    The triangles are not read: they are the squares of neighbouring texels, as everywhere.
    """
    texels = _numbers(folder / "face_ind.txt").flatten()
    columns_rows = _numbers(folder / "uv_kpt_ind.txt")
    canonical = _array(folder / "canonical_vertices.npy")
    if columns_rows.shape != (2, 68):
        raise _garbled(folder / "uv_kpt_ind.txt", "2 rows of 68 numbers")
    if canonical.shape != (len(texels), 3):
        raise _garbled(folder / "canonical_vertices.npy", f"{len(texels)} points")
    if len(set(texels.tolist())) != len(texels):
        raise _garbled(folder / "face_ind.txt", "different texels")
    vertex = torch.full((_PUBLIC_SIDE**2,), -1)
    vertex[texels] = torch.arange(len(texels))
    landmarks = vertex[columns_rows[1] * _PUBLIC_SIDE + columns_rows[0]]
    if (landmarks < 0).any():
        raise _garbled(folder / "uv_kpt_ind.txt", "texels of the face")
    return {
        "name": PUBLIC,
        "resolution": _PUBLIC_SIDE,
        "texels": texels,
        "canonical": canonical * torch.tensor([1.0, 1.0, -1.0]),
        "landmarks": landmarks[:, None],
        "landmark_weights": torch.ones(68, 1),
        "depth": -1,
    }


def _read(path: Path) -> tuple[dict[str, Tensor], str]:
    try:
        with safe_open(path, framework="pt") as stored:
            about = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(f"cannot read the layout {path}: {error}", _REBUILD) from error
    if about.get("format") != OURS:
        raise DataError(f"{path} is not a layout of format {OURS}", _REBUILD)
    return tensors, about["mesh"]


def _bilinear(places: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Vertices around (68, 2) places in texels (x, y), and their weights: (68, 4) each.

    Beyond the border of the face the nearest texels that are face stand in.
    """
    number = mask.flatten().cumsum(0).view(mask.shape) - 1
    valid = mask.nonzero().flip(1).float()
    low = places.floor()
    share = places - low
    corners, weights = [], []
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        wanted = low + low.new_tensor([dx, dy])
        x, y = valid[torch.cdist(wanted, valid).argmin(1)].long().unbind(1)
        corners.append(number[y, x])
        weights.append((share[:, 0] - (1 - dx)).abs() * (share[:, 1] - (1 - dy)).abs())
    return torch.stack(corners, 1), torch.stack(weights, 1)


def _numbers(path: Path) -> Tensor:
    """Texel numbers or places, which the files write as floats."""
    try:
        values = np.loadtxt(path, ndmin=2)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}", _COPY) from error
    except ValueError as error:
        raise _garbled(path, "numbers") from error
    if not (np.isfinite(values).all() and (values >= 0).all() and (values < _PUBLIC_SIDE**2).all()):
        raise _garbled(path, "texels of a 256 x 256 map")
    return torch.from_numpy(values.astype(np.int64))


def _array(path: Path) -> Tensor:
    """Floats of a NumPy file."""
    try:
        values = np.load(path, allow_pickle=False)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}", _COPY) from error
    except ValueError as error:
        raise _garbled(path, "an array of numbers") from error
    if values.dtype.kind != "f" or not np.isfinite(values).all():
        raise _garbled(path, "finite numbers")
    return torch.from_numpy(values.astype(np.float32))


def _garbled(path: Path, expected: str) -> DataError:
    return DataError(f"{path} does not hold {expected}", _COPY)
