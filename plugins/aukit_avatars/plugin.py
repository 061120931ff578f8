"""Registers the datasets `avatars` and `avatars-wild`; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aukit.components import Component
from aukit.hooks import hookimpl

DATA_LICENCE = "CC0-1.0 (a head derived from MakeHuman and from Face Units by Mika Suominen)"


@dataclass(frozen=True)
class AvatarsConfig:
    """A recipe: the same recipe gives the same pictures. The default is the size `quick`."""

    train: int = field(default=100, metadata={"help": "people to train on"})
    valid: int = field(default=8, metadata={"help": "people to choose models on"})
    test: int = field(default=12, metadata={"help": "people to test on"})
    tasks: int = field(default=8, metadata={"help": "tasks that each person performs, 1 to 8"})
    frames: int = field(default=4, metadata={"help": "frames of a task and view"})
    rate: float = field(default=1.0, metadata={"help": "frames a second"})
    size: int = field(default=96, metadata={"help": "side of the pictures in pixels"})
    views: str = field(
        default="frontal",
        metadata={
            "help": "frontal, fera17 (nine views), or pitch,yaw pairs: '0,0 -20,40'",
            "whole": True,
        },
    )
    domain: str = field(
        default="a", metadata={"help": "a: studio; b: other people, cameras, light and base rates"}
    )
    rates: Literal["lively", "fera17"] = field(
        default="lively",
        metadata={"help": "base rates: skewed as FERA17, or rare AUs more often (few frames)"},
    )
    seed: int = field(default=0, metadata={"help": "of people, tasks and scenes"})

    def __post_init__(self) -> None:
        for name in ("train", "valid", "test"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        for name in ("frames", "size", "rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive")
        if not 1 <= self.tasks <= 8:
            raise ValueError("tasks must be 1 to 8")
        if self.domain not in ("a", "b"):
            raise ValueError("domain must be a or b")
        if self.rates not in ("lively", "fera17"):
            raise ValueError("rates must be lively or fera17")


@dataclass(frozen=True)
class WildConfig:
    """A recipe: the same recipe gives the same pictures. The default is the size `quick`."""

    train: int = field(default=800, metadata={"help": "people to train on"})
    valid: int = field(default=40, metadata={"help": "people to choose models on"})
    test: int = field(default=40, metadata={"help": "people to test on"})
    frames: int = field(default=4, metadata={"help": "pictures of each of them"})
    size: int = field(default=176, metadata={"help": "side of the pictures in pixels"})
    seed: int = field(default=0, metadata={"help": "of people and pictures"})

    def __post_init__(self) -> None:
        for name in ("train", "valid", "test"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        for name in ("frames", "size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")


@dataclass(frozen=True)
class StrangersConfig:
    """A recipe: the same recipe gives the same pictures."""

    train: int = field(default=200, metadata={"help": "people to train on"})
    valid: int = field(default=24, metadata={"help": "people to choose models on"})
    test: int = field(default=24, metadata={"help": "people to test on"})
    frames: int = field(default=9, metadata={"help": "pictures of each of them, the first at rest"})
    size: int = field(default=192, metadata={"help": "side of the pictures in pixels"})
    family: Literal["kin", "odd"] = field(
        default="odd",
        metadata={"help": "kin: to learn from; odd: further from the benchmark's people, to test"},
    )
    seed: int = field(default=0, metadata={"help": "of people and pictures"})

    def __post_init__(self) -> None:
        for name in ("train", "valid", "test"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        for name in ("frames", "size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")


@hookimpl
def aukit_datasets() -> list[Component]:
    """The open benchmark, and what 3D aligners are fitted on."""
    return [
        Component(
            kind="data",
            name="avatars",
            factory="aukit_avatars.dataset:Avatars",
            config=AvatarsConfig,
            summary="people who do not exist, with exact truth, rendered on demand",
            presets={
                "quick": {},
                "paper": {
                    "train": 41, "valid": 20, "test": 30, "frames": 450, "rate": 25.0, "size": 256,
                    "rates": "fera17",
                },
            },
            tags=("truth", "synthetic-people"),
            data_licence=DATA_LICENCE,
        ),
        Component(
            kind="data",
            name="avatars-wild",
            factory="aukit_avatars.wild:WildAvatars",
            config=WildConfig,
            summary="avatars in any pose, expression and light, to fit aligners on",
            presets={
                "quick": {},
                "paper": {"train": 20000, "valid": 100, "test": 100, "frames": 6, "size": 352},
            },
            tags=("truth", "synthetic-people"),
            data_licence=DATA_LICENCE,
        ),
        Component(
            kind="data",
            name="avatars-strangers",
            factory="aukit_avatars.strangers:Strangers",
            config=StrangersConfig,
            summary="avatars who are each a head model of their own, to test what transfers",
            presets={"quick": {}, "paper": {}},
            tags=("truth", "synthetic-people"),
            data_licence=DATA_LICENCE,
        ),
    ]  # fmt: skip
