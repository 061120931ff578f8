"""Which MakeHuman targets make one identity direction of the avatars' head.

A combination is a list of (target below `targets/`, weight).
"""

from __future__ import annotations

Combination = list[tuple[str, float]]

_SEXES = ("female", "male")
_AGES = ("young", "old")
_BUILDS = {  # deviation from average muscle and weight, one axis at a time
    "heavy": "averagemuscle-maxweight",
    "light": "averagemuscle-minweight",
    "muscular": "maxmuscle-averageweight",
    "slack": "minmuscle-averageweight",
}


def _macro() -> dict[str, Combination]:
    shapes: dict[str, Combination] = {}
    for sex in _SEXES:
        for age in _AGES:
            average = f"macrodetails/universal-{sex}-{age}-averagemuscle-averageweight"
            for origin in ("african", "asian", "caucasian"):
                shapes[f"{origin}-{sex}-{age}"] = [
                    (f"macrodetails/{origin}-{sex}-{age}", 1.0),
                    (average, 1.0),
                ]
            for build, target in _BUILDS.items():
                shapes[f"{build}-{sex}-{age}"] = [
                    (f"macrodetails/universal-{sex}-{age}-{target}", 1.0),
                    (average, -1.0),
                ]
    return shapes


_SIGNED_MIDDLE = {  # axis -> (positive end, negative end)
    "nose-base": "nose/nose-base-{up,down}",
    "nose-compression": "nose/nose-compression-{uncompress,compress}",
    "nose-curve": "nose/nose-curve-{convex,concave}",
    "nose-flaring": "nose/nose-flaring-{incr,decr}",
    "nose-greek": "nose/nose-greek-{incr,decr}",
    "nose-hump": "nose/nose-hump-{incr,decr}",
    "nose-nostrils-angle": "nose/nose-nostrils-angle-{up,down}",
    "nose-nostrils-width": "nose/nose-nostrils-width-{incr,decr}",
    "nose-point": "nose/nose-point-{up,down}",
    "nose-point-width": "nose/nose-point-width-{incr,decr}",
    "nose-depth": "nose/nose-scale-depth-{incr,decr}",
    "nose-width": "nose/nose-scale-horiz-{incr,decr}",
    "nose-length": "nose/nose-scale-vert-{incr,decr}",
    "nose-septum": "nose/nose-septumangle-{incr,decr}",
    "nose-volume": "nose/nose-volume-{incr,decr}",
    "nose-bridge-width": "nose/nose-width1-{incr,decr}",
    "nose-middle-width": "nose/nose-width2-{incr,decr}",
    "nose-wing-width": "nose/nose-width3-{incr,decr}",
    "mouth-angles": "mouth/mouth-angles-{up,down}",
    "mouth-cupidsbow": "mouth/mouth-cupidsbow-{incr,decr}",
    "mouth-cupidsbow-width": "mouth/mouth-cupidsbow-width-{incr,decr}",
    "mouth-lowerlip-height": "mouth/mouth-lowerlip-height-{incr,decr}",
    "mouth-lowerlip-volume": "mouth/mouth-lowerlip-volume-{incr,decr}",
    "mouth-lowerlip-width": "mouth/mouth-lowerlip-width-{incr,decr}",
    "mouth-philtrum": "mouth/mouth-philtrum-volume-{incr,decr}",
    "mouth-depth": "mouth/mouth-scale-depth-{incr,decr}",
    "mouth-width": "mouth/mouth-scale-horiz-{incr,decr}",
    "mouth-height": "mouth/mouth-scale-vert-{incr,decr}",
    "mouth-level": "mouth/mouth-trans-{up,down}",
    "mouth-upperlip-height": "mouth/mouth-upperlip-height-{incr,decr}",
    "mouth-upperlip-volume": "mouth/mouth-upperlip-volume-{incr,decr}",
    "mouth-upperlip-width": "mouth/mouth-upperlip-width-{incr,decr}",
    "mouth-laugh-lines": "mouth/mouth-laugh-lines-{out,in}",
    "chin-bones": "chin/chin-bones-{incr,decr}",
    "chin-cleft": "chin/chin-cleft-{incr,decr}",
    "chin-height": "chin/chin-height-{incr,decr}",
    "chin-jaw-drop": "chin/chin-jaw-drop-{incr,decr}",
    "chin-prognathism": "chin/chin-prognathism-{incr,decr}",
    "chin-prominent": "chin/chin-prominent-{incr,decr}",
    "chin-width": "chin/chin-width-{incr,decr}",
    "forehead-nubian": "forehead/forehead-nubian-{incr,decr}",
    "forehead-height": "forehead/forehead-scale-vert-{incr,decr}",
    "forehead-temple": "forehead/forehead-temple-{incr,decr}",
    "forehead-depth": "forehead/forehead-trans-{forward,backward}",
    "brow-angle": "eyebrows/eyebrows-angle-{up,down}",
    "brow-depth": "eyebrows/eyebrows-trans-{forward,backward}",
    "brow-level": "eyebrows/eyebrows-trans-{up,down}",
    "head-age": "head/head-age-{incr,decr}",
    "head-fat": "head/head-fat-{incr,decr}",
    "head-back": "head/head-back-scale-depth-{incr,decr}",
    "head-depth": "head/head-scale-depth-{incr,decr}",
    "head-width": "head/head-scale-horiz-{incr,decr}",
    "head-height": "head/head-scale-vert-{incr,decr}",
    "neck-double-chin": "neck/neck-double-{incr,decr}",
    "neck-width": "neck/neck-scale-horiz-{incr,decr}",
}
_SIGNED_PAIRED = {
    "cheek-bones": "cheek/{side}-cheek-bones-{incr,decr}",
    "cheek-inner": "cheek/{side}-cheek-inner-{incr,decr}",
    "cheek-level": "cheek/{side}-cheek-trans-{up,down}",
    "cheek-volume": "cheek/{side}-cheek-volume-{incr,decr}",
    "ear-size": "ears/{side}-ear-scale-{incr,decr}",
    "ear-wing": "ears/{side}-ear-wing-{incr,decr}",
    "ear-lobe": "ears/{side}-ear-lobe-{incr,decr}",
    "eye-bag": "eyes/{side}-eye-bag-{incr,decr}",
    "eye-inner-corner": "eyes/{side}-eye-corner1-{up,down}",
    "eye-outer-corner": "eyes/{side}-eye-corner2-{up,down}",
    "eye-epicanthus": "eyes/{side}-eye-epicanthus-{in,out}",
    "eye-fold-angle": "eyes/{side}-eye-eyefold-angle-{up,down}",
    "eye-fold-shape": "eyes/{side}-eye-eyefold-{convex,concave}",
    "eye-fold-level": "eyes/{side}-eye-eyefold-{up,down}",
    "eye-opening": "eyes/{side}-eye-height2-{incr,decr}",
    "eye-size": "eyes/{side}-eye-scale-{incr,decr}",
    "eye-level": "eyes/{side}-eye-trans-{up,down}",
    "eye-spacing": "eyes/{side}-eye-trans-{out,in}",
}
_HEAD_FORMS = (
    "diamond", "invertedtriangular", "oval", "rectangular", "round", "square", "triangular",
)  # fmt: skip
_ASYMMETRIC = (
    "brown-1", "brown-2", "cheek-1", "cheek-2", "ear-1", "eye-3", "eye-4", "eye-7", "eye-8",
    "jaw-1", "jaw-2", "jaw-3", "mouth-1", "mouth-2", "nose-1", "nose-2", "nose-3", "nose-4",
    "temple-1",
)  # fmt: skip


def _ends(pattern: str) -> tuple[str, str]:
    before, _, choice = pattern.partition("{")
    first, second = choice.rstrip("}").split(",")
    return before + first, before + second


def _local() -> dict[str, Combination]:
    shapes: dict[str, Combination] = {}
    for axis, pattern in _SIGNED_MIDDLE.items():
        for sign, target in zip("+-", _ends(pattern), strict=True):
            shapes[axis + sign] = [(target, 1.0)]
    for axis, pattern in _SIGNED_PAIRED.items():
        ends = _ends(pattern.replace("{side}", "@"))
        for sign, target in zip("+-", ends, strict=True):
            shapes[axis + sign] = [(target.replace("@", side), 1.0) for side in "lr"]
    for form in _HEAD_FORMS:
        shapes[f"head-{form}"] = [(f"head/head-{form}", 1.0)]
    return shapes


MACRO = _macro()
LOCAL = _local()
ASYMMETRY = {
    f"asymmetry-{name}{sign}": [(f"asym/asym-{name}-{side}", 1.0)]
    for name in _ASYMMETRIC
    for sign, side in zip("+-", "lr", strict=True)
}
