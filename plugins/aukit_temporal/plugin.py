"""Registers the normalizers `mean-texture` and `au0`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aukit.components import Component
from aukit.hooks import hookimpl
from aukit.published import METHOD, Published, silent

_CONTRAST = "factor on the differences, which are centred at 0.5"
_PAPER = "Niinuma et al. 2021 (WACV), section 4.5"


def _check_contrast(contrast: float) -> None:
    if not 0 < contrast <= 4:
        raise ValueError("contrast must lie in (0, 4]")


@dataclass(frozen=True)
class MeanTextureConfig:
    """Options of the normalizer `mean-texture`."""

    contrast: float = field(default=1.0, metadata={"role": METHOD, "help": _CONTRAST})

    def __post_init__(self) -> None:
        _check_contrast(self.contrast)


@dataclass(frozen=True)
class Au0Config:
    """Options of the normalizer `au0`."""

    neutral: Literal["median", "coded", "first"] = field(
        default="median",
        metadata={
            "role": METHOD,
            "help": "a person's neutral frame: closest to the person's median face (no labels), "
            "least "
            "active by its codes (of test people too), or first in time",
        },
    )
    contrast: float = field(default=1.0, metadata={"role": METHOD, "help": _CONTRAST})

    def __post_init__(self) -> None:
        _check_contrast(self.contrast)


_PLAIN = silent(1.0, "4.5: the difference; its scale is not stated")


@hookimpl
def aukit_normalizers() -> list[Component]:
    """The two normalizations of the first paper."""
    return [
        Component(
            kind="normalizer",
            name="mean-texture",
            factory="aukit_temporal.mean:MeanTexture",
            config=MeanTextureConfig,
            published={"contrast": _PLAIN},
            summary="difference to the mean of the person's frames",
            tags=("needs-fit",),
            paper=_PAPER,
        ),
        Component(
            kind="normalizer",
            name="au0",
            factory="aukit_temporal.neutral:Au0",
            config=Au0Config,
            published={"neutral": Published("coded", "4.5: a neutral frame"), "contrast": _PLAIN},
            summary="difference to a neutral frame of the person",
            tags=("needs-fit",),
            paper=_PAPER,
        ),
    ]
