"""BlazeFace, short range: boxes and six keypoints of the faces in a picture.

The network sees 128 x 128 pixels. Anchors and decoding follow the graph configuration of
MediaPipe's face detector; the network is described by Bazarevsky et al., "BlazeFace:
Sub-millisecond Neural Face Detection on Mobile GPUs", arXiv:1907.05047 (sections 3.2 and 3.3 for
anchors and blending).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aukit.vision.warp import warp
from aukit_mediapipe.litert import Array, Model

INPUT = 128
"""Side of the square that the network sees."""

_LAYERS = ((8, 2), (16, 6))
"""Stride of each feature map and its anchors a cell."""

_OVERLAP = 0.3
"""Boxes whose intersection over union exceeds this are one face."""

PART_SCORE = 0.75
"""Least score of a face found in a part of a picture. Measured on pictures of scikit-image seen in
up to 6 x 6 parts: real faces of sufficient size 0.88 to 0.97; stones, clocks, cells up to 0.70."""

_NONE: Array = np.zeros((0, 17), dtype=np.float32)


@dataclass(frozen=True)
class Detections:
    """Faces of one picture, best first, in its pixels.

    Attributes:
        boxes: (n, 4) x0 y0 x1 y1.
        keypoints: (n, 6, 2) right eye, left eye, nose tip, mouth, right and left tragion (the
            person's right and left).
        scores: (n,) 0..1.
    """

    boxes: Array
    keypoints: Array
    scores: Array


@dataclass(frozen=True)
class _View:
    """A square part of a picture that the detector looks at: its corner, side and picture."""

    picture: int
    x: float
    y: float
    side: float


class Detector:
    """Finds faces.

    A picture is searched as a whole, then in overlapping n x n tiles, n from 2 up to `tiles`, for
    small faces, and last at half size, for faces larger than the picture. Faces in tiles need a
    score of `PART_SCORE`, since textures in close-up often look like faces.

    Args:
        model: the detector network.
        threshold: lowest score of a face.
        tiles: largest n.
        everywhere: look at the parts of all pictures, not of those alone that show no face.
        device: where pictures are resampled.

    Attributes:
        searches: how pictures are searched, one search after the other; each is the divisors of
            their long side. Who calls decides whether a picture is searched further, as only a mesh
            tells a face from what looks like one.
    """

    def __init__(
        self, model: Model, threshold: float, tiles: int, everywhere: bool, device: str
    ) -> None:
        self._model = model
        self._threshold = threshold
        self._device = device
        self._anchors = _anchors()
        divisors = (1.0, *map(float, range(2, tiles + 1)), 0.5)
        self.searches: list[tuple[float, ...]] = (
            [divisors] if everywhere else [(parts,) for parts in divisors]
        )

    def __call__(self, images: Sequence[Tensor], search: Sequence[float]) -> list[Detections]:
        """What looks like a face in each uint8 picture (3, H, W), in one of `searches`."""
        found = [_NONE for _ in images]
        sizes = [(int(image.shape[-2]), int(image.shape[-1])) for image in images]
        for parts in search:
            views = [view for i, size in enumerate(sizes) for view in _views(i, *size, parts)]
            for view, rows in zip(views, self._look(images, views), strict=True):
                least = max(self._threshold, PART_SCORE if parts > 1 else 0)
                rows = _whole(rows[rows[:, 16] >= least], view, sizes[view.picture])
                found[view.picture] = np.concatenate([found[view.picture], rows])
        return [_merge(rows) for rows in found]

    def _look(self, images: Sequence[Tensor], views: Sequence[_View]) -> list[Array]:
        """Candidates of each view: rows of box, keypoints and score in its picture's pixels."""
        scale = torch.tensor([INPUT / view.side for view in views])
        transforms = torch.diag_embed(torch.stack([scale, scale, torch.ones_like(scale)], dim=-1))
        corner = torch.tensor([(view.x, view.y) for view in views])
        transforms[:, :2, 2] = -scale[:, None] * corner
        seen = warp([images[v.picture].to(self._device) for v in views], transforms, INPUT)
        raw, logits = self._model(_network_input(seen))
        candidates = _decode(raw.reshape(len(views), -1, 16), self._anchors)
        scores = 1 / (1 + np.exp(-logits.astype(np.float64).clip(-100, 100)))
        seen_rows = zip(candidates, scores, views, strict=True)
        return [_place(rows, score, view, self._threshold) for rows, score, view in seen_rows]


def _network_input(images: Tensor) -> Array:
    """uint8 (N, 3, S, S) -> float32 (N, S, S, 3) in -1..1."""
    pixels: Array = images.permute(0, 2, 3, 1).contiguous().cpu().numpy().astype(np.float32)
    return pixels / 127.5 - 1


def _views(picture: int, height: int, width: int, parts: float) -> Iterator[_View]:
    """Squares with the long side of the picture over `parts`, half a side apart at most."""
    side = max(height, width) / parts
    for y in _starts(height, side):
        for x in _starts(width, side):
            yield _View(picture, x, y, side)


def _starts(length: int, side: float) -> list[float]:
    """Where squares begin: flush with both ends, or centred where one covers the length."""
    room = length - side
    if room <= 0:
        return [room / 2]
    count = int(np.ceil(2 * room / side)) + 1
    return [float(start) for start in np.linspace(0, room, count)]


def _anchors() -> Array:
    """Centres (896, 2) of the anchors in units of the input; all have its size."""
    grids = []
    for stride, repeat in _LAYERS:
        axis = (np.arange(INPUT // stride, dtype=np.float32) + 0.5) * stride / INPUT
        y, x = np.meshgrid(axis, axis, indexing="ij")
        grids.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), repeat, axis=0))
    return np.concatenate(grids)


def _decode(raw: Array, anchors: Array) -> Array:
    """(N, 896, 16) offsets -> x0 y0 x1 y1 and six x y, in units of the input."""
    pairs = raw.reshape(*raw.shape[:2], 8, 2) / INPUT
    centre, size, keypoints = pairs[..., 0, :] + anchors, pairs[..., 1, :], pairs[..., 2:, :]
    keypoints = keypoints + anchors[:, None]
    corners = [centre - size / 2, centre + size / 2]
    return np.concatenate([*corners, keypoints.reshape(*raw.shape[:2], 12)], axis=-1)


def _place(rows: Array, scores: NDArray[np.float64], view: _View, least: float) -> Array:
    """Rows (n, 17) of box, keypoints and score, in pixels of the picture."""
    rows, scores = rows[scores >= least], scores[scores >= least]
    points = rows * view.side + np.tile([view.x, view.y], 8)
    return np.concatenate([points, scores[:, None]], axis=1).astype(np.float32)


def _whole(rows: Array, view: _View, size: tuple[int, int]) -> Array:
    """Drop what the edge of the view cuts, unless the edge is the picture's own."""
    slack = 0.02 * view.side
    low, high = np.array([view.x, view.y]), np.array([view.x, view.y]) + view.side
    cut_low = (rows[:, :2] < low + slack) & (low > 0)
    cut_high = (rows[:, 2:4] > high - slack) & (high < np.array(size[::-1]))
    return rows[~(cut_low | cut_high).any(axis=1)]


def _merge(rows: Array) -> Detections:
    """Blend the candidates of each face, weighted by score, the best candidate leading."""
    rows = rows[np.argsort(-rows[:, 16], kind="stable")]
    faces = []
    while len(rows):
        same = _intersection_over_union(rows[0, :4], rows[:, :4]) > _OVERLAP
        same[0] = True
        face = np.average(rows[same], axis=0, weights=rows[same, 16])
        face[16] = rows[0, 16]
        faces.append(face)
        rows = rows[~same]
    merged = np.array(faces, dtype=np.float32).reshape(-1, 17)
    return Detections(merged[:, :4], merged[:, 4:16].reshape(-1, 6, 2), merged[:, 16])


def _intersection_over_union(box: Array, boxes: Array) -> Array:
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = (high - low).clip(min=0).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    overlap: Array = shared / (areas + (box[2:] - box[:2]).prod() - shared)
    return overlap
