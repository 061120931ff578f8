"""Views and the pinhole camera that takes them.

Angles are degrees. A positive yaw turns the face to the right of the picture, a positive pitch
turns it up, a positive roll tips it clockwise in the picture. The neck bends (`bend`) before the
camera looks at the whole bust from its own direction (`Camera`), so a view such as FERA 2017's
shows the person from that side without an unnatural neck.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import Tensor

from aukit.errors import ConfigError

View = tuple[float, float]
"""Pitch and yaw of a view."""

FRONTAL: View = (0.0, 0.0)
FERA17: tuple[View, ...] = tuple((p, y) for y in (-40.0, 0.0, 40.0) for p in (-40.0, -20.0, 0.0))
"""The nine views of FERA 2017; the sixth is frontal."""

MOST_PITCH, MOST_YAW = 45.0, 75.0
PIVOT = (0.0, -8.0, -1.0)
"""Where the neck bends, centimetres in the head's frame."""


def parse_views(text: str) -> tuple[View, ...]:
    """Views from text: `frontal`, `fera17`, or poses as pitch,yaw separated by blanks.

    Raises:
        ConfigError: the text is none of these, or a view is outside the camera's range.
    """
    if text == "frontal":
        return (FRONTAL,)
    if text == "fera17":
        return FERA17
    return tuple(dict.fromkeys(parse_view(part) for part in text.split()))


def parse_view(text: str) -> View:
    """One view from its name, the inverse of `view_name`."""
    if text == "frontal":
        return FRONTAL
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?,[+-]?\d+(\.\d+)?", text):
        raise ConfigError(
            f"'{text}' is not a view", "write frontal, fera17, or pitch,yaw in degrees: -20,40"
        )
    pitch, yaw = (float(number) + 0.0 for number in text.split(","))
    check_view((pitch, yaw))
    return pitch, yaw


def check_view(view: View) -> None:
    """Refuse a view from where the avatars were not made to be seen.

    Raises:
        ConfigError: the pitch or the yaw is too large.
    """
    pitch, yaw = view
    if not (abs(pitch) <= MOST_PITCH and abs(yaw) <= MOST_YAW):
        raise ConfigError(
            f"view {pitch:g},{yaw:g} is outside the camera's range",
            f"pitch within +-{MOST_PITCH:g}, yaw within +-{MOST_YAW:g} degrees",
        )


def view_name(view: View) -> str:
    """`frontal`, or pitch and yaw such as `-40,20`."""
    return "frontal" if view == FRONTAL else f"{view[0]:g},{view[1]:g}"


def rotations(angles: Tensor) -> Tensor:
    """(B, 3) pitch, yaw and roll in degrees to (B, 3, 3) rotations: yaw first, roll last."""
    sine, cosine = torch.deg2rad(angles).sin().unbind(-1), torch.deg2rad(angles).cos().unbind(-1)
    one, zero = torch.ones_like(sine[0]), torch.zeros_like(sine[0])

    def matrix(*cells: Tensor) -> Tensor:
        return torch.stack(cells, -1).view(-1, 3, 3)

    pitch = matrix(one, zero, zero, zero, cosine[0], sine[0], zero, -sine[0], cosine[0])
    yaw = matrix(cosine[1], zero, sine[1], zero, one, zero, -sine[1], zero, cosine[1])
    roll = matrix(cosine[2], sine[2], zero, -sine[2], cosine[2], zero, zero, zero, one)
    return product(roll, product(pitch, yaw))


def bend(vertices: Tensor, turning: Tensor, angles: Tensor) -> Tensor:
    """Turn the head on its neck.

    Args:
        vertices: (B, V, 3) centimetres.
        turning: (V,) how much each vertex follows, `Head.turning`.
        angles: (B, 3) pitch, yaw, roll in degrees.

    Returns:
        (B, V, 3).
    """
    pivot = vertices.new_tensor(PIVOT)
    turned = _rotate(vertices - pivot, rotations(angles)) + pivot
    return torch.lerp(vertices, turned, turning[:, None])


@dataclass(frozen=True)
class Camera:
    """A batch of pinhole cameras.

    Attributes:
        rotation: (B, 3, 3), head frame to camera axes (x right, y up, z towards the viewer).
        shift: (B, 2) centimetres, where the middle of the skull lies off the optical axis.
        distance: (B,) centimetres from the camera to the middle of the skull.
        height: (B,) centimetres at that distance that fill the height of the picture.
    """

    rotation: Tensor
    shift: Tensor
    distance: Tensor
    height: Tensor

    def to(self, device: torch.device | str) -> Camera:
        """The same cameras on another device."""
        return Camera(*(value.to(device) for value in vars(self).values()))

    def __getitem__(self, rows: slice | Tensor) -> Camera:
        return Camera(*(value[rows] for value in vars(self).values()))

    def place(self, points: Tensor) -> Tensor:
        """(B, N, 3) from the head's frame to camera axes: a rigid motion, centimetres."""
        placed = _rotate(points, self.rotation)
        return placed + torch.nn.functional.pad(self.shift, (0, 1))[:, None]

    def project(self, placed: Tensor, size: tuple[int, int]) -> Tensor:
        """Camera axes to the picture.

        Args:
            placed: (B, N, 3) from `place`.
            size: height and width of the picture in pixels.

        Returns:
            (B, N, 3): x and y in pixels (y down, pixel centres at +0.5), and the distance along the
            optical axis in centimetres.
        """
        height, width = size
        away = self.distance[:, None] - placed[..., 2]
        scale = (height / self.height * self.distance)[:, None] / away
        x = width / 2 + placed[..., 0] * scale
        y = height / 2 - placed[..., 1] * scale
        return torch.stack([x, y, away], -1)


def _rotate(points: Tensor, rotation: Tensor) -> Tensor:
    """(B, N, 3) rotated, in element-wise sums so that the batch size cannot change the rounding."""
    x, y, z = (points[..., None, axis] * rotation[:, None, :, axis] for axis in range(3))
    return x + y + z


def product(first: Tensor, second: Tensor) -> Tensor:
    """Batched 3 x 3 matrix product whose rounding does not depend on the batch size."""
    return (first[..., :, :, None] * second[..., None, :, :]).sum(-2)
