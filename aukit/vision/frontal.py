"""Renders a face's own mesh in frontal or other views, textured with its picture.

P1 (Synthetic Expressions, 2021), section 3.1: the mesh is rotated to frontal, textured from the
picture, and hidden parts are black.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from aukit.contracts.aligner import Aligned, Way
from aukit.views import FRONTAL, View
from aukit.vision import outline as outlines
from aukit.vision import registered, warp
from aukit.vision.dome import Dome
from aukit.vision.frontal_options import Fit, FrontalOptions, Hair, Occlusion, Outline
from aukit.vision.mesh import MeshTemplate
from aukit.vision.occlusion import Normals
from aukit.vision.raster import rasterize_fragments
from aukit.vision.rotation import carry, rotate, rotations
from aukit.vision.scene import Scene, Texels, middle_of
from aukit.vision.skin import Forehead
from aukit.vision.way import way_through
from aukit.vision.windows import sample

TURNED_AWAY = "turned away"
HIDDEN = "too little of the face is visible"

CACHED = 8
"""Faces rendered at a time on a CPU: what more of them need does not stay in its cache."""

_LIMITS = FrontalOptions()
_DOWN_AND_AWAY = (1.0, -1.0, -1.0)
"""From the axes of `aukit.views` (y up, z towards the viewer) to those of pictures, and back."""


class FrontalView:
    """Renders meshes with the texture of their pictures.

    A mesh is mapped onto the template by a least-squares fit, so that every face is upright at the
    same scale, and is rendered without perspective.

    Args:
        template: template of the meshes.
        size, margin, forehead: position of the template, see `aukit.vision.registered`.
        outline, hairline, hair: see `FrontalOptions`.
        fit: `similarity` keeps the shape of the face (Umeyama, weighted by `template.stable`);
            `affine` shears it onto the template, all vertices alike, as the reference code of PRNet
            does.
        occlusion: hidden parts are black, or mirrored from the other side.
        min_eyes, max_turn, max_outside, min_visible, max_misfit: see `FrontalOptions`.
        device: torch device name.

    Raises:
        ValueError: `mirror` for a template without a mirror.
    """

    def __init__(
        self,
        template: MeshTemplate,
        *,
        size: int,
        margin: float,
        forehead: float,
        fit: Fit = "similarity",
        occlusion: Occlusion = "black",
        outline: Outline = _LIMITS.outline,
        hairline: bool = _LIMITS.hairline,
        hair: Hair = _LIMITS.hair,
        min_eyes: float = _LIMITS.min_eyes,
        max_turn: float = _LIMITS.max_turn,
        max_outside: float = _LIMITS.max_outside,
        min_visible: float = _LIMITS.min_visible,
        max_misfit: float = _LIMITS.max_misfit,
        device: str = "cpu",
    ) -> None:
        self.options = FrontalOptions(
            size, margin, forehead, fit, occlusion, outline, hairline, hair,
            min_eyes, max_turn, max_outside, min_visible, max_misfit,
        )  # fmt: skip
        if occlusion == "mirror" and template.mirror is None:
            raise ValueError("the mesh has no mirror vertices: occlusion 'mirror' is impossible")
        self.mesh = template = template.to(device)
        self._dome = Dome(template) if hairline else None
        self.template = self._dome.template if self._dome else template
        self._device = torch.device(device)
        points = self.template.landmarks_of(self.template.vertices)
        corners = outlines.curve(self.template.vertices, points)
        inset = outlines.inset(self.template.vertices[:, :2], corners)
        width = corners[:, 0].amax() - corners[:, 0].amin()
        self._inset = inset / width if outline == "face" else torch.ones_like(inset)
        if hairline:
            low, high = corners.amin(0), corners.amax(0)
            scale, shift = registered.within(points[:, :2], low, high, size, margin)
        else:
            scale, shift = registered.placement(points[:, :2], size, margin, forehead)
        offset = torch.cat([shift, -points[:, 2].mean()[None] * scale])
        self._target = self.template.vertices * scale + offset
        self._landmarks = points * scale + offset
        self._mirror = self.template.mirror if occlusion == "mirror" else None
        self._normals = Normals(self.template.triangles, self._target)
        bounds = corners * scale + shift
        self._forehead = Forehead(size, self.target, bounds) if hair == "black" else None

    @classmethod
    def of(cls, template: MeshTemplate, options: FrontalOptions, device: str) -> FrontalView:
        """The frontal view for given options."""
        names = FrontalOptions.__dataclass_fields__
        return cls(template, **{name: getattr(options, name) for name in names}, device=device)

    @property
    def target(self) -> Tensor:
        """(68, 2) the template's landmarks in the registered picture, pixels."""
        return self._landmarks[:, :2]

    def describe(self) -> dict[str, Any]:
        """Everything that affects the appearance of an accepted face, as JSON values."""
        keep = ("size", "margin", "forehead", "fit", "occlusion", "outline", "hairline", "hair")
        options = {name: getattr(self.options, name) for name in keep}
        target = [[round(value, 2) for value in point] for point in self.target.tolist()]
        return {**options, "target": target}

    def show(
        self,
        images: Sequence[Tensor],
        vertices: Tensor,
        views: Sequence[View] = (FRONTAL,),
        reasons: Sequence[str | None] | None = None,
    ) -> list[Aligned]:
        """Render faces in several views.

        Args:
            images: B uint8 tensors (3, H, W), any sizes.
            vertices: (B, V, 3) meshes in source pixels; z in the same unit, smaller is closer.
            views: pitch and yaw in degrees, as in `aukit.views`.
            reasons: length B; rows with a reason are skipped.

        Returns:
            one `Aligned` of B rows per view, all with the template's landmarks. `valid` marks
            pixels visible in the picture itself; `transforms` are the closest similarities for the
            landmarks.
        """
        vertices = vertices.to(self._device, torch.float32)
        why = self._reasons(images, vertices, reasons or [None] * len(images))
        rows = [row for row, reason in enumerate(why) if reason is None]
        similar = self._similarities(vertices[rows])
        for row, away in zip(rows, turned_away(similar).tolist(), strict=True):
            why[row] = TURNED_AWAY if away > self.options.max_turn else None
        kept = [place for place, row in enumerate(rows) if why[row] is None]
        rows = [rows[place] for place in kept]
        results = [registered.blank(why, self.options.size, self._device) for _ in views]
        most = CACHED if self._device.type == "cpu" else max(len(rows), 1)
        for start in range(0, len(rows), most):
            part = rows[start : start + most]
            pictures = [images[row].to(self._device) for row in part]
            scene = self._scene(pictures, vertices[part], similar[kept[start : start + most]])
            results = [
                self._shown(scene, view, result, part)
                for view, result in zip(views, results, strict=True)
            ]
        return results

    def way(self, image: Tensor, vertices: Tensor) -> Way:
        """Map the pixels of a picture to its frontal view.

        Args:
            image: (3, H, W).
            vertices: (V, 3) the mesh of a face that `show` accepts, source pixels.
        """
        chosen = vertices[None].to(self._device, torch.float32)
        fits = self._similarities(chosen)
        if self._dome is not None:
            chosen = self._dome.over(chosen, fits, self._target)
        shown = self.template.triangles[(self._inset[self.template.triangles] > 0).any(1)]
        attributes = torch.cat([carry(chosen, fits)[..., :2], self._inset[None, :, None]], -1)
        return way_through(chosen, attributes, shown, (image.shape[-2], image.shape[-1]))

    def _reasons(
        self, images: Sequence[Tensor], vertices: Tensor, known: Sequence[str | None]
    ) -> list[str | None]:
        points = self.template.landmarks_of(vertices)
        extent = points.new_tensor([(i.shape[-1], i.shape[-2]) for i in images])[:, None]
        beyond = ((points[..., :2] < -0.5) | (points[..., :2] > extent - 0.5)).any(-1)
        left, right = registered.OUTER_EYES
        eyes = (points[:, left] - points[:, right]).norm(dim=-1)
        checks = (
            (registered.NOT_FINITE, (~vertices.isfinite()).any(-1).any(-1).tolist()),
            (registered.TOO_SMALL, (eyes < self.options.min_eyes).tolist()),
            (registered.OUTSIDE, (beyond.float().mean(-1) > self.options.max_outside).tolist()),
            (registered.NO_SHAPE, (self._misfits(vertices) > self.options.max_misfit).tolist()),
        )
        return list(registered.first_reasons(checks, known))

    def _misfits(self, vertices: Tensor) -> Tensor:
        """(B,) how unlike a face each mesh is; 0 for meshes that are not finite."""
        finite = vertices.isfinite().flatten(1).all(1)[:, None, None]
        return self.mesh.misfit(torch.where(finite, vertices, self.mesh.vertices))

    def _similarities(self, vertices: Tensor) -> Tensor:
        """(B, 4, 4) float32 source pixels -> aligned pixels, in space."""
        used = self.template.stable.nonzero().squeeze(1)  # none of them on the dome
        source, target = (mesh[..., used, :].double() for mesh in (vertices, self._target))
        return warp.similarity(source, target, self.template.stable[used].double()).float()

    def _scene(self, pictures: Sequence[Tensor], vertices: Tensor, fits: Tensor) -> Scene:
        if self._dome is not None:
            vertices = self._dome.over(vertices, fits, self._target)
        if self.options.fit == "affine":
            fits = affine(vertices.double(), self._target.double()).float()
        return Scene.of(
            pictures, vertices, fits, self._normals, self.template, self._inset, self._mirror
        )

    def _shown(self, scene: Scene, view: View, result: Aligned, rows: Sequence[int]) -> Aligned:
        """The result with the faces of some rows rendered, or the reasons for their absence."""
        size, meshes = self.options.size, self._turn(scene.meshes, view)
        offset = meshes.new_tensor([0.5, 0.5, 0.0])  # the rasterizer's centres lie at + 0.5
        fragments = rasterize_fragments(meshes + offset, scene.triangles, (size, size))
        texels = scene.look(fragments, (len(rows), size, size))
        share = texels.seen.sum((1, 2)) / texels.covered.sum((1, 2)).clamp_min(1)
        why = list(result.reasons)
        for row, visible in zip(rows, share.tolist(), strict=True):
            why[row] = HIDDEN if visible < self.options.min_visible else None
        kept = [place for place, row in enumerate(rows) if why[row] is None]
        if kept:
            into = [rows[place] for place in kept]
            self._fill(result, into, scene, kept, texels, self.template.landmarks_of(meshes))
            if view == FRONTAL and self._forehead is not None:
                self._blacken(result, into, texels.painted[kept])
            region = texels.covered[kept].sum((1, 2)).clamp_min(1)
            assert result.occlusion is not None
            result.occlusion[into] = 1 - result.valid[into].sum((1, 2)) / region
        return replace(result, reasons=tuple(why))

    def _blacken(self, result: Aligned, into: list[int], painted: Tensor) -> None:
        """Black out what lies over the forehead and is no skin."""
        assert self._forehead is not None
        other = self._forehead(result.images[into], painted)
        rows = [row for row, some in enumerate(other.flatten(1).any(1).tolist()) if some]
        for place, found in zip((into[row] for row in rows), other[rows], strict=True):
            result.images[place].masked_fill_(found, 0)
            result.valid[place] &= ~found

    def _turn(self, meshes: Tensor, view: View) -> Tensor:
        if view == FRONTAL:
            return meshes
        axes = meshes.new_tensor(_DOWN_AND_AWAY)
        turn = rotations(meshes.new_tensor([[*view, 0.0]])) * axes * axes[:, None]
        # Half a face reaches further to one side than the whole: keep it in the picture.
        shift = middle_of(self._landmarks) - middle_of(rotate(self._landmarks[None], turn)[0])
        return rotate(meshes, turn) + shift

    def _fill(
        self,
        result: Aligned,
        into: list[int],
        scene: Scene,
        kept: list[int],
        texels: Texels,
        landmarks: Tensor,
    ) -> None:
        images = [scene.images[place] for place in kept]
        places = texels.places[kept], texels.painted[kept]
        source = self.template.landmarks_of(scene.vertices[kept])[..., :2].double()
        target = landmarks[kept][..., :2]
        result.images[into] = sample(images, *places, scene.shrink[kept])
        result.valid[into] = texels.seen[kept]
        result.landmarks[into] = target
        result.transforms[into] = warp.similarity(source, target.double()).float()


def turned_away(similarities: Tensor) -> Tensor:
    """(B,) degrees between the direction of a face and the camera, from its (B, 4, 4) fit."""
    linear = similarities[:, :3, :3]
    scale = torch.linalg.det(linear.double()).pow(1 / 3)
    return torch.rad2deg((linear[:, 2, 2] / scale).clamp(-1, 1).acos())


def affine(source: Tensor, target: Tensor) -> Tensor:
    """Least-squares affine maps between point sets.

    Args:
        source: (B, N, 3) float64.
        target: (N, 3).

    Returns:
        (B, 4, 4).
    """
    middle, goal = source.mean(1, keepdim=True), target.mean(0)
    x, y = source - middle, target - goal
    linear = torch.linalg.solve(x.mT @ x, x.mT @ y).mT
    result = torch.eye(4, dtype=source.dtype, device=source.device).repeat(len(source), 1, 1)
    result[:, :3, :3] = linear
    result[:, :3, 3] = goal - (linear @ middle.mT)[..., 0]
    return result
