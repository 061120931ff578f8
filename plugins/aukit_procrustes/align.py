"""Registers faces by one similarity each, resampled in one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from aukit.contracts.aligner import Aligned
from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.errors import PluginError
from aukit.vision.registered import (
    NO_FACE,
    NOT_FINITE,
    OUTER_EYES,
    OUTSIDE,
    TOO_SMALL,
    blank,
    first_reasons,
    placed,
)
from aukit.vision.warp import apply, inside, similarity, warp
from aukit_procrustes.plugin import Options
from aukit_procrustes.template import frontal

_STABLE = (*range(27, 36), 36, 39, 42, 45)


class ProcrustesAligner:
    """Maps 68 landmarks to the frontal template by a least-squares similarity."""

    def __init__(self, config: Options, context: Context) -> None:
        self._config = config
        self._device = context.device
        self._target = placed(frontal(), config.size, config.margin, config.forehead)
        stable = torch.zeros(68, dtype=torch.float64)
        stable[list(_STABLE)] = 1
        self._weights = stable if config.points == "stable" else torch.ones_like(stable)

    @property
    def target(self) -> Tensor:
        """(68, 2) float64: the template in the registered picture, pixels."""
        return self._target

    def describe(self) -> Mapping[str, Any]:
        """Everything that affects the appearance of an accepted face."""
        keep = ("size", "margin", "forehead", "points")
        options = {name: value for name, value in asdict(self._config).items() if name in keep}
        target = self._target.round(decimals=3).tolist()
        return {"aligner": "procrustes", **options, "target": target}

    def align(self, images: Sequence[Tensor], faces: Sequence[Faces]) -> Aligned:
        """Register one face per image; see `aukit.contracts.aligner.Aligner`.

        Raises:
            PluginError: the faces have no iBUG landmarks.
        """
        points = torch.stack([_points(face) for face in faces])
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        reasons = self._reasons(points, sizes, [len(face) for face in faces])
        good = [row for row, reason in enumerate(reasons) if reason is None]
        result = blank(reasons, self._config.size, self._device)
        if good:
            self._fill(result, good, [images[row] for row in good], points[good])
        return result

    def _reasons(
        self, points: Tensor, sizes: Sequence[tuple[int, int]], counts: Sequence[int]
    ) -> tuple[str | None, ...]:
        extent = points.new_tensor([(width, height) for height, width in sizes])[:, None]
        beyond = ((points < -0.5) | (points > extent - 0.5)).any(-1)
        eyes = (points[:, OUTER_EYES[0]] - points[:, OUTER_EYES[1]]).norm(dim=-1)
        checks = (
            (NO_FACE, [count == 0 for count in counts]),
            (NOT_FINITE, (~points.isfinite()).any(-1).any(-1).tolist()),
            (TOO_SMALL, (eyes < self._config.min_eyes).tolist()),
            (OUTSIDE, (beyond.double().mean(-1) > self._config.max_outside).tolist()),
        )
        return first_reasons(checks, [None] * len(sizes))

    def _fill(
        self, result: Aligned, rows: list[int], images: Sequence[Tensor], points: Tensor
    ) -> None:
        transforms = similarity(points, self._target, self._weights)
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        valid = inside(sizes, transforms, self._config.size).to(self._device)
        pictures = [image.to(self._device) for image in images]
        warped = warp(pictures, transforms, self._config.size, border="replicate")
        result.images[rows] = warped * valid[:, None]
        result.valid[rows] = valid
        result.transforms[rows] = transforms.to(result.transforms)
        result.landmarks[rows] = apply(transforms, points).to(result.landmarks)


def _points(face: Faces) -> Tensor:
    """(68, 2) float64 on the CPU, zeros for no face."""
    if len(face) == 0:
        return torch.zeros(68, 2).double()
    if IBUG68 not in face.landmarks:
        found = ", ".join(face.landmarks) or "none"
        raise PluginError(f"aligner 'procrustes' needs {IBUG68} landmarks; the faces have: {found}")
    return face.landmarks[IBUG68][0].to("cpu", torch.float64)
