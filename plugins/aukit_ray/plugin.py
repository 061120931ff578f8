"""Registers the executor `ray`. The record and its options; Ray itself is not imported."""

from __future__ import annotations

from dataclasses import dataclass, field

from aukit.components import Component
from aukit.hooks import hookimpl
from aukit.published import SIZE


@dataclass(frozen=True)
class RayConfig:
    """Options of the executor `ray`."""

    address: str = field(
        default="",
        metadata={
            "role": SIZE,
            "help": "address of the cluster; auto: the one this machine belongs to; empty: start "
            "one "
            "here",
        },
    )
    cpus: float = field(
        default=1.0, metadata={"role": SIZE, "help": "processors per item, as counted by Ray"}
    )
    gpus: float | None = field(
        default=None,
        metadata={
            "role": SIZE,
            "help": "GPUs per item; none: 1 if the run uses GPUs, else 0",
        },
    )
    ahead: int = field(
        default=2,
        metadata={"role": SIZE, "help": "items in flight per running item; limits memory"},
    )
    retries: int = field(
        default=3,
        metadata={"role": SIZE, "help": "retries of an item whose node or worker died"},
    )

    def __post_init__(self) -> None:
        if self.cpus <= 0:
            raise ValueError("cpus must be greater than 0")
        if self.gpus is not None and self.gpus < 0:
            raise ValueError("gpus must be 0 or more")
        if self.ahead < 1:
            raise ValueError("ahead must be at least 1")
        if self.retries < 0:
            raise ValueError("retries must be 0 or more")


@hookimpl
def aukit_executors() -> list[Component]:
    """On the nodes of a cluster."""
    return [
        Component(
            kind="executor",
            name="ray",
            factory="aukit_ray.executor:RayExecutor",
            config=RayConfig,
            summary="several items at once, on the nodes of a Ray cluster",
            requires=("ray",),
            install_hint="pip install 'aukit-facs[ray]'",
        ),
    ]
