"""Builds rows of registered faces (`records.face_schema`)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from aukit.contracts.aligner import Aligned
from aukit.contracts.dataset import Frames
from aukit.contracts.labels import Labels
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.data.kinds import au_kinds, kinds_of
from aukit.data.records import DROPPED, OK, REAL, SYNTHETIC, au_columns, face_schema, with_labels
from aukit.vision import images as images_io


def face_table(
    frames: Frames,
    picks: Sequence[tuple[int, Faces]],
    aligned: Aligned,
    pictures: images_io.Format = "png",
) -> pa.Table:
    """Rows in `records.face_schema` for aligned faces.

    Args:
        frames: frames of the faces.
        picks: (frame number, face of length one or zero) of each aligned row.
        aligned: the registered faces.
        pictures: format of the pictures.
    """
    aus = au_columns(frames.rows)
    rows = frames.rows.take([row for row, _ in picks])
    good = torch.tensor([reason is None for reason in aligned.reasons], dtype=torch.bool)
    encoded = iter(images_io.encode(aligned.images[good], pictures) if good.any() else ())
    pngs = [next(encoded) if ok else None for ok in good.tolist()]
    numbers = _face_numbers([row for row, _ in picks])
    sizes = [_size(frames.images[row]) for row, _ in picks]
    columns: dict[str, Any] = {
        "id": [
            f"{name}/{number}" if number else name
            for name, number in zip(rows.column("id").to_pylist(), numbers, strict=True)
        ],
        "face": numbers,
        "image": pngs,
        "width": [size[0] for size in sizes],
        "height": [size[1] for size in sizes],
        "box": [faces.boxes[0].tolist() if len(faces) else None for _, faces in picks],
        "score": [float(faces.scores[0]) if len(faces) else None for _, faces in picks],
        "landmarks": _where(good, aligned.landmarks.flatten(1)),
        "transform": _where(good, aligned.transforms.flatten(1)),
        "valid_share": _where(good, aligned.valid.float().mean((1, 2))),
        "occlusion": _occlusion(good, aligned.occlusion),
        "status": [OK if ok else DROPPED for ok in good.tolist()],
        "reason": list(aligned.reasons),
        "origin": [REAL] * len(picks),
        "parent": [None] * len(picks),
        "seed": [None] * len(picks),
    }
    schema = face_schema(aus, au_kinds(frames.rows))
    arrays = [
        pa.array(columns[f.name], f.type)
        if f.name in columns
        else rows.column(f.name).cast(f.type).combine_chunks()
        for f in schema
    ]
    return pa.table(arrays, schema=schema)


def _where(good: Tensor, values: Tensor) -> list[Any]:
    pairs = zip(good.tolist(), values.tolist(), strict=True)
    return [value if ok else None for ok, value in pairs]


def _occlusion(good: Tensor, occlusion: Tensor | None) -> list[float | None]:
    """Null for dropped rows and where unknown."""
    if occlusion is None:
        return [None] * len(good)
    values = _where(good, occlusion)
    return [None if value is None or math.isnan(value) else value for value in values]


def _size(image: Tensor | None) -> tuple[int | None, int | None]:
    return (None, None) if image is None else (int(image.shape[2]), int(image.shape[1]))


def _face_numbers(rows: Sequence[int]) -> list[int]:
    """0 for the first face of a frame, 1 for its second, ..."""
    seen: Counter[int] = Counter()
    numbers = []
    for row in rows:
        numbers.append(seen[row])
        seen[row] += 1
    return numbers


def synthetic_rows(
    parents: pa.Table, requests: pa.Table, shown: Labels, targets: Labels, images: Tensor
) -> pa.Table:
    """Synthetic faces as rows of `records.face_schema`.

    A synthetic row inherits everything from its parent except pixels and labels. AUs without a
    target keep what the parent shows, in the picture and in the label.

    Args:
        parents: rows of the parents, without pixels.
        requests: `id`, `source` and `seed` of each face.
        shown: labels of the parents.
        targets: target labels.
        images: (B, 3, S, S) uint8.
    """
    replaced: dict[str, Any] = {
        "id": requests.column("id"),
        "parent": requests.column("source"),
        "seed": requests.column("seed"),
        "origin": pa.repeat(SYNTHETIC, requests.num_rows),
    }
    table = parents
    for name, values in replaced.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, values.cast(table.schema.field(name).type))
    labels = Labels(
        targets.aus,
        targets.values.where(targets.mask, shown.values),
        targets.mask | shown.mask,
        targets.occurrence,
    )
    table = with_labels(table, labels)
    table = table.append_column("image", pa.array(images_io.encode(images), pa.binary()))
    schema = face_schema(targets.aus, kinds_of(targets))
    return table.select(schema.names).cast(schema)


def known_face(points: Tensor) -> Faces:
    """The face of a registered picture, from its (68, 2) points."""
    box = torch.cat([points.amin(0), points.amax(0)])[None]
    return Faces(boxes=box, scores=torch.ones(1), landmarks={IBUG68: points[None]})


def shown_rows(parents: pa.Table, aligned: Aligned, aus: tuple[str, ...]) -> pa.Table:
    """Rows of `records.face_schema`: those of the synthetic faces, with the pixels of a view.

    Args:
        parents: rows of the synthetic faces, without pixels.
        aligned: the same faces in one view.
        aus: AU columns.
    """
    schema = face_schema(aus, au_kinds(parents))
    good = torch.tensor([reason is None for reason in aligned.reasons], dtype=torch.bool)
    encoded = iter(images_io.encode(aligned.images[good].cpu()) if good.any() else ())
    columns: dict[str, list[Any]] = {
        "image": [next(encoded) if ok else None for ok in good.tolist()],
        "landmarks": _where(good, aligned.landmarks.flatten(1)),
        "valid_share": _where(good, aligned.valid.float().mean((1, 2))),
        "occlusion": _occlusion(good, aligned.occlusion),
        "status": [OK if ok else DROPPED for ok in good.tolist()],
        "reason": list(aligned.reasons),
    }
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else parents.column(field.name).cast(field.type).combine_chunks()
        for field in schema
    ]
    return pa.table(arrays, schema=schema)
