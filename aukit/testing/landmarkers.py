"""Checks of landmarkers."""

from __future__ import annotations

import torch
from torch import Tensor

from aukit.contracts.landmarker import Faces
from aukit.testing.drawn import scenes
from aukit.testing.models import require_close
from aukit.testing.subject import Check, Subject, require


def check_pictures_without_a_face_give_none(subject: Subject) -> None:
    """Black, white, noise, tiny and long pictures: no face, and no exception."""
    noise = torch.Generator().manual_seed(0)
    pictures = [
        torch.zeros(3, 120, 160, dtype=torch.uint8),
        torch.full((3, 90, 90), 255, dtype=torch.uint8),
        torch.randint(0, 256, (3, 128, 96), generator=noise, dtype=torch.uint8),
        torch.zeros(3, 1, 1, dtype=torch.uint8),
        torch.zeros(3, 8, 900, dtype=torch.uint8),
    ]
    found = subject.make().detect(pictures)
    counts = [len(faces) for faces in found]
    require(counts == [0] * len(pictures), f"faces found in pictures without any: {counts}")


def check_faces_keep_the_contract(subject: Subject) -> None:
    """Boxes inside the picture, scores in 0..1 from the best on, all promised landmarks."""
    landmarker, pictures = subject.make(), _pictures(subject)
    found = landmarker.detect(pictures)
    require(len(found) == len(pictures), f"{len(found)} answers for {len(pictures)} pictures")
    for picture, faces in zip(pictures, found, strict=True):
        _require_sound(picture, faces, tuple(landmarker.schemes))


def check_faces_are_found(subject: Subject) -> None:
    """Each picture that the author says shows a face has one."""
    if subject.pictures is not None:
        counts = [len(faces) for faces in subject.make().detect(subject.pictures())]
        require(all(counts), f"faces found in the author's pictures: {counts}")


def check_faces_do_not_depend_on_the_batch(subject: Subject) -> None:
    """A picture gets the same faces alone, in company and in any order."""
    landmarker, pictures = subject.make(), _pictures(subject)
    whole = landmarker.detect(pictures)
    backwards = landmarker.detect(pictures[::-1])[::-1]
    alone = [landmarker.detect([picture])[0] for picture in pictures]
    for other, how in ((backwards, "in reverse order"), (alone, "one by one")):
        for first, second in zip(whole, other, strict=True):
            require(len(first) == len(second), f"other faces {how}")
            for name, points in first.landmarks.items():
                if len(first):
                    require_close(points, second.landmarks[name], 0.05, f"{name} {how}")


def _pictures(subject: Subject) -> list[Tensor]:
    return scenes(3)[0] if subject.pictures is None else subject.pictures()


def _require_sound(picture: Tensor, faces: Faces, schemes: tuple[str, ...]) -> None:
    height, width = picture.shape[1:]
    count = len(faces)
    require(faces.boxes.shape == (count, 4), f"boxes have shape {tuple(faces.boxes.shape)}")
    require(faces.scores.shape == (count,), f"scores have shape {tuple(faces.scores.shape)}")
    require(((faces.scores >= 0) & (faces.scores <= 1)).all(), "a score leaves 0..1")
    require((faces.scores.diff() <= 0).all(), "the best face does not come first")
    left, top, right, bottom = faces.boxes.unbind(1)
    require(((left < right) & (top < bottom)).all(), "a box is empty")
    seen = (right > 0) & (bottom > 0) & (left < width) & (top < height)
    require(seen.all(), "a box lies outside its picture")
    for scheme in schemes:
        require(scheme in faces.landmarks, f"no {scheme} landmarks, though they were promised")
        points = faces.landmarks[scheme]
        require(len(points) == count and points.isfinite().all(), f"{scheme} landmarks are unsound")


CHECKS: tuple[Check, ...] = (
    check_pictures_without_a_face_give_none,
    check_faces_keep_the_contract,
    check_faces_are_found,
    check_faces_do_not_depend_on_the_batch,
)
