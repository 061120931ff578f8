from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68, MEDIAPIPE478, Faces
from aukit.errors import DataError
from aukit.vision.warp import apply, place, warp
from aukit_mediapipe.detector import Detections, Detector
from aukit_mediapipe.landmarker import LiteRTLandmarker
from aukit_mediapipe.plugin import BLENDSHAPE_NAMES, LiteRTOptions


@pytest.fixture(scope="module")
def context(face_landmarker: Path) -> Context:
    return Context(weights=lambda ref: face_landmarker)


@pytest.fixture(scope="module")
def landmarker(context: Context) -> LiteRTLandmarker:
    return LiteRTLandmarker(LiteRTOptions(), context)


@pytest.fixture(scope="module")
def astronaut() -> Tensor:
    return torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1).contiguous()


def seen(image: Tensor, scale: float, angle: float = 0.0, size: int = 512) -> tuple[Tensor, Tensor]:
    """The astronaut's face, scaled and turned in the middle of another picture."""
    transform = place(
        torch.tensor([scale]),
        torch.tensor([angle]),
        torch.tensor([[223.0, 125.0]]),
        torch.tensor([size / 2, size / 2]),
    )
    return warp([image], transform, size, border="replicate")[0], transform[0]


def eyes(points: Tensor) -> float:
    return float((points[36] - points[45]).norm())


def only(faces: Faces) -> Tensor:
    assert len(faces) == 1
    return faces.landmarks[IBUG68][0]


def test_astronaut(landmarker: LiteRTLandmarker, astronaut: Tensor) -> None:
    (faces,) = landmarker.detect([astronaut])
    points = only(faces)
    assert faces.landmarks[MEDIAPIPE478].shape == (1, 478, 3)
    assert all(t.dtype == torch.float32 for t in (faces.boxes, faces.scores, points))
    assert faces.scores[0] > 0.8
    assert faces.measures["presence"][0] > 0.9
    # Read off the photograph by hand, to two pixels.
    corners = {36: (196, 101), 39: (214, 104), 42: (237, 105), 45: (256, 104), 48: (203, 139),
               54: (245, 141), 8: (222, 178), 30: (224, 127)}  # fmt: skip
    for index, place_ in corners.items():
        assert torch.dist(points[index], torch.tensor(place_, dtype=torch.float32)) < 3, index
    x0, y0, x1, y1 = faces.boxes[0].tolist()
    assert (points >= torch.tensor([x0, y0])).all()
    assert (points <= torch.tensor([x1, y1])).all()


def test_blendshapes_see_the_smile(landmarker: LiteRTLandmarker, astronaut: Tensor) -> None:
    (faces,) = landmarker.detect([astronaut])
    scores = dict(zip(BLENDSHAPE_NAMES, faces.measures["blendshapes"][0].tolist(), strict=True))
    assert all(0 <= score <= 1 for score in scores.values())
    assert min(scores["mouthSmileLeft"], scores["mouthSmileRight"]) > 0.7
    assert max(scores["jawOpen"], scores["mouthFrownLeft"], scores["eyeBlinkLeft"]) < 0.3


@pytest.mark.parametrize("angle", [-1.2, -0.6, 0.4, 0.9])
def test_turned_faces(landmarker: LiteRTLandmarker, astronaut: Tensor, angle: float) -> None:
    image, transform = seen(astronaut, 1.5, angle)
    upright, turned = (only(faces) for faces in landmarker.detect([astronaut, image]))
    error = (apply(transform, upright) - turned).norm(dim=-1).mean() / eyes(turned)
    assert error < 0.03


@pytest.mark.parametrize("scale", [0.35, 0.5, 1.0, 2.0, 3.5])
def test_sizes(landmarker: LiteRTLandmarker, astronaut: Tensor, scale: float) -> None:
    image, transform = seen(astronaut, scale)
    expected = apply(transform, only(landmarker.detect([astronaut])[0]))
    found = only(landmarker.detect([image])[0])
    assert (found - expected).norm(dim=-1).mean() / eyes(expected) < 0.04


def test_tiles_find_smaller_faces(context: Context, astronaut: Tensor) -> None:
    image, transform = seen(astronaut, 0.2)
    whole, tiled = (LiteRTLandmarker(LiteRTOptions(tiles=n), context) for n in (1, 4))
    assert len(whole.detect([image])[0]) == 0
    expected = apply(transform, only(whole.detect([astronaut])[0]))
    found = only(tiled.detect([image])[0])
    assert (found - expected).norm(dim=-1).mean() / eyes(expected) < 0.06


def test_a_false_box_does_not_end_the_search(context: Context, astronaut: Tensor) -> None:
    image, transform = seen(astronaut, 0.2)
    landmarker = LiteRTLandmarker(LiteRTOptions(tiles=4), context)
    expected = apply(transform, only(landmarker.detect([astronaut])[0]))
    detector = landmarker._detector

    def misled(images: Sequence[Tensor], search: Sequence[float]) -> list[Detections]:
        """Sees a face in a corner of the whole picture, where the mesh sees none."""
        if search != (1.0,):
            return Detector.__call__(detector, images, search)
        keypoints = np.array([[[30, 30], [60, 30], [45, 45], [45, 60], [20, 35], [70, 35]]])
        box = np.array([[15, 15, 75, 75]])
        one = Detections(*(part.astype(np.float32) for part in (box, keypoints, np.array([0.6]))))
        return [one for _ in images]

    misled.searches = detector.searches  # type: ignore[attr-defined]
    landmarker._detector = misled  # type: ignore[assignment]
    found = only(landmarker.detect([image])[0])
    assert (found - expected).norm(dim=-1).mean() / eyes(expected) < 0.06


def test_several_faces(context: Context, astronaut: Tensor) -> None:
    face = astronaut[:, 20:240, 110:340]
    crowd = torch.cat([face, face.flip(2), interpolate(face[None], scale_factor=1)[0]], dim=2)
    for count in (1, 2, 8):
        (faces,) = LiteRTLandmarker(LiteRTOptions(max_faces=count), context).detect([crowd])
        assert len(faces) == min(count, 3)
        assert torch.equal(faces.scores, faces.scores.sort(descending=True).values)
    middles = faces.landmarks[IBUG68].mean(1)[:, 0].sort().values
    torch.testing.assert_close(middles.diff(), torch.full((2,), 230.0), atol=12, rtol=0)


@pytest.mark.parametrize("count", [5, 6, 7])
def test_a_row_of_people(landmarker: LiteRTLandmarker, astronaut: Tensor, count: int) -> None:
    """A group photo of full-HD width: each face is a sixteenth of it wide at most."""
    side = 1920 // count
    one = interpolate(astronaut[None, :, 10:250, 110:350].float(), (side, side), mode="area")[0]
    row = torch.cat([one if n % 2 else one.flip(2) for n in range(count)], dim=2)
    photo = pad(row[None], (0, 0, 300, 500), mode="replicate")[0].to(torch.uint8)
    (faces,) = landmarker.detect([photo])
    middles = faces.boxes[:, [0, 2]].mean(1).sort().values
    assert len(faces) == count
    torch.testing.assert_close(
        middles.diff(), torch.full((count - 1,), float(side)), atol=30, rtol=0
    )


def test_a_face_among_small_ones_needs_everywhere(context: Context, astronaut: Tensor) -> None:
    small, _ = seen(astronaut, 0.4, size=300)
    both = torch.cat([pad(small, (0, 0, 0, 212)), astronaut], dim=2)
    for everywhere, count in ((False, 1), (True, 2)):
        options = LiteRTOptions(tiles=3, everywhere=everywhere)
        assert len(LiteRTLandmarker(options, context).detect([both])[0]) == count


@pytest.mark.parametrize(
    "picture",
    [
        torch.zeros(3, 64, 64, dtype=torch.uint8),
        torch.full((3, 1, 1), 255, dtype=torch.uint8),
        torch.zeros(3, 2, 3000, dtype=torch.uint8),
        torch.from_numpy(skimage.data.brick()).expand(3, -1, -1),
        torch.from_numpy(skimage.data.coffee()).permute(2, 0, 1),
    ],
    ids=["black", "pixel", "line", "brick", "coffee"],
)
def test_no_face(landmarker: LiteRTLandmarker, picture: Tensor) -> None:
    (faces,) = landmarker.detect([picture])
    assert len(faces) == 0
    assert faces.landmarks[IBUG68].shape == (0, 68, 2)
    assert faces.landmarks[MEDIAPIPE478].shape == (0, 478, 3)
    assert faces.measures["blendshapes"].shape == (0, 52)


def test_a_batch_equals_its_pictures(landmarker: LiteRTLandmarker, astronaut: Tensor) -> None:
    pictures = [astronaut, torch.zeros(3, 40, 90, dtype=torch.uint8), astronaut[:, :260, 60:400]]
    for alone, together in zip(
        [landmarker.detect([p])[0] for p in pictures], landmarker.detect(pictures), strict=True
    ):
        assert torch.equal(alone.boxes, together.boxes)
        assert torch.equal(alone.landmarks[MEDIAPIPE478], together.landmarks[MEDIAPIPE478])
        assert torch.equal(alone.measures["blendshapes"], together.measures["blendshapes"])
    assert landmarker.detect([]) == []


def test_threads_do_not_matter(context: Context, astronaut: Tensor) -> None:
    one, three = (
        LiteRTLandmarker(LiteRTOptions(threads=n), context).detect([astronaut] * 5) for n in (1, 3)
    )
    for a, b in zip(one, three, strict=True):
        assert torch.equal(a.landmarks[MEDIAPIPE478], b.landmarks[MEDIAPIPE478])


def test_mirrored_face_has_mirrored_landmarks(
    landmarker: LiteRTLandmarker, astronaut: Tensor
) -> None:
    from aukit_procrustes.template import MIRROR

    plain, mirrored = (only(f) for f in landmarker.detect([astronaut, astronaut.flip(2)]))
    mirrored = mirrored[list(MIRROR)] * torch.tensor([-1.0, 1]) + torch.tensor([511.0, 0])
    assert (plain - mirrored).norm(dim=-1).mean() < 0.03 * eyes(plain)


@pytest.mark.parametrize("content", [b"", b"no bundle", None], ids=["empty", "text", "zip"])
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bundle.task"
    if content is None:
        np.savez(path.with_suffix(".npz"), a=np.zeros(3))
        path.with_suffix(".npz").rename(path)
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match="not a MediaPipe face landmarker bundle"):
        LiteRTLandmarker(LiteRTOptions(), Context(weights=lambda ref: path))


@pytest.mark.parametrize(
    "bad", [{"max_faces": 0}, {"min_detection": 1.5}, {"min_presence": -1}, {"tiles": 0}]
)
def test_bad_options(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        LiteRTOptions(**bad)  # type: ignore[arg-type]
