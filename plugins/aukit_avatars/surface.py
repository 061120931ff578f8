"""The colour of every covered pixel: folded skin, cloth, eyes and lashes in the light."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from aukit.vision.raster import Fragments
from aukit_avatars.head import Head
from aukit_avatars.lighting import Shade, halfway, irradiance
from aukit_avatars.scene import Scenes
from aukit_avatars.shading import (
    bilinear,
    eye_albedo,
    eye_angles,
    eye_glints,
    mirrored,
    relit,
    tilted,
)
from aukit_avatars.wardrobe import Dressed, Wardrobe
from aukit_avatars.wrinkles import SIZE, to_window

LASHES = 0.9
"""How much of what is behind it the root of an eyelash hides."""

CAVITY = 6.0
"""How much darker a crease is, per centimetre of depth."""

FLAT = 0.01
"""Slopes below this are not worth shading."""

CLOTH_GLOSS = 0.02

COLLAR, COLLAR_WIDTH = -8.6, 6.0
"""Height of the neckline beside the neck, and how far from the middle that is, centimetres."""

EYE_AMBIENT = 0.3
"""Share of the ambient light that fills the eyes: wet, translucent, brighter than their socket."""

_GLOOM = 0.75  # of the light and of the surroundings reaches hair that hangs


@dataclass(frozen=True)
class Subject:
    """What is in front of the cameras.

    Attributes:
        dressed: B people.
        normals: (B, P, 3) unit normals at their points, camera axes.
        turned: (B, 3, 3) axes of their skulls in camera axes.
        folds: (B * SIZE * SIZE, 3) from `Wrinkles.textures`.
        scenes: B scenes.
        samples: samples across the pictures.
    """

    dressed: Dressed
    normals: Tensor
    turned: Tensor
    folds: Tensor
    scenes: Scenes
    samples: int


class Surface:
    """Shades the people of one head model.

    Args:
        head: the mesh.
        wardrobe: has their paintings.
    """

    def __init__(self, head: Head, wardrobe: Wardrobe) -> None:
        self._wardrobe = wardrobe
        self._mesh = wardrobe.mesh
        hanging = int(self._mesh.triangles.max()) + 1 - len(head.vertices)
        self._mean = functional.pad(head.vertices, (0, 0, 0, hanging))
        self._shade = Shade(head, hidden=head.part("lashes"))
        part = self._mesh.part
        self._is_torso = part == head.parts.index("torso")
        self._is_eye = (part == head.parts.index("eye_left")) | (
            part == head.parts.index("eye_right")
        )

    def colour(self, seen: Fragments, subject: Subject) -> Tensor:
        """(N, 3) linear light that the covered pixels send to the camera."""
        scenes, dressed = subject.scenes, subject.dressed
        values = seen.interpolate(self._mesh.triangles, self._vertex_terms(subject))
        light, opened, cosines = values[:, :3], values[:, 3:4], values[:, 4:]
        uv = seen.interpolate(self._mesh.triangle_uv, self._mesh.uv)
        paintings, texels = self._wardrobe.paintings(subject.samples)
        paint = bilinear(paintings, dressed.slot[seen.sample], uv, texels)
        self._fold(seen, subject, uv, light, cosines, paint)
        self._clothe(seen, dressed, paint)
        colour = paint[:, :3] * light
        colour += mirrored(cosines, seen.sample, scenes) * (paint[:, 3:] * opened)
        self._paint_eyes(seen, subject, uv, light, colour)
        return colour

    def lashes(self, lashes: Fragments) -> Tensor:
        """(N, 1) how much the eyelashes hide of the pixels that they cross, strand by strand."""
        places = lashes.interpolate(self._mesh.lashes, self._mesh.lash)
        tip, around = places[:, :1], places[:, 1:]
        strand = 0.65 + 0.35 * torch.sin(around * 53)
        upper = torch.where(around > 0, 1.0, 0.35)
        return LASHES * upper * (1 - tip.clamp(0, 1)).sqrt() * strand

    def _vertex_terms(self, subject: Subject) -> Tensor:
        """(B, P, 7): light, openness, cosines of the normal to two half vectors and to the view."""
        normals, scenes = subject.normals, subject.scenes
        hanging = normals.shape[1] - len(self._shade.open)
        inside = (scenes.direction[..., :, None] * subject.turned[:, None]).sum(2)
        shadow = self._shade.of(inside.flatten(0, 1), scenes.softness.flatten())
        shadow = functional.pad(shadow, (0, hanging), value=_GLOOM)
        opened = functional.pad(self._shade.open, (0, 0, 0, hanging), value=_GLOOM)
        light = irradiance(normals, shadow.view(len(normals), -1, normals.shape[1]), opened, scenes)
        glints = [(normals * half[:, None]).sum(-1, keepdim=True) for half in halfway(scenes)]
        return torch.cat(
            [light, opened.expand(len(normals), -1, -1), *glints, normals[..., 2:]], dim=2
        )

    def _fold(
        self,
        seen: Fragments,
        subject: Subject,
        uv: Tensor,
        light: Tensor,
        cosines: Tensor,
        paint: Tensor,
    ) -> None:
        """Tilt normals where the skin folds, darken the creases; changes its arguments."""
        place = to_window(uv)
        face = ((place > 0) & (place < 1)).all(1).nonzero().squeeze(1)
        slopes = bilinear(subject.folds, seen.sample[face], place[face], SIZE)
        steep = (slopes.abs().amax(1) > FLAT).nonzero().squeeze(1)
        rows, slopes = face[steep], slopes[steep]
        folded = seen[rows]
        plain = functional.normalize(
            folded.interpolate(self._mesh.triangles, subject.normals), dim=1
        )
        normal = tilted(plain, slopes, subject.turned[folded.sample])
        light[rows] += relit(plain, normal, subject.scenes, folded.sample)
        halves = [half[folded.sample] for half in halfway(subject.scenes)]
        glints = [(normal * half).sum(1) for half in halves]
        cosines[rows] = torch.stack([*glints, normal[:, 2]], dim=1)
        paint[rows, :3] *= torch.exp(slopes[:, 2:].clamp(-0.2, 0.05) * CAVITY)

    def _clothe(self, seen: Fragments, dressed: Dressed, paint: Tensor) -> None:
        """Cloth below the neckline, which is lowest in the middle of the chest."""
        rows = self._is_torso[seen.triangle].nonzero().squeeze(1)
        x, y, _ = seen[rows].interpolate(self._mesh.triangles, self._mean).unbind(1)
        collar = dressed.collar[seen.sample[rows]]
        rise = (COLLAR - collar) / COLLAR_WIDTH
        rows = rows[y < collar + rise * x.abs()]
        paint[rows, :3] = dressed.clothes[seen.sample[rows]]
        paint[rows, 3] = CLOTH_GLOSS

    def _paint_eyes(
        self, seen: Fragments, subject: Subject, uv: Tensor, light: Tensor, colour: Tensor
    ) -> None:
        rows = self._is_eye[seen.triangle].nonzero().squeeze(1)
        eyes, dressed = seen[rows], subject.dressed
        normal = functional.normalize(
            eyes.interpolate(self._mesh.triangles, subject.normals), dim=1
        )
        angle, around = eye_angles(uv[rows])
        albedo = eye_albedo(angle, around, dressed.iris[eyes.sample], dressed.eyes[eyes.sample])
        glints = eye_glints(normal, eyes.sample, angle, subject.scenes)
        around_light = EYE_AMBIENT * (subject.scenes.above + subject.scenes.below)[eyes.sample]
        colour[rows] = albedo * (0.85 * light[rows] + around_light) + glints
