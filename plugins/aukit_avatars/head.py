"""The parametric head: a mesh, identity shapes and facial-action shapes, all linear.

The data file beside this module derives from CC0 MakeHuman assets (`data/README.md`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.nn.functional import embedding_bag

from aukit.errors import DataError

DATA = Path(__file__).parent / "data" / "head.safetensors"
FORMAT = "aukit-avatars-head/1"
_HINT = "restore the file from the package, or rebuild it with scripts/build_head.py"


@dataclass(frozen=True)
class Head:
    """Head, neck and shoulders of a person, eyes, teeth, tongue and lashes included.

    Axes: x to the right of the picture (the person's left), y up, z towards the camera.
    Unit: centimetre. Origin: the middle of the skull; the eyes lie near (+-3.1, 1.8, 8).

    Attributes:
        vertices: (V, 3) float32, the mean shape before any identity.
        triangles: (T, 3) int64 vertex ids, counter-clockwise seen from outside.
        uv: (U, 2) float32 in 0..1, u to the right, v downwards, the face upright in the middle.
        triangle_uv: (T, 3) int64 rows of `uv`.
        triangle_part: (T,) int64 index into `parts`.
        turning: (V,) float32 in 0..1, how much a vertex follows the head when the neck bends.
        lip: (V,) float32 in 0..1, how much of a vertex is lip; softer than the part labels.
        landmarks68: (68,) int64 vertex ids in the iBUG order.
        identity_basis: (I, V * 3) float32, centimetres per unit of coefficient.
        action_basis: (A, V * 3) float32.
        parts, identity_names, action_names: names of the rows above.
    """

    vertices: Tensor
    triangles: Tensor
    uv: Tensor
    triangle_uv: Tensor
    triangle_part: Tensor
    turning: Tensor
    lip: Tensor
    landmarks68: Tensor
    identity_basis: Tensor
    action_basis: Tensor
    parts: tuple[str, ...]
    identity_names: tuple[str, ...]
    action_names: tuple[str, ...]

    @classmethod
    def load(cls, path: str | Path | None = None) -> Head:
        """Read the data file, by default the bundled one.

        Raises:
            DataError: the file is missing, damaged or of another format.
        """
        source = DATA if path is None else Path(path)
        tensors, about = _read(source)
        count = len(tensors["vertices"])
        return cls(
            vertices=tensors["vertices"],
            triangles=tensors["triangles"].long(),
            uv=tensors["uv"],
            triangle_uv=tensors["triangle_uv"].long(),
            triangle_part=tensors["triangle_part"].long(),
            turning=tensors["turning"],
            lip=tensors["lip"],
            landmarks68=tensors["landmarks68"].long(),
            identity_basis=_dense(tensors, "identity", count),
            action_basis=_dense(tensors, "action", count),
            parts=tuple(about["parts"]),
            identity_names=tuple(about["identity"]),
            action_names=tuple(about["action"]),
        )

    @cached_property
    def identity_index(self) -> dict[str, int]:
        """Row of `identity_basis` by name."""
        return {name: row for row, name in enumerate(self.identity_names)}

    @cached_property
    def action_index(self) -> dict[str, int]:
        """Row of `action_basis` by name."""
        return {name: row for row, name in enumerate(self.action_names)}

    def to(self, device: torch.device | str) -> Head:
        """The same head on another device."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        moved: dict[str, Any] = {
            name: value.to(device) if isinstance(value, Tensor) else value
            for name, value in values.items()
        }
        return Head(**moved)

    def part(self, *names: str) -> Tensor:
        """(T,) bool: the triangles of the named parts."""
        wanted = torch.tensor([self.parts.index(name) for name in names])
        return torch.isin(self.triangle_part, wanted.to(self.triangle_part.device))

    def neutral(self, identity: Tensor) -> Tensor:
        """(B, I) float32 coefficients to (B, V, 3) vertices at rest, centimetres."""
        offset = mix(identity, self.identity_basis)
        return self.vertices + offset.view(len(identity), -1, 3)

    def move(self, neutral: Tensor, actions: Tensor) -> Tensor:
        """(B, V, 3) vertices at rest and (B, A) float32 weights to (B, V, 3) vertices."""
        return neutral + mix(actions, self.action_basis).view(neutral.shape)


def mix(weights: Tensor, rows: Tensor) -> Tensor:
    """Weighted sums of rows, (B, K) and (K, N) to (B, N).

    A matrix product in effect, but its rounding does not depend on the batch size, as that of a
    GEMM does: a picture must be the same in any batch.
    """
    places = torch.arange(len(rows), device=rows.device).expand(len(weights), -1)
    return embedding_bag(places, rows, per_sample_weights=weights, mode="sum")


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, list[str]]]:
    try:
        with safe_open(path, framework="pt") as stored:
            about = json.loads((stored.metadata() or {}).get("aukit", "{}"))
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise DataError(f"cannot read the head file {path}: {error}", hint=_HINT) from error
    if about.get("format") != FORMAT:
        raise DataError(f"{path} is not a head file of format {FORMAT}", hint=_HINT)
    if _digest(tensors) != about.get("sha256"):
        raise DataError(f"the head file {path} is damaged: wrong checksum", hint=_HINT)
    return tensors, about


def _digest(tensors: dict[str, Tensor]) -> str:
    value = hashlib.sha256()
    for name in sorted(tensors):
        value.update(name.encode() + tensors[name].numpy().tobytes())
    return value.hexdigest()


def _dense(tensors: dict[str, Tensor], kind: str, count: int) -> Tensor:
    """(S, count * 3) float32 from the packed shapes `kind`."""
    lengths = tensors[f"{kind}.start"].diff().long()
    shape = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    delta = tensors[f"{kind}.step"].float() * tensors[f"{kind}.scale"][shape, None]
    basis = torch.zeros(len(lengths), count, 3)
    basis[shape, tensors[f"{kind}.vertex"].long()] = delta
    return basis.reshape(len(lengths), -1)
