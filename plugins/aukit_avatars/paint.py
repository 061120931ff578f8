"""The painted skin of a person: a texture of reflectance and gloss over the whole mesh."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from aukit_avatars.appearance import Colour, Looks, skin_tone
from aukit_avatars.atlas import Atlas
from aukit_avatars.hair import hair_cover, strand_noise
from aukit_avatars.noise import layered_noise, value_noise
from aukit_avatars.randomness import normal, uniform
from aukit_avatars.strands import brow_cover

GREY: Colour = (0.28, 0.27, 0.255)
"""Hair without pigment, in the mass."""

TOOTH = 0.8
"""Width of a tooth, centimetres."""

MOLES = 14
"""Moles at most."""


def paint(looks: Looks, atlas: Atlas) -> Tensor:
    """Paint one person.

    Args:
        looks: the person.
        atlas: the texels.

    Returns:
        (size * size, 4) float32: red, green, blue reflectance in 0..1 (linear light), gloss 0..1.
    """
    skin = _lips(looks, atlas, _skin(looks, atlas))
    skin = _beard(looks, atlas, _stubble(looks, atlas, skin))
    skin = _eyelids(looks, atlas, skin)
    skin = skin * (1 - 0.85 * _hollows(atlas.position))[:, None]
    brows = brow_cover(looks, atlas.position)
    skin = _blend(skin, _brow_tone(looks, atlas.position), brows)
    skin, hair = _hair(looks, atlas, skin)
    colour = _other_parts(atlas, skin).clamp(0.002, 0.9)
    gloss = _gloss(looks, atlas) * (1 - brows) * (1 - 0.6 * hair)
    return atlas.spread(torch.cat([colour, gloss[:, None]], dim=1))


def _skin(looks: Looks, atlas: Atlas) -> Tensor:
    """(N, 3) bare skin: tone, mottling, blood, freckles, moles, shade around the eyes."""
    base = _row(skin_tone(looks.melanin), atlas.position)
    seed = looks.seed % 100_000
    mottle = layered_noise(atlas.position, 2.6, 4, seed)
    pores = value_noise(atlas.position, 0.16, seed + 50)
    skin = base * (1 + 0.07 * mottle + 0.035 * pores)[:, None]
    blood = _blood(atlas) * (0.55 + 0.25 * looks.redness) + 0.12 * looks.redness + 0.1 * mottle
    skin = skin * torch.exp(-blood[:, None] * base.new_tensor([0.10, 0.36, 0.30]))
    shade = _eye_shade(atlas.position) * (0.16 + 0.22 * looks.age + 0.06 * looks.melanin)
    skin = skin * torch.exp(-shade[:, None] * base.new_tensor([0.9, 1.25, 1.1]))
    return skin * (1 - _spots(looks, atlas))[:, None] ** base.new_tensor([0.7, 1.0, 1.25])


def _blood(atlas: Atlas) -> Tensor:
    """Where blood shines through: cheeks, nose, ears, chin, about 0..1."""
    x, y, z = atlas.position.unbind(1)
    cheeks = torch.exp(-(((x.abs() - 4.3) / 2.0).square() + ((y + 1.4) / 1.9).square())) * (z > 3)
    nose = torch.exp(-((x / 1.3).square() + ((y + 1.6) / 1.2).square())) * (z > 9.5)
    chin = 0.4 * torch.exp(-((x / 1.8).square() + ((y + 8.3) / 1.3).square())) * (z > 6)
    return 0.7 * cheeks + 0.85 * nose + chin + 0.8 * atlas.where("ear")


def _eye_shade(position: Tensor) -> Tensor:
    """Darker skin under the eyes and in their inner corners, 0..1."""
    x, y, z = position.unbind(1)
    side = x.abs()
    under = torch.exp(-(((side - 2.9) / 1.5).square() + ((y - 0.45) / 0.65).square()))
    inner = torch.exp(-(((side - 1.8) / 0.6).square() + ((y - 1.6) / 0.8).square()))
    above = 0.6 * torch.exp(-(((side - 3.1) / 1.6).square() + ((y - 2.75) / 0.55).square()))
    return (under + inner + above) * (z > 5)


def _spots(looks: Looks, atlas: Atlas) -> Tensor:
    """(N,) darkening 0..1 by freckles, age spots and moles."""
    position, seed = atlas.position, looks.seed % 100_000
    spots = _moles(looks, position)
    if looks.freckles > 0:
        fine = value_noise(position, 0.33, seed + 71)
        where = value_noise(position, 2.2, seed + 72) * 0.25 + _freckle_zone(position)
        spots = spots + looks.freckles * 0.6 * ((fine - 0.25) * 4).clamp(0, 1) * where.clamp(0, 1)
    if looks.age > 0.45:
        broad = ((layered_noise(position, 0.7, 2, seed + 73) - 0.45) * 4).clamp(0, 1)
        spots = spots + (looks.age - 0.45) * 0.25 * broad
    return spots.clamp(0, 0.85)


def _freckle_zone(position: Tensor) -> Tensor:
    x, y, z = position.unbind(1)
    return torch.exp(-((x / 5.5).square() + ((y + 0.3) / 2.6).square())) * (z > 3)


def _moles(looks: Looks, position: Tensor) -> Tensor:
    number = torch.tensor([looks.seed])
    chance = uniform(number, "moles", 4 * MOLES).view(4, MOLES).to(position.device)
    x, y = (chance[0] * 2 - 1) * 6.5, chance[1] * 15 - 8
    radius = 0.05 + 0.13 * chance[2].square()
    kept = chance[3] < 0.35
    offset = position[:, None, :2] - torch.stack([x, y], 1)[kept]
    distance: Tensor = torch.linalg.vector_norm(offset, dim=-1)
    cover = ((radius[kept] - distance) / 0.07 + 0.5).clamp(0, 1).sum(1).clamp(0, 1)
    return 0.65 * cover * (position[:, 2] > 4)


def _lips(looks: Looks, atlas: Atlas, skin: Tensor) -> Tensor:
    bell = normal(torch.tensor([looks.seed]), "lips", 3)[0].tolist()
    factor = _row((0.74 + 0.05 * bell[0], 0.40 + 0.06 * bell[1], 0.42 + 0.06 * bell[2]), skin)
    dark = min(1.0, 0.55 + 0.9 * looks.melanin)
    natural = skin * factor.lerp(_row((0.84, 0.70, 0.74), skin), dark * looks.melanin)
    hue = uniform(torch.tensor([looks.seed]), "lipstick", 3)[0].tolist()
    stick = _row((0.22 + 0.3 * hue[0], 0.02 + 0.08 * hue[1], 0.035 + 0.1 * hue[2]), skin)
    lips = natural.lerp(stick.expand_as(skin), 0.75 * looks.lipstick)
    creases = value_noise(atlas.position * atlas.position.new_tensor([1, 0.12, 0.3]), 0.16, 11)
    return _blend(skin, lips * (1 + 0.09 * creases)[:, None], _step(atlas.lip, 0.25, 0.75))


def _stubble(looks: Looks, atlas: Atlas, skin: Tensor) -> Tensor:
    """A bluish shade with grain."""
    if looks.stubble == 0:
        return skin
    grain = value_noise(atlas.position, 0.09, looks.seed % 1000 + 5)
    shade = _beard_zone(looks, atlas) * looks.stubble * (0.30 + 0.22 * grain)
    return skin * torch.exp(-shade[:, None] * skin.new_tensor([1.25, 1.1, 0.85]))


def _beard(looks: Looks, atlas: Atlas, skin: Tensor) -> Tensor:
    """Strands that hang down."""
    if looks.beard == 0:
        return skin
    stretch = atlas.position * atlas.position.new_tensor([1, 0.3, 0.7])
    strands = layered_noise(stretch, 0.13, 2, looks.seed % 1000 + 6)
    zone = _beard_zone(looks, atlas)
    cover = _step(zone + 0.35 * strands, 0.25, 0.95) * looks.beard
    tone = _row(looks.hair, skin).lerp(_row(GREY, skin), min(1.0, 1.2 * looks.grey))
    return _blend(skin, tone * (1 + 0.5 * strands)[:, None], 0.93 * cover)


def _beard_zone(looks: Looks, atlas: Atlas) -> Tensor:
    """(N,) 0..1 where a beard grows: jaw, chin, moustache, upper neck."""
    x, y, z = atlas.position.unbind(1)
    side = x.abs()
    border = -5.0 + 1.2 * (side - 3.2).clamp(0, 1.6) + 2.2 * (side - 4.8).clamp_min(0)
    edge = 0.35 * value_noise(atlas.position, 0.7, looks.seed % 1000 + 8)
    jaw = _step(border + edge - y, -0.6, 1.3) * _step(z, 0.3, 1.6)
    moustache = _step(3.2 - side + edge, 0, 1) * _step(-2.8 - y, 0, 0.6) * _step(y + 5.6, 0, 0.6)
    soul = 1 - 0.75 * torch.exp(-(((side - 1.5) / 0.7).square() + ((y + 6.4) / 0.6).square()))
    neck = _step(y + 11.2, 0, 1.6) * (1 - _step(atlas.lip, 0.1, 0.5)) * atlas.where("skin")
    return torch.maximum(jaw * soul, moustache * (z > 8)) * neck


def _eyelids(looks: Looks, atlas: Atlas, skin: Tensor) -> Tensor:
    """The dark line where the lashes root; make-up makes it stronger."""
    line = torch.exp(-(atlas.lid / 0.17).square()) * (0.7 + 0.25 * looks.lipstick)
    above = atlas.position[:, 1] > 1.8 - 0.02 * atlas.position[:, 0].abs()
    line = line * torch.where(above, 1.0, 0.5)
    dark = _row((0.02, 0.013, 0.01), skin).lerp(_row(looks.hair, skin), 0.2).expand_as(skin)
    return _blend(skin, dark, line)


def _hollows(position: Tensor) -> Tensor:
    """(N,) 0..1 where no light gets in: nostrils and the seam of the lips."""
    x, y, z = position.unbind(1)
    nostril = torch.exp(-(((x.abs() - 0.68) / 0.36).square() + ((y + 2.25) / 0.30).square())) * (
        z < 11.3
    )
    seam = torch.exp(-((y + 4.85) / 0.10).square()) * ((2.6 - x.abs()) / 0.8).clamp(0, 1)
    return (nostril * (z > 9.5) + 0.8 * seam * (z > 8)).clamp(0, 1)


def _gloss(looks: Looks, atlas: Atlas) -> Tensor:
    """(N,) strength of the highlight: forehead, nose and lips shine, grain breaks it up."""
    x, y, _ = atlas.position.unbind(1)
    zone = torch.exp(-((x / 3.2).square() + ((y - 5.5) / 2.5).square()))
    zone = zone + torch.exp(-((x / 1.2).square() + ((y - 0.2) / 2.6).square()))
    grain = value_noise(atlas.position, 0.14, looks.seed % 1000 + 3)
    shine = (0.22 + 0.3 * looks.oiliness) * (0.7 + 0.5 * zone) * (1 + 0.35 * grain)
    wet = _step(atlas.lip, 0.3, 0.8) * (0.35 + 0.35 * looks.lipstick)
    return (shine + wet).clamp(0, 1)


def _brow_tone(looks: Looks, position: Tensor) -> Tensor:
    """(N, 3) colour of the brows: darker than the hair, grey later."""
    hair = _row(looks.hair, position) * 0.62
    tone = hair.lerp(_row((0.20, 0.19, 0.18), position), 0.5 * looks.grey)
    return tone * (1 + 0.3 * value_noise(position, 0.12, 4))[:, None]


def _hair(looks: Looks, atlas: Atlas, skin: Tensor) -> tuple[Tensor, Tensor]:
    """The skin (N, 3) with hair on it, strands lighter, darker and grey, and its cover (N,)."""
    strand = strand_noise(atlas.position, looks.seed)
    cover = hair_cover(looks, atlas.position, strand) * atlas.where("skin")
    cover = cover.where(atlas.part >= 0, 1.0)
    grey = _greyness(looks, atlas.position)
    tone = _blend(_row(looks.hair, skin), _row(GREY, skin), grey)
    return _blend(skin, tone * (1 + 0.5 * strand)[:, None], cover), cover


def _greyness(looks: Looks, position: Tensor) -> Tensor:
    """(N,) 0..1 share of grey in each strand: some turn before others."""
    if looks.grey == 0:
        return position.new_zeros(len(position))
    turn = 0.5 * strand_noise(position, looks.seed + 1) + 2.4 * looks.grey - 1.2
    return _step(turn, -0.9, 0.9) * min(1.0, 2 * looks.grey)


def _other_parts(atlas: Atlas, skin: Tensor) -> Tensor:
    """Colours of what is not skin."""
    pink = skin * 0.5 + 0.5 * _row((0.42, 0.15, 0.12), skin)
    colours: dict[str, Callable[[], Tensor]] = {
        "eye_socket": lambda: pink,
        "inner_mouth": lambda: _row((0.16, 0.045, 0.04), skin).expand_as(skin),
        "teeth": lambda: _teeth(atlas.position),
        "tongue": lambda: _row((0.36, 0.13, 0.12), skin).expand_as(skin),
        "lashes": lambda: _row((0.012, 0.009, 0.008), skin).expand_as(skin),
    }
    for part, colour in colours.items():
        here = atlas.where(part)
        skin = colour().where(here[:, None], skin)
    return skin


def _teeth(position: Tensor) -> Tensor:
    """(N, 3) enamel with a shadow between the teeth."""
    offset = torch.remainder(position[:, 0] / TOOTH + 0.5, 1) - 0.5
    gap = 1 - 0.45 * torch.exp(-((offset.abs() - 0.5) * TOOTH / 0.07).square())
    return _row((0.62, 0.55, 0.43), position) * gap[:, None]


def _row(colour: Colour, like: Tensor) -> Tensor:
    return like.new_tensor(colour)[None]


def _blend(under: Tensor, over: Tensor, cover: Tensor) -> Tensor:
    return under + (over - under) * cover[:, None]


def _step(value: Tensor, low: float, high: float) -> Tensor:
    """Smooth step from 0 at `low` to 1 at `high`."""
    share = ((value - low) / (high - low)).clamp(0, 1)
    return share * share * (3 - 2 * share)
