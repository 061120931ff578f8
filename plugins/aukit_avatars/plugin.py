"""Registers the datasets `avatars` and `avatars-wild`; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aukit.components import Component
from aukit.defaults import PHOTOGRAPHS
from aukit.hooks import hookimpl
from aukit.published import METHOD, SIZE, Published, silent

DATA_LICENCE = "CC0-1.0 (a head derived from MakeHuman and from Face Units by Mika Suominen)"


MOST_FRAMES = 50_000_000
"""More are assumed to be a typing error: rendering them would take weeks."""


def _refuse_too_many(frames: int) -> None:
    if frames > MOST_FRAMES:
        raise ValueError(f"{frames:,} frames are too many: at most {MOST_FRAMES:,} in total")


@dataclass(frozen=True)
class AvatarsConfig:
    """A recipe; the same recipe gives the same pictures. Defaults are the sizes of `quick`."""

    version: int = field(
        default=2,
        metadata={
            "role": METHOD,
            "help": "1: everyone makes an AU alike; 2: everyone in their own way, from their own "
            "resting face, with speech, glasses, hair, hands and masks",
        },
    )
    train: int = field(default=100, metadata={"role": SIZE, "help": "people for training"})
    valid: int = field(default=8, metadata={"role": SIZE, "help": "people for validation"})
    test: int = field(default=12, metadata={"role": SIZE, "help": "people for testing"})
    tasks: int = field(
        default=8, metadata={"role": SIZE, "help": "tasks that each person performs, 1 to 8"}
    )
    frames: int = field(default=4, metadata={"role": SIZE, "help": "frames per task and view"})
    rate: float = field(default=1.0, metadata={"role": SIZE, "help": "frames per second"})
    size: int = field(default=96, metadata={"role": SIZE, "help": "side of the pictures, pixels"})
    views: str = field(
        default="frontal",
        metadata={
            "role": METHOD,
            "help": "frontal, fera17 (nine views), or pitch,yaw pairs: '0,0 -20,40'",
            "whole": True,
        },
    )
    domain: str = field(
        default="a",
        metadata={
            "role": METHOD,
            "help": "a: studio; b: other people, cameras, lighting and base rates",
        },
    )
    rates: Literal["lively", "fera17"] = field(
        default="lively",
        metadata={
            "role": METHOD,
            "help": "base rates: skewed like FERA17, or lively, with rare AUs more often (for "
            "few frames)",
        },
    )
    seed: int = field(
        default=0, metadata={"role": METHOD, "help": "seed of people, tasks and scenes"}
    )

    def __post_init__(self) -> None:
        for name in ("train", "valid", "test"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        for name in ("frames", "size", "rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive")
        _refuse_too_many((self.train + self.valid + self.test) * self.frames)
        if not 1 <= self.tasks <= 8:
            raise ValueError("tasks must be 1 to 8")
        if self.version not in (1, 2):
            raise ValueError("version must be 1 or 2")
        if self.domain not in ("a", "b"):
            raise ValueError("domain must be a or b")
        if self.rates not in ("lively", "fera17"):
            raise ValueError("rates must be lively or fera17")


@dataclass(frozen=True)
class WildConfig:
    """A recipe; the same recipe gives the same pictures. Defaults are the sizes of `quick`."""

    train: int = field(default=800, metadata={"role": SIZE, "help": "people for training"})
    valid: int = field(default=40, metadata={"role": SIZE, "help": "people for validation"})
    test: int = field(default=40, metadata={"role": SIZE, "help": "people for testing"})
    frames: int = field(default=4, metadata={"role": SIZE, "help": "pictures per person"})
    size: int = field(default=176, metadata={"role": SIZE, "help": "side of the pictures, pixels"})
    family: Literal["", "kin", "odd"] = field(
        default="",
        metadata={
            "role": METHOD,
            "help": "if set, each person has an own head model as in avatars-strangers: kin or odd",
        },
    )
    seed: int = field(default=0, metadata={"role": METHOD, "help": "seed of people and pictures"})

    def __post_init__(self) -> None:
        for name in ("train", "valid", "test"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        for name in ("frames", "size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        _refuse_too_many((self.train + self.valid + self.test) * self.frames)


@dataclass(frozen=True)
class StrangersConfig:
    """A recipe; the same recipe gives the same pictures."""

    train: int = field(default=200, metadata={"role": SIZE, "help": "people for training"})
    valid: int = field(default=24, metadata={"role": SIZE, "help": "people for validation"})
    test: int = field(default=24, metadata={"role": SIZE, "help": "people for testing"})
    frames: int = field(
        default=9, metadata={"role": SIZE, "help": "pictures per person, the first one neutral"}
    )
    size: int = field(default=192, metadata={"role": SIZE, "help": "side of the pictures, pixels"})
    family: Literal["kin", "odd"] = field(
        default="odd",
        metadata={
            "role": METHOD,
            "help": "kin: for training; odd: less like the benchmark's people, for testing",
        },
    )
    seed: int = field(default=0, metadata={"role": METHOD, "help": "seed of people and pictures"})

    def __post_init__(self) -> None:
        for name in ("train", "valid", "test"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        for name in ("frames", "size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        _refuse_too_many((self.train + self.valid + self.test) * self.frames)


_FERA = "4.1: FERA 2017, for which avatars stand in"
PUBLISHED = {
    "train": Published(41, _FERA),
    "valid": Published(20, _FERA),
    "test": Published(30, _FERA),
    "tasks": Published(8, _FERA),
    "frames": silent(450, "about as many frames as FERA 2017"),
    "rate": Published(25.0, _FERA),
    "size": silent(256, "avatars fill the picture"),
    "views": Published("frontal", "4.1: frontal, and nine views in 4.6"),
    "version": silent(2),
    "domain": silent("a"),
    "rates": Published("fera17", _FERA),
    "seed": silent(0),
}


@hookimpl
def aukit_commands() -> dict[str, tuple[str, str]]:
    """`aukit benchmark`."""
    return {
        "benchmark": (
            "aukit_avatars.command:benchmark",
            "Score a model on a fixed test set of rendered people.",
        )
    }


@hookimpl
def aukit_datasets() -> list[Component]:
    """The open benchmark, and the datasets for fitting 3D aligners and testing transfer."""
    return [
        Component(
            kind="data",
            name="avatars",
            factory="aukit_avatars.dataset:Avatars",
            config=AvatarsConfig,
            summary="synthetic people with exact ground truth, rendered on demand",
            presets={"quick": {}},
            published=PUBLISHED,
            tags=("truth", "synthetic-people", PHOTOGRAPHS),
            data_licence=DATA_LICENCE,
        ),
        Component(
            kind="data",
            name="avatars-wild",
            factory="aukit_avatars.wild:WildAvatars",
            config=WildConfig,
            summary="avatars in any pose, expression and light, for fitting aligners",
            presets={
                "quick": {},
                "paper": {"train": 20000, "valid": 100, "test": 100, "frames": 6, "size": 352},
            },
            tags=("truth", "synthetic-people", PHOTOGRAPHS),
            data_licence=DATA_LICENCE,
        ),
        Component(
            kind="data",
            name="avatars-strangers",
            factory="aukit_avatars.strangers:Strangers",
            config=StrangersConfig,
            summary="avatars with individual head models, for testing transfer",
            presets={"quick": {}, "paper": {}},
            tags=("truth", "synthetic-people", PHOTOGRAPHS),
            data_licence=DATA_LICENCE,
        ),
    ]  # fmt: skip
