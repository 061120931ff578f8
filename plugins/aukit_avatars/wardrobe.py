"""People prepared for the renderer: painted, with hair, and cached."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from aukit.vision.rotation import product
from aukit_avatars.appearance import Looks, skin_tone
from aukit_avatars.atlas import CURTAIN, Atlas
from aukit_avatars.hair import curtain, curtain_triangles, curtain_uv, hair_thickness
from aukit_avatars.head import Head
from aukit_avatars.lighting import incidence, vertex_normals
from aukit_avatars.paint import paint
from aukit_avatars.regions import belonging

METERED_SKIN = 0.3
"""Reflectance of skin that leaves the exposure as it is."""

SKIRT = 40.0
"""Centimetres that clothes hang down from where the mesh ends."""


@dataclass(frozen=True)
class Mesh:
    """The head, a curtain of hair behind it and the clothes below it, as one mesh.

    Attributes:
        triangles: (T, 3) int64, all that is opaque.
        lashes: (L, 3) int64, seen from both sides.
        lash: (V, 2) float32 at their vertices: 0 at the root to 1 at the tip; angle.
        uv: (U, 2) float32 in 0..1.
        triangle_uv: (T, 3) int64 rows of `uv`.
        part: (T,) int64 index into the parts of the head, -1 for the curtain.
        hem: (E,) int64 vertices along the lower edge of the torso.
        incidence: what `vertex_normals` needs.
    """

    triangles: Tensor
    lashes: Tensor
    lash: Tensor
    uv: Tensor
    triangle_uv: Tensor
    part: Tensor
    hem: Tensor
    incidence: tuple[Tensor, Tensor, Tensor]

    @classmethod
    def of(cls, head: Head) -> Mesh:
        """Put the parts together."""
        lashes, torso = head.part("lashes"), head.parts.index("torso")
        strip = curtain_uv(CURTAIN).to(head.uv.device)
        hanging = curtain_triangles().to(head.uv.device)
        hem, skirt = _skirt(head, len(head.vertices) + len(strip))
        shown = head.triangles[~lashes]
        triangles = torch.cat([shown, skirt, hanging + len(head.vertices)])
        plain = head.triangle_uv[head.triangle_part == torso][:1].expand(len(skirt), -1)
        part = head.triangle_part[~lashes]
        return cls(
            triangles=triangles,
            lashes=torch.cat([head.triangles[lashes], head.triangles[lashes].flip(1)]),
            lash=_lash_places(head),
            uv=torch.cat([head.uv, strip]),
            triangle_uv=torch.cat([head.triangle_uv[~lashes], plain, hanging + len(head.uv)]),
            part=torch.cat(
                [part, part.new_full((len(skirt),), torso), part.new_full((len(hanging),), -1)]
            ),
            hem=hem,
            incidence=incidence(
                triangles[: -len(hanging) // 2], len(head.vertices) + len(strip) + len(hem)
            ),
        )


def _skirt(head: Head, first: int) -> tuple[Tensor, Tensor]:
    """Open edge (E,) of the torso; triangles (2E, 3) from it to points numbered `first` on."""
    torso = head.triangles[head.part("torso")]
    edges = torch.cat([torso[:, [0, 1]], torso[:, [1, 2]], torso[:, [2, 0]]])
    every = torch.cat(
        [head.triangles[:, [0, 1]], head.triangles[:, [1, 2]], head.triangles[:, [2, 0]]]
    )
    count = len(head.vertices)
    paired = torch.isin(edges[:, 0] * count + edges[:, 1], every[:, 1] * count + every[:, 0])
    start, end = edges[~paired].T.contiguous()
    hem = torch.bincount(start).nonzero().squeeze(1)
    below_start, below_end = (torch.searchsorted(hem, side) + first for side in (start, end))
    lower = torch.stack([end, start, below_start], dim=1)
    return hem, torch.cat([lower, torch.stack([end, below_start, below_end], dim=1)])


@dataclass(frozen=True)
class Dressed:
    """A batch of people with everything on.

    Attributes:
        points: (B, P, 3) centimetres in the head's frame; NaN for a curtain that is not there.
        axes: (B, 3, 3) how the skull is turned in that frame.
        slot: (B,) int64 row of `Wardrobe.paintings`.
        iris, clothes: (B, 3) linear colours.
        collar: (B,) lowest point of the neckline, centimetres on the mean head.
        metered: (B,) factor by which a camera that meters the face changes its exposure.
        eyes: (B,) float32 in 0..1, what tells the fibres of one iris from another.
    """

    points: Tensor
    axes: Tensor
    slot: Tensor
    iris: Tensor
    clothes: Tensor
    collar: Tensor
    metered: Tensor
    eyes: Tensor


class Wardrobe:
    """Paints people and keeps the latest, in tensors that the renderer reads from directly.

    Args:
        head: the mesh.
        texture: texels along the edge of a painting.
        people: how many are kept, the latest used.
    """

    def __init__(self, head: Head, texture: int, people: int) -> None:
        self.head = head
        self.people = people
        self.mesh = Mesh.of(head)
        self.texture = texture
        self._paintings = [
            head.vertices.new_zeros(people * size * size, 4) for size in (texture, texture // 2)
        ]
        self._atlas = Atlas.of(head, texture)
        self._slots: OrderedDict[Looks, int] = OrderedDict()
        self._pushed = head.vertices.new_zeros(people, len(head.vertices), 3)
        self._curtains = head.vertices.new_zeros(people, len(curtain_uv(CURTAIN)), 3)
        self._skull = _Skull(head)
        self._outwards = vertex_normals(
            head.vertices[None], *incidence(head.triangles, len(head.vertices))
        )[0]
        self._scalp = _scalp(head)
        self._drop = head.vertices.new_tensor([0.0, SKIRT, 0.0])

    def dress(self, shape: Tensor, looks: Sequence[Looks]) -> Dressed:
        """Paint who is new, and put hair on all.

        Args:
            shape: (B, V, 3) centimetres; B at most `people`.
            looks: B people.
        """
        slot = torch.tensor([self._slot(person) for person in looks], device=shape.device)
        axes, scale, origin = self._skull.measure(shape)
        pushed = shape + _turn(self._pushed[slot] * scale[:, None], axes)
        hanging = _turn(self._curtains[slot] * scale[:, None], axes) + origin[:, None]
        colours = torch.tensor([[p.iris, p.clothes] for p in looks], device=shape.device)
        return Dressed(
            points=torch.cat([pushed, hanging, shape[:, self.mesh.hem] - self._drop], dim=1),
            axes=axes,
            slot=slot,
            iris=colours[:, 0],
            clothes=colours[:, 1],
            collar=torch.tensor([p.collar for p in looks], device=shape.device),
            metered=torch.tensor([_metered(p) for p in looks], device=shape.device),
            eyes=torch.tensor([p.seed % 1009 / 1009 for p in looks], device=shape.device),
        )

    def paintings(self, samples: int) -> tuple[Tensor, int]:
        """The table of paintings for pictures with that many samples across, and its texels.

        Small pictures read paintings of half the size, which is kinder to the cache and does what
        a mipmap does: no texel falls between two samples.
        """
        small = 2 * samples <= self.texture + 64
        return self._paintings[small], self.texture // 2 if small else self.texture

    def _slot(self, looks: Looks) -> int:
        if looks in self._slots:
            self._slots.move_to_end(looks)
            return self._slots[looks]
        full = len(self._slots) == self.people
        slot = self._slots.popitem(last=False)[1] if full else len(self._slots)
        self._slots[looks] = slot
        self._paint(looks, slot)
        return slot

    def _paint(self, looks: Looks, slot: int) -> None:
        painting = paint(looks, self._atlas)
        for table, texels in zip(self._paintings, (painting, _halved(painting)), strict=True):
            table[slot * len(texels) : (slot + 1) * len(texels)] = texels
        thickness = hair_thickness(looks, self.head.vertices) * self._scalp
        self._pushed[slot] = self._outwards * thickness[:, None]
        self._curtains[slot] = curtain(looks).to(self._curtains.device)


class _Skull:
    """Measures where the skull is in a shape and how large, against the mean head."""

    def __init__(self, head: Head) -> None:
        x, y, z = head.vertices.unbind(1)
        firm = belonging(head, "skin")
        bands = {
            "left": firm & (x > 6.0) & (y > 3.5),
            "right": firm & (x < -6.0) & (y > 3.5),
            "top": firm & (y > 11.5),
            "back": firm & (z < -5.5) & (y > 0),
            "brow": firm & (z > 6.5) & (y > 5.5) & (y < 8.5),
        }
        self._bands = {name: band.nonzero().squeeze(1) for name, band in bands.items()}
        mean = head.vertices[None]
        self._axes, self._size, self._middle = self._raw(mean)

    def measure(self, shape: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Axes (B, 3, 3), size against the mean head (B, 3) and the place of its origin (B, 3)."""
        axes, size, middle = self._raw(shape)
        turned = product(axes, self._axes.transpose(1, 2))
        scale = size / self._size
        offset = _turn((-self._middle * scale)[:, None], turned)[:, 0]
        return turned, scale, middle + offset

    def _raw(self, shape: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        at = {name: shape[:, band].mean(1) for name, band in self._bands.items()}
        middle = (at["left"] + at["right"]) / 2
        across, along = at["left"] - at["right"], at["brow"] - at["back"]
        x = functional.normalize(across, dim=1)
        y = functional.normalize(torch.linalg.cross(along, x), dim=1)
        z = torch.linalg.cross(x, y)
        height = ((at["top"] - middle) * y).sum(1)
        size = torch.stack(
            [
                torch.linalg.vector_norm(across, dim=1),
                height,
                torch.linalg.vector_norm(along, dim=1),
            ],
            dim=1,
        )
        return torch.stack([x, y, z], dim=2), size, middle


def _lash_places(head: Head) -> Tensor:
    """(V, 2): how far from the lid, as a share of the longest lash, and the angle round the eye."""
    lashes = belonging(head, "lashes")
    rim = head.vertices[belonging(head, "eye_socket")]
    place = head.vertices[lashes]
    reach = torch.cdist(place, rim).amin(1)
    middle = place.new_tensor([3.08, 1.8])
    around = torch.atan2(place[:, 1] - middle[1], place[:, 0].abs() - middle[0])
    places = head.vertices.new_zeros(len(head.vertices), 2)
    reach = (reach - reach.min()) / (reach.max() - reach.min())
    places[lashes] = torch.stack([reach, around], dim=1)
    return places


def _metered(looks: Looks) -> float:
    """Dark skin is exposed longer, light skin shorter, if not enough to make them equal."""
    red, green, blue = skin_tone(looks.melanin)
    return float((METERED_SKIN / (0.25 * red + 0.65 * green + 0.1 * blue)) ** 0.3)


def _halved(painting: Tensor) -> Tensor:
    """(S * S, C) to (S / 2 * S / 2, C): means of four texels."""
    size = round(len(painting) ** 0.5)
    grid = painting.view(size // 2, 2, size // 2, 2, -1)
    return grid.mean((1, 3)).flatten(0, 1)


def _scalp(head: Head) -> Tensor:
    """(V,) 1 on skin that hair may lift, 0 on ears, face lining, neck and torso."""
    others = [part for part in head.parts if part != "skin"]
    return (belonging(head, "skin") & ~belonging(head, *others)).float()


def _turn(points: Tensor, axes: Tensor) -> Tensor:
    """(B, N, 3) by (B, 3, 3), in sums whose rounding does not depend on the batch."""
    x, y, z = (points[..., None, axis] * axes[:, None, :, axis] for axis in range(3))
    return x + y + z
