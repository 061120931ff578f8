"""Checks of aligners, on pictures with one drawn face or head each."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from aukit.contracts.aligner import Aligned, Aligner, ShowsViews
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.testing.drawn import face_of, scenes
from aukit.testing.models import require_close
from aukit.testing.subject import Check, Subject, require, skip

NEAR = 0.5
"""Pixels by which a landmark may miss its place."""

ALIKE = 6.0
"""Mean grey levels by which two resamplings of one face may differ."""

FLIPPED = 1e-3
"""Share of colour values that rounding may change by more than a level."""

ROUGHLY = 0.03
"""Share of the picture's side by which the landmarks of a moved head may miss their place."""


def check_aligned_faces_keep_the_contract(subject: Subject) -> None:
    """Shapes and types of everything that an aligner returns, and no drops without a reason."""
    images, faces = _scenes(subject)
    found = subject.make().align(images, faces)
    count, side = len(images), found.images.shape[-1]
    expected = {
        "images": ((count, 3, side, side), torch.uint8),
        "valid": ((count, side, side), torch.bool),
        "transforms": ((count, 3, 3), torch.float32),
        "landmarks": ((count, 68, 2), torch.float32),
    }
    for name, (shape, kind) in expected.items():
        value = getattr(found, name)
        require(
            value.shape == shape and value.dtype == kind, f"{name}: {value.shape} {value.dtype}"
        )
    require(found.reasons == (None,) * count, f"good faces were dropped: {found.reasons}")
    described = json.loads(json.dumps(dict(subject.make().describe())))
    require(described == dict(subject.make().describe()), "describe() does not survive JSON")


def check_transform_carries_landmarks(subject: Subject) -> None:
    """The reported transform takes the source's landmarks onto the aligned ones."""
    images, faces = _scenes(subject)
    found = subject.make().align(images, faces)
    source = torch.cat([face.landmarks[IBUG68] for face in faces])
    gap = (_carry(found.transforms.cpu(), source) - found.landmarks.cpu()).norm(dim=-1).max()
    require(gap < NEAR, f"a landmark lies {gap:.2f} pixels from where the transform puts it")


def check_transform_explains_the_picture(subject: Subject) -> None:
    """Resampling the source by the reported transform gives the aligned picture."""
    images, faces = _scenes(subject)
    found = subject.make().align(images, faces)
    for row, image in enumerate(images):
        again = _resample(
            image, torch.linalg.inv(found.transforms[row].cpu()), found.images.shape[-1]
        )
        valid = found.valid[row].cpu()
        gap = (again - found.images[row].cpu().float()).abs()[:, valid].mean()
        require(gap < ALIKE, f"the picture differs from its transform by {gap:.1f} grey levels")


def check_moved_faces_are_aligned_alike(subject: Subject) -> None:
    """Turning, shrinking and shifting picture and landmarks together changes nothing."""
    images, faces = _scenes(subject)
    aligner = subject.make()
    still = aligner.align(images, faces)
    moved = aligner.align(*_moved(images, faces))
    gap = (still.landmarks - moved.landmarks).norm(dim=-1).max()
    require(gap < NEAR, f"landmarks of moved faces are {gap:.2f} pixels away")
    both = (still.valid & moved.valid)[:, None].expand_as(still.images)
    grey = (still.images.float() - moved.images.float()).abs()[both].mean()
    require(grey < ALIKE, f"moved faces differ by {grey:.1f} grey levels")


def check_missing_face_is_a_reason(subject: Subject) -> None:
    """A picture without a face is dropped with a reason and leaves the others alone."""
    images, faces = _scenes(subject)
    nobody = face_of(torch.zeros(0, 68, 2))
    _require_dropped_alone(subject.make(), images, faces, nobody, "a picture without a face")


def check_unusable_landmarks_are_a_reason(subject: Subject) -> None:
    """Landmarks that are not finite are dropped with a reason and leave the others alone."""
    images, faces = _scenes(subject)
    broken = {name: points * torch.nan for name, points in faces[0].landmarks.items()}
    nowhere = replace(faces[0], landmarks=broken)
    _require_dropped_alone(subject.make(), images, faces, nowhere, "a face without finite points")


def _require_dropped_alone(
    aligner: Aligner, images: list[Tensor], faces: list[Faces], bad: Faces, what: str
) -> None:
    whole = aligner.align(images, faces)
    without = aligner.align(images, [bad, *faces[1:]])
    require(without.reasons[0], f"{what} has no reason")
    require(not without.images[0].any(), "a dropped row does not hold zeros")
    require(without.reasons[1:] == whole.reasons[1:], "other faces were dropped with it")
    _require_alike(whole.images[1:], without.images[1:], f"beside {what}")


def check_valid_pixels_show_the_picture(subject: Subject) -> None:
    """Valid pixels have the picture's colour, and no place beyond the picture is valid."""
    images, faces = _scenes(subject)
    aligner = subject.make()
    plain = aligner.align([torch.full_like(image, 200) for image in images], faces)
    for row, reason in enumerate(plain.reasons):
        if reason is None:
            shown = plain.images[row][:, plain.valid[row]]
            require(((shown.int() - 200).abs() <= 1).all(), "a valid pixel is not of the picture")
    whole = aligner.align(images, faces)
    ends = [int(0.35 * face.boxes[0, 0] + 0.65 * face.boxes[0, 2]) for face in faces]
    parts = aligner.align([i[..., :end] for i, end in zip(images, ends, strict=True)], faces)
    for row, reason in enumerate(parts.reasons):
        left = parts.valid[row].sum() < 0.9 * whole.valid[row].sum()
        require(reason or left, "what lies beyond the picture is called valid")


def check_aligned_faces_do_not_depend_on_the_batch(subject: Subject) -> None:
    """A face is aligned the same alone, in company and in any order."""
    images, faces = _scenes(subject)
    aligner = subject.make()
    whole = aligner.align(images, faces)
    backwards = aligner.align(images[::-1], faces[::-1])
    single = [aligner.align([i], [f]) for i, f in zip(images, faces, strict=True)]
    _require_alike(whole.images, backwards.images.flip(0), "aligned faces in reverse order")
    _require_alike(whole.images, _stack(single, "images"), "aligned faces one by one")
    require_close(whole.landmarks, _stack(single, "landmarks"), 0.01, "landmarks one by one")


def check_moved_heads_are_shown_alike(subject: Subject) -> None:
    """Turning, shrinking and shifting the picture of a head changes little.

    A network that looks at an upright square sees a turned face from elsewhere, so this is looser
    than what holds for a transform of the plane.
    """
    images, faces = _scenes(subject)
    aligner = subject.make()
    still = aligner.align(images, faces)
    moved = aligner.align(*_moved(images, faces))
    gap = (still.landmarks - moved.landmarks).norm(dim=-1).mean() / still.images.shape[-1]
    require(gap < ROUGHLY, f"landmarks of moved heads are {gap:.1%} of the picture away")
    both = (still.valid & moved.valid)[:, None].expand_as(still.images)
    require(both.any(), "moved heads show nothing that the others show")
    grey = (still.images.float() - moved.images.float()).abs()[both].mean()
    require(grey < 2 * ALIKE, f"moved heads differ by {grey:.1f} grey levels")


def check_views_keep_the_contract(subject: Subject) -> None:
    """Each view is a batch of its own, and the frontal one is what `align` returns."""
    images, faces = _scenes(subject)
    aligner = subject.make()
    if not isinstance(aligner, ShowsViews):
        skip("the aligner shows no other views")
    front = aligner.align(images, faces)
    found = aligner.views(images, faces, [(0.0, 0.0), (0.0, 25.0), (-20.0, 0.0)])
    require(len(found) == 3, f"{len(found)} batches for three views")
    require(found[0].reasons == front.reasons, "the frontal view drops other faces than align")
    _require_alike(found[0].images, front.images, "the frontal view and align")
    for view in found[1:]:
        require(view.images.shape == front.images.shape, f"a view has shape {view.images.shape}")
        require(len(view.reasons) == len(images), "a view has another number of rows")
        gap = (view.landmarks - front.landmarks).norm(dim=-1).amax(1)
        good = [row for row, reason in enumerate(view.reasons) if reason is None]
        require((gap[good] > 1).all(), "a face seen from elsewhere has its landmarks unmoved")


def _require_alike(first: Tensor, second: Tensor, what: str) -> None:
    """The same pictures, but for rounding: a pixel at the border of the seen may change sides."""
    require(first.shape == second.shape, f"{what}: shape {tuple(second.shape)}, {first.shape}")
    share = ((first.int() - second.int()).abs() > 1).float().mean()
    require(share < FLIPPED, f"{what}: {share:.2%} of the values differ")


def _scenes(subject: Subject) -> tuple[list[Tensor], list[Faces]]:
    if subject.faces is not None:
        return subject.faces()
    accepts = subject.component.accepts
    if accepts and IBUG68 not in accepts:
        skip(f"drawn faces have {IBUG68} landmarks; the aligner accepts {', '.join(accepts)}")
    return scenes()


def _stack(parts: list[Aligned], name: str) -> Tensor:
    values: list[Any] = [getattr(part, name) for part in parts]
    return torch.cat(values)


def _carry(transforms: Tensor, points: Tensor) -> Tensor:
    carried: Tensor = points @ transforms[:, :2, :2].mT + transforms[:, None, :2, 2]
    return carried


def _resample(image: Tensor, back: Tensor, side: int) -> Tensor:
    """(3, side, side) float: the picture at the places that `back` takes each pixel to."""
    across = torch.arange(side, dtype=torch.float32)
    grid = torch.stack(torch.meshgrid(across, across, indexing="xy"), -1).reshape(1, -1, 2)
    places = _carry(back[None].float(), grid).reshape(1, side, side, 2)
    extent = torch.tensor([image.shape[2] - 1, image.shape[1] - 1])
    share = 2 * places / extent - 1
    return F.grid_sample(image[None].float(), share, align_corners=True)[0]


def _moved(images: list[Tensor], faces: list[Faces]) -> tuple[list[Tensor], list[Faces]]:
    """Each picture turned by 20 degrees, at 0.9 of its size, on a larger square."""
    angle, scale, side = math.radians(20), 0.9, 420
    turn = scale * torch.tensor(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    pictures, moved = [], []
    for image, face in zip(images, faces, strict=True):
        middle = torch.tensor([image.shape[2], image.shape[1]]) / 2
        matrix = torch.eye(3)
        matrix[:2, :2] = turn
        matrix[:2, 2] = torch.tensor([side / 2 + 5, side / 2 - 7]) - turn @ middle
        resampled = _resample(image, torch.linalg.inv(matrix), side)
        pictures.append(resampled.round().clamp(0, 255).to(torch.uint8))
        moved.append(_moved_face(face, matrix, scale))
    return pictures, moved


def _moved_face(face: Faces, matrix: Tensor, scale: float) -> Faces:
    """Points of all schemes carried along; depth grows with the face."""
    moved = {
        name: torch.cat([_carry(matrix[None], points[..., :2]), scale * points[..., 2:]], -1)
        for name, points in face.landmarks.items()
    }
    points = moved[IBUG68]
    return replace(face, boxes=torch.cat([points.amin(1), points.amax(1)], 1), landmarks=moved)


CHECKS: tuple[Check, ...] = (
    check_aligned_faces_keep_the_contract,
    check_missing_face_is_a_reason,
    check_unusable_landmarks_are_a_reason,
    check_valid_pixels_show_the_picture,
    check_aligned_faces_do_not_depend_on_the_batch,
)

RIGID_CHECKS: tuple[Check, ...] = (
    check_transform_carries_landmarks,
    check_transform_explains_the_picture,
    check_moved_faces_are_aligned_alike,
)
"""Only where one transform of the plane says what the aligner did: not for the tag `non-planar`."""

SOLID_CHECKS: tuple[Check, ...] = (
    check_moved_heads_are_shown_alike,
    check_views_keep_the_contract,
)
"""For the tag `non-planar`."""
