"""Draw the attention of every AU over registered faces.

python -m aukit_lacgan.scripts.draw_regions [PHOTO ...] -o docs/images/lac-gan

An avatar comes first, then the photos, which need the landmarker's weights. Options of `aukit run
--synth lacgan` about regions are those of this script.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from aukit import api
from aukit.contracts.landmarker import Faces
from aukit.vision.images import read
from aukit.vision.sheet import contact_sheet
from aukit_lacgan.centres import TABLES
from aukit_lacgan.plugin import LacganConfig
from aukit_lacgan.regions import Regions, shared_out

BP4D = ("AU01", "AU02", "AU04", "AU06", "AU07", "AU10", "AU12", "AU14", "AU15", "AU17", "AU23",
        "AU24")  # fmt: skip
"""The AUs of the paper."""
COLOUR = (255.0, 60.0, 0.0)
SIZE = 160

Face = tuple[Tensor, Tensor]
"""A picture, (3, S, S) uint8, and its (68, 2) points."""
Shape = tuple[float, float, float]
"""inner, slope and reach."""


def drawn_regions(faces: Sequence[Face], aus: Sequence[str], table: str, shape: Shape) -> Tensor:
    """A row for each face: the face, each AU's attention over it, and the sum of their shares."""
    regions = Regions(aus, table, *shape)
    tiles, captions = [], []
    for image, points in faces:
        attention = regions(points[None], image.shape[-1])
        everybody = torch.ones(1, len(aus), dtype=torch.bool)
        together = shared_out(attention, everybody).sum(1)
        tiles += [image, *(tinted(image, one) for one in (*attention[0], together[0]))]
        captions += ["face", *aus, "all"]
    return contact_sheet(tiles, captions, 120, len(aus) + 2)


def tinted(image: Tensor, attention: Tensor) -> Tensor:
    """A picture with a coloured veil where there is attention, (S, S) in 0..1."""
    grey = image.float().mean(0, keepdim=True).expand(3, -1, -1)
    share = 0.6 * attention
    veiled = (1 - share) * grey + share * torch.tensor(COLOUR).view(3, 1, 1)
    return veiled.round().to(torch.uint8)


def avatar() -> Face:
    """One person of the avatars, registered."""
    people = api.build(
        "data", "avatars", version=1, train=1, valid=0, test=0, tasks=1, frames=1, size=2 * SIZE
    )
    frames = next(iter(people.read(people.index())))
    image, faces = frames.images[0], frames.faces
    assert image is not None  # avatars have both
    assert faces is not None
    return registered(image, faces[0])


def photo(path: Path, landmarker: Any) -> Face:
    """The first face of a photo, registered."""
    picture = read(path)
    if picture.image is None:
        raise SystemExit(f"{path}: {picture.reason}")
    image = picture.image
    return registered(image, landmarker.detect([image])[0])


def registered(image: Tensor, faces: Faces) -> Face:
    """The best face as the 2D aligner shows it."""
    aligner = api.build("aligner", "2d", size=SIZE)
    found = aligner.align([image], [faces.one(0)])
    return found.images[0], found.landmarks[0]


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images/lac-gan"))
    parser.add_argument("--centres", choices=sorted(TABLES), default=LacganConfig.centres)
    for name in ("inner", "slope", "reach"):
        parser.add_argument(f"--{name}", type=float, default=getattr(LacganConfig, name))
    given = parser.parse_args()
    faces = [avatar()]
    if given.photos:
        landmarker = api.build("landmarker", "mediapipe")
        faces += [photo(path, landmarker) for path in given.photos]
    shape = (given.inner, given.slope, given.reach)
    sheet = drawn_regions(faces, BP4D, given.centres, shape)
    given.output.mkdir(parents=True, exist_ok=True)
    target = given.output / "regions.jpg"
    Image.fromarray(sheet.permute(1, 2, 0).numpy()).save(target, quality=80, optimize=True)
    print(target)


if __name__ == "__main__":
    main()
