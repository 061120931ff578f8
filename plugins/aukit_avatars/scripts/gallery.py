"""Draw the pictures of the documentation.

python plugins/aukit_avatars/scripts/gallery.py -o docs/images/avatars
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from aukit.contracts.context import Context
from aukit.views import FERA17, view_name
from aukit.vision.sheet import contact_sheet
from aukit_avatars.actions import AUS
from aukit_avatars.dataset import Avatars
from aukit_avatars.people import Person, sample_person
from aukit_avatars.plugin import AvatarsConfig
from aukit_avatars.sequences import perform
from aukit_avatars.studio import Shots, Studio

COLOURS = ("#c0392b", "#2471a3", "#1e8449", "#b9770e", "#7d3c98", "#148f77", "#839192", "#212f3c")


def picture(sheet: Tensor) -> Image.Image:
    """(3, H, W) uint8 to PIL."""
    return Image.fromarray(sheet.permute(1, 2, 0).contiguous().numpy())


def cast(studio: Studio, count: int) -> list[Person]:
    """Some people, women and men in turn."""
    return [sample_person(studio.head, 0, f"gallery/{n}", n % 2 == 0) for n in range(count)]


def still(people: Sequence[Person], activation: Tensor, domain: str = "a") -> Shots:
    """One frontal picture of each, each in a scene of its own."""
    count = len(people)
    rest, seeds = torch.zeros(count, 3), torch.arange(count)
    return Shots(people, activation, [(0.0, 0.0)] * count, rest, rest[:, :2], seeds, seeds, domain)


def wall(studio: Studio) -> Image.Image:
    """Forty people at rest."""
    people = cast(studio, 40)
    truth = studio.shoot(still(people, torch.zeros(40, len(AUS))), 160)
    captions = [f"{'FM'[person.female < 0.5]} {person.age:.0f}" for person in people]
    return picture(contact_sheet(list(truth.images.cpu()), captions, 128, 10))


def domains(studio: Studio) -> Image.Image:
    """The same people in the two domains."""
    people = cast(studio, 8)
    rest = torch.zeros(8, len(AUS))
    shots = [studio.shoot(still(people, rest, domain), 160).images.cpu() for domain in "ab"]
    captions = [f"domain {domain}" for domain in "ab" for _ in people]
    return picture(contact_sheet(list(torch.cat(shots)), captions, 128, 8))


def levels(studio: Studio, person: Person, scene: int) -> Image.Image:
    """Every AU at every level, cropped to the face."""
    ladder = torch.zeros(len(AUS) * 6, len(AUS))
    for row in range(len(ladder)):
        ladder[row, row // 6] = row % 6
    images = studio.portrait(person, ladder, size=192, scene=scene).images.cpu()
    crops = list(images[:, :, 20:176, 18:174])
    captions = [f"{au} {level}" for au in AUS for level in "0ABCDE"]
    return picture(contact_sheet(crops, captions, 96, 12))


def quiet(studio: Studio) -> Image.Image:
    """The AUs to which MediaPipe hardly responds, at 0, C and E, on four people."""
    aus = ("AU06", "AU09", "AU14")
    ladder = torch.zeros(len(aus) * 3, len(AUS))
    for row in range(len(ladder)):
        ladder[row, AUS.index(aus[row // 3])] = (0, 3, 5)[row % 3]
    crops, captions = [], []
    for scene, person in enumerate(cast(studio, 4)):
        images = studio.portrait(person, ladder, size=320, scene=scene).images.cpu()
        crops += list(images[:, :, 60:270, 55:265])
        captions += [f"{au} {level}" for au in aus for level in "0CE"]
    return picture(contact_sheet(crops, captions, 148, 9))


def views(studio: Studio, person: Person, scene: int) -> Image.Image:
    """The nine views of FERA 2017, a smile."""
    smile = torch.zeros(1, len(AUS))
    smile[0, AUS.index("AU12")], smile[0, AUS.index("AU06")] = 4, 4
    images = [studio.portrait(person, smile, v, 192, scene).images[0].cpu() for v in FERA17]
    return picture(contact_sheet(images, [view_name(view) for view in FERA17], 160, 9))


def sequence(studio: Studio, person: Person, scene: int) -> Image.Image:
    """Six seconds of a task: every half a second a picture, below it the AUs."""
    rate, frames = 25.0, 151
    course = perform(0, "gallery", "T6", frames, rate)
    shown = list(range(0, frames, 15))
    count = len(shown)
    seeds = torch.full((count,), scene)
    shots = Shots(
        [person] * count, torch.from_numpy(course.activation[shown]), [(0.0, 0.0)] * count,
        torch.from_numpy(course.angles[shown]), torch.from_numpy(course.gaze[shown]), seeds,
        torch.arange(count),
    )  # fmt: skip
    images = studio.shoot(shots, 160).images.cpu()
    strip = picture(contact_sheet(list(images), [f"{n / rate:.1f} s" for n in shown], 120, count))
    strongest = sorted(np.argsort(course.activation.max(0))[-8:].tolist())
    plot = curves(course.activation[:, strongest], [AUS[n] for n in strongest], strip.width)
    sheet = Image.new("RGB", (strip.width, strip.height + plot.height), "white")
    sheet.paste(strip, (0, 0))
    sheet.paste(plot, (0, strip.height))
    return sheet


def curves(values: object, names: Sequence[str], width: int) -> Image.Image:
    """Activation over time, one line an AU."""
    series = torch.as_tensor(values)
    height, left, right = 220, 60, 60
    plot = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(plot), ImageFont.load_default(12)
    for level, name in enumerate("0ABCDE"):
        y = height - 16 - level * (height - 32) / 5
        draw.line([(left, y), (width - right, y)], fill="#dddddd")
        draw.text((left - 18, y - 8), name, "#555555", font)
    for column, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        points = [
            (
                left + (width - left - right) * step / (len(series) - 1),
                height - 16 - float(value) * (height - 32) / 5,
            )
            for step, value in enumerate(series[:, column])
        ]
        draw.line(points, fill=colour, width=2, joint="curve")
        draw.text((width - right + 6, 12 + 20 * column), name, colour, font)
    return plot


def truths(studio: Studio) -> Image.Image:
    """Landmarks and mesh over the pictures that they belong to."""
    recipe = AvatarsConfig(version=1, train=4, valid=0, test=0, frames=8, views="-20,40", size=256)
    avatars = Avatars(recipe, Context())
    avatars.studio = studio
    rows = avatars.index().take([5, 70, 150, 240])
    truth = avatars.truth(rows)
    sheets = []
    for image, points, mesh in zip(truth.images, truth.landmarks, truth.vertices, strict=True):
        plain, marked = (picture(image.cpu()).resize((512, 512)) for _ in range(2))
        draw = ImageDraw.Draw(marked)
        for x, y, _ in mesh[::4].cpu().numpy():
            draw.point((2 * x + 1, 2 * y + 1), "#55ddff")
        for x, y in points.cpu().numpy():
            draw.ellipse([2 * x - 2, 2 * y - 2, 2 * x + 4, 2 * y + 4], "#ffdd00")
        sheets += [plain, marked]
    strip = Image.new("RGB", (8 * 192, 192))
    for place, sheet in enumerate(sheets):
        strip.paste(sheet.resize((192, 192)), (192 * place, 0))
    return strip


def individuals() -> Image.Image:
    """Version 2: two moments of each of 12 people."""
    recipe = AvatarsConfig(version=2, train=12, valid=0, test=0, size=160)
    avatars = Avatars(recipe, Context())
    rows = avatars.index()
    images = avatars.truth(rows.take(list(range(0, rows.num_rows, 16)))).images.cpu()
    return picture(contact_sheet(list(images), [""] * len(images), 128, 8))


def main() -> None:
    """Write all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images/avatars"))
    parser.add_argument("--only", help="Draw this one alone.")
    given = parser.parse_args()
    folder = given.output
    folder.mkdir(parents=True, exist_ok=True)
    studio = Studio()
    first, second = cast(studio, 2)
    pictures: dict[str, Callable[[], Image.Image]] = {
        "people": lambda: wall(studio),
        "domains": lambda: domains(studio),
        "levels": lambda: levels(studio, first, 0),
        "quiet": lambda: quiet(studio),
        "views": lambda: views(studio, second, 1),
        "sequence": lambda: sequence(studio, second, 1),
        "truth": lambda: truths(studio),
        "version-2": individuals,
    }
    for name, draw in pictures.items():
        if given.only not in (None, name):
            continue
        draw().save(folder / f"{name}.jpg", quality=78, optimize=True)
        print(folder / f"{name}.jpg")


if __name__ == "__main__":
    main()
