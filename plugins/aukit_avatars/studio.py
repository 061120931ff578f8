"""Combines a person, an expression, a view and a scene, and renders the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from aukit.errors import ConfigError
from aukit.views import FRONTAL, View
from aukit.vision.rotation import product, rotations
from aukit_avatars.actions import AUS, SIDES, Face, check, strengths
from aukit_avatars.appearance import Looks
from aukit_avatars.camera import Camera, bend, check_view
from aukit_avatars.head import Head, mix
from aukit_avatars.people import OLDEST, YOUNGEST, Person
from aukit_avatars.props import Props
from aukit_avatars.randomness import normal
from aukit_avatars.render import Renderer, Rendering
from aukit_avatars.scene import Scenes

# Distance of the camera, centimetres of the head that fill the picture, and their spreads.
_CAMERAS = {"a": (120.0, 25.0, 0.04, 0.6), "b": (70.0, 28.0, 0.08, 1.2)}
_FACE = (0.0, -0.8, 6.0)
"""Point of the head's frame, centimetres, that every view has in the middle of the picture."""


@dataclass(frozen=True)
class Shots:
    """B pictures to take.

    Attributes:
        people: length B.
        activation: (B, AUs) float32, 0..5 and in between, in the order of `actions.AUS`.
        views: length B.
        angles: (B, 3) degrees, how the head is turned on the neck.
        gaze: (B, 2) in -1..1, up and to the right of the picture.
        scene: (B,) int64 seeds of light, room and camera.
        noise: (B,) int64 seeds of the sensor noise.
        domain: `a` or `b`.
        uncoded: (B, K) float32 weights of `sequences.UNCODED`: what moves and is not an AU.
    """

    people: Sequence[Person]
    activation: Tensor
    views: Sequence[View]
    angles: Tensor
    gaze: Tensor
    scene: Tensor
    noise: Tensor
    domain: str = "a"
    uncoded: Tensor | None = None


@dataclass(frozen=True)
class Truth:
    """Everything about B pictures.

    Attributes:
        images: (B, 3, S, S) uint8.
        landmarks: (B, 68, 2) float32, iBUG points in pixels, pixel centres at integers.
        vertices: (B, V, 3) float32: the dense mesh, pixels and the distance in centimetres.
        visible: (B, V) bool, the vertices that nothing hides.
        mask: (B, S, S) float32 in 0..1, how much of each pixel the person covers.
        props: (B, S, S) float32 in 0..1, how much of each pixel hair, glasses, a hand or a mask
            before the face hides.
        head: (B, V, 3) float32 centimetres, the mesh in the head's own frame, neck unbent.
        pose: (B, 3, 3) float32, rotation from the head's frame to camera axes.
        camera: the cameras.
    """

    images: Tensor
    landmarks: Tensor
    vertices: Tensor
    visible: Tensor
    mask: Tensor
    props: Tensor
    head: Tensor
    pose: Tensor
    camera: Camera


class Studio:
    """Takes pictures of avatars.

    Args:
        device: where to compute.
        head: the head model; by default the bundled one.
        texture: texels along the edge of the painted skin. Painting a person takes longer than
            a picture, so many people in small pictures want fewer.
    """

    def __init__(self, device: str = "cpu", head: Head | None = None, texture: int = 512) -> None:
        self.device = torch.device(device)
        self.head = (head or Head.load()).to(device)
        self._face = Face(self.head)
        self._renderer = Renderer(self.head, device, texture=texture)
        self._gaze = _gaze_matrix(self.head)
        self._neutral = lru_cache(maxsize=256)(self._neutral_of)

    def shape(self, shots: Shots) -> Tensor:
        """(B, V, 3) vertices in the head's frame, neck unbent, centimetres."""
        neutral = torch.stack([self._neutral(person) for person in shots.people])
        return self.head.move(neutral, self._weights(shots))

    def shoot(self, shots: Shots, size: int, camera: Camera | None = None) -> Truth:
        """Take the pictures.

        Args:
            shots: what to take.
            size: side of the pictures in pixels.
            camera: B cameras; the ones that stand in the scenes by default.

        Raises:
            ConfigError: a view outside the camera's range, a level outside 0..5, a size below 1.
        """
        if size < 1:
            raise ConfigError(f"cannot render pictures of {size} pixels")
        check(AUS, shots.activation)
        head, camera = self.shape(shots), camera or self.camera(shots)
        angles = self._turned(shots).to(self.device)
        bent = bend(head, self.head.turning, angles)
        picture = self._render(shots, bent, self._props(shots, bent), camera, size)
        return Truth(
            images=picture.image,
            landmarks=picture.landmarks - 0.5,
            vertices=picture.vertices - picture.vertices.new_tensor([0.5, 0.5, 0.0]),
            visible=picture.visible,
            mask=picture.mask,
            props=picture.props,
            head=head,
            pose=product(camera.rotation, rotations(angles)),
            camera=camera,
        )

    def portrait(
        self,
        person: Person,
        levels: Tensor,
        view: View = FRONTAL,
        size: int = 256,
        scene: int = 0,
        domain: str = "a",
    ) -> Truth:
        """One person, in pictures that differ only in the AUs.

        Args:
            person: the person.
            levels: (B, AUs) 0..5 in the order of `actions.AUS`.
            view: pitch and yaw in degrees.
            size: side of the pictures in pixels.
            scene: seed of light, room, camera and noise.
            domain: `a` or `b`.
        """
        count = len(levels)
        seeds = torch.full((count,), scene)
        still = torch.zeros(count, 3)
        shots = Shots(
            [person] * count, levels, [view] * count, still, still[:, :2], seeds, seeds, domain
        )
        return self.shoot(shots, size)

    def camera(self, shots: Shots) -> Camera:
        """The cameras: the view, and the scene's framing.

        Raises:
            ConfigError: a view outside the camera's range.
        """
        for view in set(shots.views):
            check_view(view)
        distance, height, spread, off = _CAMERAS[shots.domain]
        bell = normal(shots.scene, "camera", 4)
        turn = rotations(torch.nn.functional.pad(torch.tensor(shots.views), (0, 1)))
        return Camera(
            rotation=turn,
            shift=off * bell[:, :2] - (turn * torch.tensor(_FACE)).sum(-1)[:, :2],
            distance=distance * torch.exp(spread * bell[:, 2]),
            height=height * torch.exp(spread * bell[:, 3]),
        ).to(self.device)

    def _render(
        self, shots: Shots, shape: Tensor, props: Props | None, camera: Camera, size: int
    ) -> Rendering:
        return self._renderer.render(
            shape=shape,
            camera=camera,
            looks=self._looks(shots),
            strength=self._folds(shots),
            scenes=Scenes.draw(shots.scene, shots.domain),
            seeds=shots.noise,
            size=size,
            props=props,
        )

    def _looks(self, shots: Shots) -> list[Looks]:
        return [looks_of(person) for person in shots.people]

    def _folds(self, shots: Shots) -> Tensor:
        """(B, AUs, 2): how deep the folds of each AU are, left and right."""
        return self._strength(shots)

    def _turned(self, shots: Shots) -> Tensor:
        """(B, 3) degrees that the heads turn on their necks."""
        return shots.angles

    def _props(self, shots: Shots, shape: Tensor) -> Props | None:
        """What hides parts of the faces, for (B, V, 3) shapes; nothing by default."""
        return None

    def _neutral_of(self, person: Person) -> Tensor:
        return self.head.neutral(person.identity[None].to(self.device))[0]

    def _strength(self, shots: Shots) -> Tensor:
        """(B, AUs, 2): this person's strength on the left and on the right."""
        expressivity = torch.stack([person.expressivity for person in shots.people])
        return (strengths(shots.activation)[..., None] * expressivity).to(self.device)

    def _weights(self, shots: Shots) -> Tensor:
        identity = torch.stack([person.identity for person in shots.people]).to(self.device)
        weights = self._face.weights(identity, self._strength(shots))
        gaze = shots.gaze.to(self.device)
        return weights + mix(torch.cat([gaze, -gaze], 1).clamp_min(0), self._gaze)


@lru_cache(maxsize=1024)
def looks_of(person: Person) -> Looks:
    """The appearance for a person's seed, age, sex and origin."""
    age = (person.age - YOUNGEST) / (OLDEST - YOUNGEST)
    return Looks.draw(person.appearance, age, 1 - person.female, person.origin.tolist())


def _gaze_matrix(head: Head) -> Tensor:
    """(4, A): the shapes that look up, right (of the picture), down and left."""
    directions = (("Up", "Up"), ("Out", "In"), ("Down", "Down"), ("In", "Out"))
    matrix = torch.zeros(4, len(head.action_names))
    for row, sides in enumerate(directions):
        for side, direction in zip(SIDES, sides, strict=True):
            matrix[row, head.action_index[f"eyeLook{direction}{side}"]] = 1.0
    return matrix.to(head.vertices.device)
