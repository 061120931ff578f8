"""Contract rules for results: shapes, types, finiteness and counts.

A rule checks only what costs next to nothing; `aukit.testing` checks more, offline.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from itertools import islice
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from aukit.contracts.aligner import Aligned
from aukit.contracts.dataset import Frames, Meshes
from aukit.contracts.estimator import Prediction
from aukit.contracts.faces import FaceBatch
from aukit.contracts.landmarker import Faces
from aukit.data.records import index_schema, plan_schema
from aukit.errors import ConfigError

HIGHEST, ROUNDING = 5, 1e-3
"""Upper limit of intensities: 5, with a margin for rounding."""

Rule = Callable[..., Any]
"""Takes the component, a method's result and its arguments; returns the result."""


class BrokenRuleError(Exception):
    """How a method broke its contract; the message completes a sentence that names the method."""


def _anything(component: Any, found: Any, *arguments: Any) -> Any:
    return found


def _instance(found: Any, kind: type[Any]) -> None:
    if not isinstance(found, kind):
        raise BrokenRuleError(f"returned {type(found).__name__}, not {kind.__name__}")


def _many(found: Any, count: int, what: str) -> None:
    if not isinstance(found, (list, tuple)) or len(found) != count:
        size = f" of {len(found)}" if isinstance(found, Sized) else ""
        raise BrokenRuleError(f"returned {type(found).__name__}{size} as {what}, expected {count}")


def _tensor(value: Any, name: str, shape: Sequence[int | None], kind: torch.dtype | None) -> None:
    """Refuse a wrong shape (None: any length) or dtype (None: any floating-point dtype)."""
    if not isinstance(value, Tensor):
        raise BrokenRuleError(f"returned {type(value).__name__} as {name}, not a tensor")
    fits = value.dtype == kind if kind else value.is_floating_point()
    alike = len(shape) == value.ndim and all(
        wanted in (None, found) for wanted, found in zip(shape, value.shape, strict=True)
    )
    if not (fits and alike):
        sizes = ", ".join("any" if wanted is None else str(wanted) for wanted in shape)
        raise BrokenRuleError(
            f"returned {name} as {str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}, "
            f"not {str(kind).removeprefix('torch.') if kind else 'float'} ({sizes})"
        )


def _finite(values: Tensor, name: str) -> None:
    if not values.isfinite().all():
        raise BrokenRuleError(f"returned {name} that are not finite")


def _reasons(found: Any, count: int) -> None:
    _many(found, count, "reasons")
    if not all(reason is None or (isinstance(reason, str) and reason) for reason in found):
        raise BrokenRuleError("returned reasons that are neither None nor text")


def _aligned(aligner: Any, found: Any, images: Sequence[Tensor], *_: Any) -> Any:
    _instance(found, Aligned)
    count = len(images)
    side = found.images.shape[-1] if isinstance(found.images, Tensor) and found.images.ndim else 0
    _tensor(found.images, "images", (count, 3, side, side), torch.uint8)
    _tensor(found.valid, "valid", (count, side, side), torch.bool)
    _tensor(found.transforms, "transforms", (count, 3, 3), torch.float32)
    _tensor(found.landmarks, "landmarks", (count, 68, 2), torch.float32)
    _reasons(found.reasons, count)
    good = [row for row, reason in enumerate(found.reasons) if reason is None]
    _finite(found.transforms[good], "transforms")
    _finite(found.landmarks[good], "landmarks")
    return found


def _views(
    aligner: Any, found: Any, images: Sequence[Tensor], faces: Any, views: Sequence[Any]
) -> Any:
    _many(found, len(views), "views")
    return [_aligned(aligner, each, images) for each in found]


def _described(aligner: Any, found: Any) -> Any:
    _instance(found, Mapping)
    try:
        json.dumps(dict(found))
    except (TypeError, ValueError) as error:
        raise BrokenRuleError(f"returned values that cannot be written as JSON: {error}") from None
    return found


def _detected(landmarker: Any, found: Any, images: Sequence[Tensor]) -> Any:
    for image in images:
        if image.dtype != torch.uint8:
            # A detector sees a float picture in 0..1 as black and silently finds no face.
            raise ConfigError(f"got a picture of {image.dtype}", "landmarkers take uint8 (3, H, W)")
    _many(found, len(images), "faces of pictures")
    for faces in found:
        _faces(faces)
    return found


def _faces(faces: Any) -> None:
    _instance(faces, Faces)
    _tensor(faces.boxes, "boxes", (None, 4), None)
    count = len(faces)
    _tensor(faces.scores, "scores", (count,), None)
    _instance(faces.landmarks, Mapping)
    for scheme, points in faces.landmarks.items():
        size = 3 if isinstance(points, Tensor) and points.shape[-1:] == (3,) else 2
        _tensor(points, f"landmarks '{scheme}'", (count, None, size), None)


def _indexed(dataset: Any, found: Any) -> Any:
    _instance(found, pa.Table)
    if absent := [name for name in index_schema(()).names if name not in found.column_names]:
        raise BrokenRuleError(f"returned a table without the columns {', '.join(absent)}")
    return found


def _frames(frames: Any) -> None:
    _instance(frames, Frames)
    _instance(frames.rows, pa.Table)
    count = frames.rows.num_rows
    _many(frames.images, count, "images")
    _reasons(frames.reasons, count)
    for image, reason in zip(frames.images, frames.reasons, strict=True):
        if image is not None:
            _tensor(image, "a picture", (3, None, None), torch.uint8)
        elif reason is None:
            raise BrokenRuleError("returned neither a picture nor a reason for its absence")
    if frames.faces is not None:
        _many(frames.faces, count, "faces of frames")
        for faces in frames.faces:
            _faces(faces)


def _read(dataset: Any, found: Any, rows: pa.Table) -> Iterator[Frames]:
    _instance(found, Iterable)
    wanted = iter(rows.column("id").to_pylist())
    for frames in found:
        _frames(frames)
        names = frames.rows.column("id").to_pylist()
        if names != list(islice(wanted, len(names))):
            raise BrokenRuleError("returned other rows than requested, or in another order")
        yield frames
    if left := len(list(wanted)):
        raise BrokenRuleError(f"left out the last {left} requested rows")


def _rendered(dataset: Any, found: Any, rows: pa.Table, targets: Any) -> Any:
    _frames(found)
    if found.rows.num_rows != rows.num_rows:
        raise BrokenRuleError(f"returned {found.rows.num_rows} frames, expected {rows.num_rows}")
    return found


def _meshed(dataset: Any, found: Any, rows: pa.Table) -> Iterator[Meshes]:
    _instance(found, Iterable)
    for meshes in found:
        _instance(meshes, Meshes)
        count = meshes.rows.num_rows
        _tensor(meshes.images, "images", (count, 3, None, None), torch.uint8)
        _tensor(meshes.vertices, "vertices", (count, None, 3), None)
        _tensor(meshes.landmarks, "landmarks", (count, 68, 2), None)
        _finite(meshes.vertices, "vertices")
        yield meshes


def _planned(
    balancer: Any, found: Any, labels: pa.Table, sources: pa.Table, aus: Iterable[str], *_: Any
) -> Any:
    _instance(found, pa.Table)
    for field in plan_schema(aus):
        if field.name not in found.column_names:
            raise BrokenRuleError(f"returned a table without the column '{field.name}'")
        if (kind := found.schema.field(field.name).type) != field.type:
            raise BrokenRuleError(
                f"returned the column '{field.name}' as {kind}, expected {field.type}"
            )
    return found


def _painted(synthesizer: Any, found: Any, faces: FaceBatch, *_: Any) -> Any:
    _tensor(found, "faces", faces.images.shape, torch.uint8)
    return found


def _normalized(normalizer: Any, found: Any, faces: FaceBatch) -> Any:
    _tensor(found, "faces", faces.images.shape, torch.float32)
    _finite(found, "faces")
    return found


def _predicted(estimator: Any, found: Any, faces: FaceBatch) -> Any:
    _instance(found, Prediction)
    shape = (len(faces), len(estimator.aus))
    _tensor(found.intensity, "intensity", shape, None)
    _tensor(found.level, "level", shape, torch.int64)
    for name, values in (("intensity", found.intensity), ("level", found.level)):
        _finite(values, f"values of {name}")
        if not ((values >= -ROUNDING) & (values <= HIGHEST + ROUNDING)).all():
            raise BrokenRuleError(f"returned values of {name} outside 0..{HIGHEST}")
    return found


def _features(estimator: Any, found: Any, faces: FaceBatch) -> Any:
    _tensor(found, "features", (len(faces), None), torch.float32)
    return found


def _seen(judge: Any, found: Any, images: Tensor, landmarks: Tensor) -> Any:
    columns = len(judge.names) if judge.measures == "intensity" else None
    _tensor(found, "features", (len(images), columns), torch.float32)
    return found


def _terms(metric: Any, found: Any, truth: Tensor, *_: Any) -> Any:
    _tensor(found, "terms", (*truth.shape, None), torch.float64)
    return found


def _scores(metric: Any, found: Any, sums: Tensor) -> Any:
    _instance(found, Mapping)
    if absent := [name for name in metric.names if name not in found]:
        raise BrokenRuleError(f"returned no score {', '.join(absent)}")
    for name, values in found.items():
        _tensor(values, f"score {name}", sums.shape[:-1], None)
    return found


def _mapped(executor: Any, found: Any, function: Any, items: Any) -> Iterator[Any]:
    _instance(found, Iterable)
    count = 0
    for result in found:
        count += 1
        yield result
    if isinstance(items, Sized) and count != len(items):
        raise BrokenRuleError(f"returned {count} results for {len(items)} items")


_FITTED: dict[str, Rule] = dict.fromkeys(("fit", "save", "load"), _anything)

RULES: dict[str, dict[str, Rule]] = {
    "data": {"index": _indexed, "read": _read, "render": _rendered, "meshes": _meshed},
    "landmarker": {"detect": _detected},
    "aligner": {
        "align": _aligned, "views": _views, "describe": _described,
        "fit": _anything, "save": _anything,
    },
    "synth": {**_FITTED, "synthesize": _painted},
    "balancer": {"plan": _planned},
    "normalizer": {**_FITTED, "apply": _normalized},
    "estimator": {
        **_FITTED, "predict": _predicted, "features": _features, "calibrate": _anything
    },
    "metric": {"terms": _terms, "value": _scores},
    "judge": {"look": _seen},
    "executor": {"map": _mapped},
}  # fmt: skip
"""Kind -> method -> rule for its result."""

REQUIRED: dict[str, tuple[str, ...]] = {
    "data": ("index", "read"),
    "landmarker": ("detect",),
    "aligner": ("align", "describe"),
    "synth": ("fit", "synthesize", "save", "load"),
    "balancer": ("plan",),
    "normalizer": ("fit", "apply", "save", "load"),
    "estimator": ("fit", "predict", "save", "load"),
    "metric": ("terms", "value"),
    "judge": ("look",),
    "executor": ("map",),
}
