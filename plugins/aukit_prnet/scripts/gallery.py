"""Draw the picture of the documentation: what a position map holds.

python plugins/aukit_prnet/scripts/gallery.py -o docs/images/prnet
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from aukit.views import FRONTAL, View
from aukit.vision.frontal import FrontalView
from aukit.vision.sheet import contact_sheet
from aukit_avatars.actions import AUS
from aukit_avatars.known import in_pixels
from aukit_avatars.people import sample_person
from aukit_avatars.studio import Studio, Truth
from aukit_prnet.layout import Layout

SIZE, TILE = 384, 224
FACES: tuple[tuple[str, Mapping[str, float], View], ...] = (
    ("at rest", {}, FRONTAL),
    ("AU 25, 26", {"AU25": 5, "AU26": 5}, FRONTAL),
    ("AU 43", {"AU43": 5}, FRONTAL),
    ("AU 6, 12, 25", {"AU06": 5, "AU12": 5, "AU25": 4}, FRONTAL),
    ("from -20,40", {"AU12": 3}, (-20.0, 40.0)),
)


def shoot(studio: Studio) -> list[Truth]:
    """The pictures and their true meshes."""
    person = sample_person(studio.head, 0, "b", False)
    shots = []
    for _, levels, view in FACES:
        row = torch.tensor([[levels.get(au, 0.0) for au in AUS]])
        shots.append(studio.portrait(person, row, view, SIZE))
    return shots


def painted(truth: Truth, vertices: Tensor, layout: Layout) -> Tensor:
    """(3, R, R) uint8: the colour of the picture at every texel."""
    places = torch.full((1, layout.resolution**2, 2), -2.0)
    places[:, layout.texels] = (vertices[..., :2] + 0.5) / SIZE * 2 - 1
    grid = places.view(1, layout.resolution, layout.resolution, 2)
    return functional.grid_sample(truth.images.float(), grid, align_corners=False)[0].byte()


def shown_map(vertices: Tensor, layout: Layout) -> Tensor:
    """(3, R, R) uint8: x, y and z as red, green and blue."""
    low, high = vertices.amin(1, keepdim=True), vertices.amax(1, keepdim=True)
    colours = torch.zeros(3, layout.resolution**2)
    colours[:, layout.texels] = ((vertices - low) / (high - low))[0].T
    return (colours * 255).byte().view(3, layout.resolution, layout.resolution)


def maps(studio: Studio) -> Tensor:
    """Pictures; their position maps; what lies at the texels; the faces from the front."""
    layout = Layout.load(256)
    view = FrontalView(layout.template, size=TILE, margin=0.09, forehead=0.14)
    rows: list[list[Tensor]] = [[], [], [], []]
    for truth in shoot(studio):
        vertices = layout.vertices_of(layout.position_maps(in_pixels(truth)))
        rows[0].append(truth.images[0])
        rows[1].append(shown_map(vertices, layout))
        rows[2].append(painted(truth, vertices, layout))
        rows[3].append(view.show([truth.images[0]], vertices)[0].images[0])
    captions = [name for name, _, _ in FACES]
    captions += ["position map"] * len(FACES) + ["picture on the map"] * len(FACES)
    captions += ["from the front"] * len(FACES)
    return contact_sheet([picture for row in rows for picture in row], captions, TILE, len(FACES))


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    folder: Path = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    sheet = maps(Studio()).permute(1, 2, 0).contiguous().numpy()
    Image.fromarray(sheet).save(folder / "maps.jpg", quality=88)


if __name__ == "__main__":
    main()
