"""Measure what registration makes of one moment that is seen from nine sides.

    python -m aukit_prnet.scripts.compare_registration -o DIR [--aligners 2d,facemesh,prnet]
        [--people 12] [--page docs/explanation/registration-3d.md] [--pictures docs/images/...]

An avatar with an expression is photographed from the nine views of FERA 2017. Each picture is
registered, and compared with the same aligner's registration of the true frontal picture of the
same moment. What is compared is the part of the face (the hull of the 68 points) that the picture
really shows: the true mesh says which pixels of the frontal picture those are. Writes
`registration.json`, `registration.md` and pictures, and fills the marked block of a page.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from PIL import Image, ImageDraw
from skimage.draw import polygon2mask
from skimage.morphology import convex_hull_image
from torch import Tensor

from aukit.api import build
from aukit.contracts.aligner import Aligned, Aligner
from aukit.contracts.landmarker import Faces
from aukit.store.files import write_json
from aukit.views import FERA17, FRONTAL, View, view_name
from aukit.vision.frontal import FrontalView
from aukit.vision.frontal_options import FrontalOptions
from aukit.vision.raster import interpolate, rasterize
from aukit.vision.sheet import contact_sheet
from aukit.vision.warp import warp
from aukit_avatars.actions import AUS
from aukit_avatars.known import in_pixels
from aukit_avatars.people import Person, sample_person
from aukit_avatars.studio import Studio, Truth
from aukit_prnet.layout import Layout

SIZE = 384
SHOWN = 320
"""Side of the faces in the picture of outlines."""

SCALE = 4
"""How much a photo is enlarged before a mesh is drawn over it."""
EXPRESSIONS: tuple[Mapping[str, float], ...] = (
    {"AU06": 4, "AU12": 4, "AU25": 3},
    {"AU04": 4, "AU07": 3, "AU17": 3, "AU23": 3},
    {"AU01": 4, "AU02": 4, "AU05": 3, "AU25": 3, "AU26": 3},
    {"AU09": 4, "AU10": 4, "AU04": 2},
    {"AU01": 3, "AU15": 4, "AU17": 2},
    {},
)
TRUTH = "true mesh"
BLOCK = re.compile(r"(<!-- registration -->\n).*(<!-- end of registration -->)", re.DOTALL)


@dataclass(frozen=True)
class Moment:
    """One person at one moment, from all sides.

    Attributes:
        shots: view -> the picture and everything known about it.
        visible: view -> (SIZE, SIZE) bool, pixels of the frontal picture whose point that view
            shows too.
    """

    shots: Mapping[View, Truth]
    visible: Mapping[View, Tensor]


@dataclass(frozen=True)
class Score:
    """How one registered picture compares with the true one.

    Attributes:
        error: mean absolute difference in grey levels, brightness and contrast matched: the light
            falls on a turned head from elsewhere, which no registration undoes.
        correlation: normalised cross-correlation.
        shown: share of what the picture shows that the aligner shows.
    """

    error: float
    correlation: float
    shown: float


def photograph(
    studio: Studio, person: Person, expression: Mapping[str, float], seed: int
) -> Moment:
    """Take the nine pictures."""
    levels = torch.zeros(1, len(AUS))
    for au, level in expression.items():
        levels[0, AUS.index(au)] = level
    shots = {v: studio.portrait(person, levels, v, SIZE, seed) for v in FERA17}
    front = shots[FRONTAL]
    raster = rasterize(
        front.vertices + torch.tensor([0.5, 0.5, 0.0]), studio.head.triangles, (SIZE, SIZE),
        perspective=True,
    )  # fmt: skip
    visible = {
        view: interpolate(raster, studio.head.triangles, truth.visible[..., None].float())[
            0, ..., 0
        ]
        > 0.5
        for view, truth in shots.items()
    }
    return Moment(shots, visible)


Register = Callable[[Moment, Sequence[View], Sequence[Faces]], Aligned]
"""Registers the pictures of some views of a moment, given the face found in each."""


def by(aligner: Aligner) -> Register:
    """What an aligner makes of the pictures."""

    def register(moment: Moment, views: Sequence[View], faces: Sequence[Faces]) -> Aligned:
        return aligner.align([moment.shots[view].images[0] for view in views], faces)

    return register


def by_truth() -> Register:
    """What the frontal view makes of the true mesh: the best that any network could reach."""
    layout = Layout.load()
    view = FrontalView.of(layout.template, FrontalOptions(), "cpu")

    def register(moment: Moment, views: Sequence[View], faces: Sequence[Faces]) -> Aligned:
        shots = [moment.shots[view] for view in views]
        maps = layout.position_maps(torch.cat([in_pixels(shot) for shot in shots]))
        return view.show([shot.images[0] for shot in shots], layout.vertices_of(maps))[0]

    return register


def compare(register: Register, found: Mapping[View, Faces], moment: Moment) -> dict[View, Aligned]:
    """The registered pictures of a moment."""
    views = list(found)
    aligned = register(moment, views, [found[view] for view in views])
    return {
        view: Aligned(
            aligned.images[[row]], aligned.valid[[row]], aligned.transforms[[row]],
            aligned.landmarks[[row]], (aligned.reasons[row],),
        )
        for row, view in enumerate(views)
    }  # fmt: skip


def score(moment: Moment, aligned: Mapping[View, Aligned], view: View) -> Score | None:
    """Compare a view with the frontal one; None where either was dropped."""
    front, other = aligned[FRONTAL], aligned[view]
    if front.reasons[0] or other.reasons[0]:
        return None
    mask = moment.visible[view][None].float()
    seen = warp([mask], front.transforms, front.images.shape[-1])[0, 0] > 0.5
    region = seen & hull(front.landmarks[0]) & front.valid[0]
    both = region & other.valid[0]
    a, b = (shown.images[0].float().mean(0)[both] for shown in (front, other))
    matched = (b - b.mean()) / b.std() * a.std() + a.mean()
    correlation = float(np.corrcoef(a.numpy(), b.numpy())[0, 1])
    return Score(float((a - matched).abs().mean()), correlation, float(both.sum() / region.sum()))


def hull(points: Tensor, size: int = 224) -> Tensor:
    """(S, S) bool: the convex hull of (68, 2) points."""
    outline = polygon2mask((size, size), points.flip(-1).numpy())
    rows = points.round().long().clamp(0, size - 1)
    outline[rows[:, 1], rows[:, 0]] = True
    return torch.from_numpy(convex_hull_image(outline))


def measure(names: Sequence[str], people: int, output: Path) -> dict[str, Any]:
    """Scores of all aligners, views and people, and a grid of the first person."""
    studio, landmarker = Studio(), build("landmarker", "mediapipe")
    ways = {name: by(build("aligner", name, preset="paper")) for name in names}
    ways[TRUTH] = by_truth()
    scores: dict[str, dict[View, list[Score]]] = {n: {v: [] for v in FERA17} for n in ways}
    missed = dict.fromkeys(ways, 0)
    for number in range(people):
        person = sample_person(studio.head, 7, f"registration/{number}", number % 2 == 0)
        expression = EXPRESSIONS[number % len(EXPRESSIONS)]
        moment = photograph(studio, person, expression, number)
        views = list(moment.shots)
        detected = landmarker.detect([moment.shots[view].images[0] for view in views])
        found = {v: faces.one(0) for v, faces in zip(views, detected, strict=True) if len(faces)}
        shown = {}
        for name, register in ways.items():
            shown[name] = compare(register, found, moment)
            for view in FERA17:
                result = score(moment, shown[name], view) if view in shown[name] else None
                missed[name] += result is None
                scores[name][view] += [] if result is None else [result]
        if number == 0:
            save(grid(moment, shown), output / "views.png")
    return {
        "people": people,
        "pictures": people * len(FERA17),
        "missed": missed,
        "aligners": {name: summary(views) for name, views in scores.items()},
    }


def summary(views: Mapping[View, Sequence[Score]]) -> dict[str, dict[str, float]]:
    """Means over people of each view, over the turned ones, and over those at 40 degrees yaw."""
    groups = {view_name(view): list(found) for view, found in views.items()}
    groups["turned"] = [s for view, found in views.items() if view != FRONTAL for s in found]
    groups["yaw 40"] = [s for view, found in views.items() if view[1] != 0 for s in found]
    return {
        name: {
            key: round(float(np.mean([getattr(s, key) for s in found])), 3)
            for key in ("error", "correlation", "shown")
        }
        for name, found in groups.items()
        if found
    }


def grid(moment: Moment, shown: Mapping[str, Mapping[View, Aligned]]) -> Tensor:
    """A row of pictures as they were taken, then a row for each aligner."""
    images: list[Tensor | None] = [moment.shots[view].images[0] for view in FERA17]
    captions = [view_name(view) for view in FERA17]
    for name, aligned in shown.items():
        for view in FERA17:
            there = view in aligned and aligned[view].reasons[0] is None
            images.append(aligned[view].images[0] if there else None)
            captions.append(name)
    return contact_sheet(images, captions, 150, len(FERA17))


def photo(names: Sequence[str]) -> Tensor:
    """A real face: the picture, meshes over it, and what each aligner makes of it."""
    image = torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1).contiguous()
    faces = build("landmarker", "mediapipe").detect([image])[0].one(0)
    x0, y0, x1, y1 = (int(value) for value in faces.boxes[0])
    around = slice(max(0, y0 - 50), y1 + 30), slice(max(0, x0 - 40), x1 + 40)
    images, captions = [image[:, *around]], ["photo"]
    for name in names:
        aligner: Any = build("aligner", name, preset="paper")
        if hasattr(aligner, "meshes"):
            mesh = aligner.meshes([image], [faces])[0]
            drawn = overlay(image, mesh, aligner.view.mesh.triangles)
            images.append(drawn[:, *(slice(SCALE * s.start, SCALE * s.stop) for s in around)])
            captions.append(f"{name}: mesh")
        views = [FRONTAL, (0.0, 40.0)] if hasattr(aligner, "views") else [FRONTAL]
        shown = (
            aligner.views([image], [faces], views)
            if len(views) > 1
            else [aligner.align([image], [faces])]
        )
        images += [each.images[0] for each in shown]
        captions += [f"{name} {view_name(view)}" for view in views]
    return contact_sheet(images, captions, 224, 4)


def outlines(names: Sequence[str]) -> Tensor:
    """A real face as each aligner shows it: whole meshes, and what is face of them."""
    image = torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1).contiguous()
    face = build("landmarker", "mediapipe").detect([image])[0].one(0)
    whole: dict[str, Any] = {"outline": "mesh", "hairline": False, "hair": "shown"}
    images, captions = [], []
    for words, options in (("whole mesh", whole), ("face", {})):
        for name in names:
            plain = build("aligner", name, size=SHOWN)
            meshed = hasattr(plain, "meshes")
            aligner = build("aligner", name, size=SHOWN, **options) if meshed else plain
            images.append(aligner.align([image], [face]).images[0])
            captions.append(f"{name}: {words}" if meshed else name)
    return contact_sheet(images, captions, SHOWN, len(names))


def overlay(image: Tensor, mesh: Tensor, triangles: Tensor) -> Tensor:
    """The edges of a mesh drawn over its picture, at most two thousand triangles of it."""
    picture = Image.fromarray(image.permute(1, 2, 0).numpy())
    large = picture.resize(
        (picture.width * SCALE, picture.height * SCALE), Image.Resampling.BICUBIC
    )
    draw = ImageDraw.Draw(large, "RGBA")
    points = ((mesh[:, :2] + 0.5) * SCALE).tolist()
    for corners in triangles[:: max(1, len(triangles) // 2000)].tolist():
        a, b, c = (tuple(points[corner]) for corner in corners)
        draw.line([a, b, c, a], (255, 255, 255, 120), 1)
    return torch.from_numpy(np.array(large)).permute(2, 0, 1).contiguous()


def save(sheet: Tensor, path: Path) -> None:
    """Write a picture; JPEG is small enough for the documentation."""
    picture = Image.fromarray(sheet.permute(1, 2, 0).numpy())
    picture.save(path.with_suffix(".jpg"), quality=88)


def table(found: Mapping[str, Any]) -> str:
    """The numbers in Markdown."""
    names = list(found["aligners"])
    lines = [
        "| view (pitch, yaw) | " + " | ".join(names) + " |",
        "|---|" + "---|" * len(names),
    ]
    labels = [*(view_name(view) for view in FERA17 if view != FRONTAL), "turned", "yaw 40"]
    words = {"turned": "**all eight**", "yaw 40": "**yaw of 40 degrees**"}
    for label in labels:
        cells = [cell(found["aligners"][name].get(label)) for name in names]
        lines.append(f"| {words.get(label, label)} | " + " | ".join(cells) + " |")
    missed = ", ".join(f"{name} {count}" for name, count in found["missed"].items())
    return "\n".join(
        [
            f"Error in grey levels / correlation / share shown; {found['people']} people, "
            f"{found['pictures']} pictures. Without a result: {missed}.",
            "",
            *lines,
        ]
    )


def cell(values: Mapping[str, float] | None) -> str:
    """One cell of the table."""
    if values is None:
        return "-"
    return f"{values['error']:.1f} / {values['correlation']:.3f} / {values['shown']:.0%}"


def main() -> None:
    """Measure, draw, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--aligners", default="2d,facemesh,prnet")
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--page", type=Path, help="Markdown page with a marked block to fill")
    chosen = parser.parse_args()
    chosen.output.mkdir(parents=True, exist_ok=True)
    names = chosen.aligners.split(",")
    found = measure(names, chosen.people, chosen.output)
    save(photo(names), chosen.output / "photo.png")
    save(outlines(names), chosen.output / "outline.png")
    write_json(chosen.output / "registration.json", found)
    text = table(found)
    (chosen.output / "registration.md").write_text(text + "\n", encoding="utf-8")
    if chosen.page is not None:
        page = chosen.page.read_text(encoding="utf-8")
        filled = BLOCK.sub(lambda block: f"{block[1]}{text}\n{block[2]}", page)
        chosen.page.write_text(filled, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
