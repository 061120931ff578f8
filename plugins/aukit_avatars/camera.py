"""Views and the pinhole camera.

Angles are in degrees. Positive yaw turns the face towards the right of the picture, positive pitch
turns it up, positive roll rotates it clockwise in the picture. The neck bends first (`bend`); then
the camera views the whole bust from its own direction (`Camera`), so that views such as FERA 2017's
do not need an unnatural neck.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from aukit.errors import ConfigError
from aukit.views import View, parse_views
from aukit.vision.rotation import rotate, rotations

MOST_PITCH, MOST_YAW = 45.0, 75.0
PIVOT = (0.0, -8.0, -1.0)
"""Where the neck bends, centimetres in the head's frame."""


def views_of(text: str) -> tuple[View, ...]:
    """Views from text (`aukit.views.parse_views`) that the avatars can be seen in.

    Raises:
        ConfigError: the text names no views, or one is outside the camera's range.
    """
    views = parse_views(text)
    for view in views:
        check_view(view)
    return views


def check_view(view: View) -> None:
    """Refuse a view outside the range that avatars support.

    Raises:
        ConfigError: the pitch or the yaw is too large.
    """
    pitch, yaw = view
    if not (abs(pitch) <= MOST_PITCH and abs(yaw) <= MOST_YAW):
        raise ConfigError(
            f"view {pitch:g},{yaw:g} is outside the camera's range",
            f"pitch within +-{MOST_PITCH:g}, yaw within +-{MOST_YAW:g} degrees",
        )


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
    turned = rotate(vertices - pivot, rotations(angles)) + pivot
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
        placed = rotate(points, self.rotation)
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
