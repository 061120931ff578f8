"""Registers the executors `auto`, `inline` and `processes`."""

from __future__ import annotations

from dataclasses import dataclass, field

from aukit.components import Component
from aukit.hooks import hookimpl
from aukit.published import SIZE


@dataclass(frozen=True)
class InlineConfig:
    """The executor `inline` has no options."""


@dataclass(frozen=True)
class ProcessesConfig:
    """Options of the executor `processes`."""

    workers: int = field(
        default=0,
        metadata={"role": SIZE, "help": "number of worker processes; 0: one per CPU core"},
    )
    ahead: int = field(
        default=2,
        metadata={"role": SIZE, "help": "items in flight per worker; limits memory"},
    )

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise ValueError("workers must be 0 or more")
        if self.ahead < 1:
            raise ValueError("ahead must be at least 1")


@dataclass(frozen=True)
class AutoConfig:
    """Options of the executor `auto`."""

    least: int = field(
        default=4,
        metadata={"role": SIZE, "help": "number of items from which workers are started"},
    )

    def __post_init__(self) -> None:
        if self.least < 1:
            raise ValueError("least must be at least 1")


@hookimpl
def aukit_executors() -> list[Component]:
    """In this process or in worker processes."""
    return [
        Component(
            kind="executor",
            name="auto",
            factory="aukit_local.executors:Auto",
            config=AutoConfig,
            summary="worker processes if they pay off, else this process",
        ),
        Component(
            kind="executor",
            name="inline",
            factory="aukit_local.executors:Inline",
            config=InlineConfig,
            summary="one item after another, in this process",
        ),
        Component(
            kind="executor",
            name="processes",
            factory="aukit_local.executors:Processes",
            config=ProcessesConfig,
            summary="several items at once, in worker processes on this machine",
        ),
    ]
