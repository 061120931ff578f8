"""The appearance of a person apart from head shape: skin, hair, eyes, clothes.

Everything is drawn from one seed, given age, sex and ancestry. The distributions are hand-tuned for
variety; they are not statistics of any population.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from aukit_avatars.randomness import normal, uniform

Colour = tuple[float, float, float]
"""Red, green and blue reflectance in 0..1, linear light."""

# Reflectance of skin from the lightest to the darkest: knots of a curve through the colours that
# melanin gives (measured spectra put them on one such line, e.g. Xiao et al., "Characterising the
# variations in ethnic skin colours", Skin Research and Technology 2017).
SKIN_TONES: tuple[Colour, ...] = (
    (0.80, 0.56, 0.45),
    (0.70, 0.44, 0.325),
    (0.56, 0.315, 0.205),
    (0.40, 0.205, 0.118),
    (0.235, 0.112, 0.062),
    (0.125, 0.062, 0.038),
    (0.062, 0.034, 0.024),
)

HAIR_TONES: dict[str, Colour] = {
    "black": (0.012, 0.010, 0.009),
    "dark brown": (0.032, 0.019, 0.012),
    "brown": (0.085, 0.046, 0.024),
    "light brown": (0.17, 0.10, 0.052),
    "blond": (0.40, 0.27, 0.135),
    "red": (0.25, 0.075, 0.022),
}

IRIS_TONES: dict[str, Colour] = {
    "dark": (0.030, 0.016, 0.010),
    "brown": (0.090, 0.042, 0.018),
    "hazel": (0.150, 0.095, 0.035),
    "green": (0.130, 0.150, 0.070),
    "blue": (0.110, 0.190, 0.290),
    "grey": (0.180, 0.210, 0.230),
}

HAIR_STYLES = ("bald", "shaven", "short", "full", "afro", "tied", "bob", "long")


@dataclass(frozen=True)
class Looks:
    """The appearance of a person; hashable, so that its textures can be cached.

    Attributes:
        seed: determines every detail without a field of its own.
        age: 0 (young adult) to 1 (old).
        male: 0 to 1.
        melanin: 0 (lightest skin) to 1 (darkest).
        redness: blood under the skin, about -1 to 1.
        freckles: 0 to 1.
        oiliness: 0 to 1, strength of the highlights.
        hair: colour of the hair of the head.
        grey: share of grey hair, 0 to 1.
        style: one of `HAIR_STYLES`.
        recession: 0 to 1, how far the hairline has moved back.
        brow_density, brow_thickness, brow_arch: about 0 to 1.
        stubble, beard: 0 to 1.
        lipstick: 0 to 1.
        iris: colour.
        clothes: colour.
        collar: height of the neckline on the mean head, centimetres.
    """

    seed: int
    age: float
    male: float
    melanin: float
    redness: float
    freckles: float
    oiliness: float
    hair: Colour
    grey: float
    style: str
    recession: float
    brow_density: float
    brow_thickness: float
    brow_arch: float
    stubble: float
    beard: float
    lipstick: float
    iris: Colour
    clothes: Colour
    collar: float

    @classmethod
    def draw(cls, seed: int, age: float, male: float, ancestry: Sequence[float]) -> Looks:
        """Draw the looks of a person.

        Args:
            seed: any integer.
            age: 0 (young adult) to 1 (old).
            male: 0 to 1.
            ancestry: three weights that sum to 1: African, Asian, European.
        """
        number = torch.tensor([seed])
        chance = uniform(number, "looks", 24)[0].tolist()
        bell = normal(number, "looks", 8)[0].tolist()
        africa, asia, europe = ancestry
        melanin = _clip(0.78 * africa + 0.34 * asia + 0.13 * europe + 0.13 * bell[0])
        man = male > 0.5
        grey = _clip((age - 0.35) * 1.6 + 0.25 * bell[1]) if age > 0.3 else 0.0
        return cls(
            seed=seed,
            age=age,
            male=male,
            melanin=melanin,
            redness=0.5 * bell[2],
            freckles=max(0.0, chance[0] - 0.55) * 2 * europe * (1 - melanin),
            oiliness=_clip(0.4 + 0.25 * bell[3]),
            hair=_hair_colour(melanin, europe, chance[1], chance[2]),
            grey=grey,
            style=_style(man, age, africa, chance[3]),
            recession=_clip(age * (0.9 if man else 0.3) * (0.4 + chance[4])),
            brow_density=_clip(0.62 + 0.2 * male + 0.16 * bell[4]),
            brow_thickness=_clip(0.30 + 0.35 * male + 0.18 * bell[5]),
            brow_arch=_clip(0.55 - 0.25 * male + 0.22 * bell[6]),
            stubble=chance[5] * chance[6] if man else 0.0,
            beard=_clip((chance[7] - 0.7) * 6) if man else 0.0,
            lipstick=0.0 if man else _clip((chance[8] - 0.5) * 2),
            iris=_iris_colour(melanin, europe, chance[9]),
            clothes=_clothes_colour(chance[10:14]),
            collar=-9.0 - 7.0 * chance[14],
        )


def skin_tone(melanin: float) -> Colour:
    """Linear reflectance of skin with this much melanin (0..1), by geometric interpolation."""
    place = _clip(melanin) * (len(SKIN_TONES) - 1)
    low = min(int(place), len(SKIN_TONES) - 2)
    share = place - low
    pairs = zip(SKIN_TONES[low], SKIN_TONES[low + 1], strict=True)
    red, green, blue = (a ** (1 - share) * b**share for a, b in pairs)
    return red, green, blue


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _hair_colour(melanin: float, europe: float, chance: float, shade: float) -> Colour:
    names = ("dark brown", "brown", "brown", "light brown", "blond", "red")
    if melanin > 0.4 or europe < 0.5:
        names = ("black", "black", "black", "black", "dark brown", "dark brown")
    base = HAIR_TONES[names[int(chance * len(names))]]
    red, green, blue = (value * (0.75 + 0.5 * shade) for value in base)
    return red, green, blue


def _iris_colour(melanin: float, europe: float, chance: float) -> Colour:
    names = ("brown", "brown", "hazel", "green", "blue", "grey")
    if melanin > 0.4 or europe < 0.5:
        names = ("dark", "dark", "dark", "dark", "brown", "brown")
    return IRIS_TONES[names[int(chance * len(names))]]


_STYLES_OF = {
    "old man": ("bald", "bald", "shaven", "short", "short", "short"),
    "man": ("bald", "shaven", "shaven", "short", "short", "short", "short", "full", "full"),
    "woman": ("short", "full", "tied", "tied", "bob", "bob", "bob", "long", "long", "long"),
}


def _style(man: bool, age: float, africa: float, chance: float) -> str:
    if africa > 0.6 and chance < 0.3:
        return "shaven" if man and chance < 0.15 else "afro"
    names = _STYLES_OF["woman" if not man else "old man" if age > 0.55 else "man"]
    return names[int(chance * len(names))]


def _clothes_colour(chance: Sequence[float]) -> Colour:
    """A muted colour: a grey of any lightness, tinted."""
    value = 0.015 + 0.5 * chance[0] ** 2
    tint = [0.6 + 0.6 * part for part in chance[1:4]]
    mean = sum(tint) / 3
    red, green, blue = (min(0.85, value * part / mean) for part in tint)
    return red, green, blue
