"""The settings of a whole run: preset, seed, device, AUs, views, intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from aukit import au
from aukit.config.values import DEFAULT, coerce, types_of
from aukit.data.folds import NO_FOLD
from aukit.data.folds import parse as parse_fold
from aukit.defaults import YARDSTICK
from aukit.errors import ConfigError
from aukit.published import PRESETS
from aukit.views import View, parse_views, view_name

ALL_AUS = "all"
NO_VIEWS = "none"
_CARD_FACES = {"quick": 6, "full": 40, "paper": 40}

HIGHEST_SEED = 2**32 - 1
MOST_DRAWS = MOST_FACES = 100_000
"""Higher numbers are assumed to be typing errors."""

Layer = tuple[str, Mapping[str, Any]]
"""Origin, and settings nested as in a run file."""


@dataclass(frozen=True)
class RunOptions:
    """The settings of a whole run.

    The attributes are options; their help is in the fields' metadata.
    """

    preset: str = field(
        default="auto",
        metadata={
            "help": "quick: minutes on two cores; full: the papers' sizes on one GPU; paper: "
            "exactly as in the papers; auto: quick or full, depending on the hardware"
        },
    )
    seed: int = field(default=0, metadata={"help": "seed of all randomness"})
    device: str = field(default="auto", metadata={"help": "device: auto, cpu, cuda, cuda:1, mps"})
    aus: tuple[str, ...] = field(
        default=("fera17",),
        metadata={"help": "AUs to estimate: a list such as 1,4,12, or fera17, disfa or all"},
    )
    views: str = field(
        default=NO_VIEWS,
        metadata={
            "help": "views in which the estimator sees synthetic faces: fera17, or pitch,yaw in "
            'degrees such as "0,0 -20,40" (3D aligners only)',
            "whole": True,
        },
    )
    per_view: bool = field(
        default=False,
        metadata={
            "help": "synthesize faces for each of the views by itself, each shown from that side "
            "only, instead of showing every face from all sides"
        },
    )
    fold: str = field(
        default=NO_FOLD,
        metadata={
            "help": "split of people into partitions: 2/5 (second of five random folds), loso:7 "
            "(leave the seventh person out), disfa:1 or bp4d:1 (published folds)"
        },
    )
    fold_seed: int = field(
        default=0, metadata={"help": "seed of random folds and of their validation people"}
    )
    yardstick: str = field(
        default=YARDSTICK,
        metadata={
            "help": "simple estimator that is fitted on the real training frames and scored beside "
            "the run's own; none: no comparison"
        },
    )
    draws: int = field(default=1000, metadata={"help": "bootstrap draws for the 95 % intervals"})
    card: int | None = field(
        default=None,
        metadata={
            "help": "faces per AU and level on a synthesizer's score card, 0 for no card; "
            "none: 6 with the preset quick, else 40"
        },
    )

    card_whole: bool = field(
        default=False,
        metadata={"help": "score card: ask for the labels of every test face, not of a sample"},
    )
    card_published: str | None = field(
        default=None,
        metadata={
            "help": "score card: TOML file with F1 and accuracy that somebody has published, to "
            "stand beside",
            "whole": True,
        },
    )

    def __post_init__(self) -> None:
        if self.preset not in (*PRESETS, "auto"):
            raise ConfigError(f"unknown preset '{self.preset}'", f"presets: {', '.join(PRESETS)}")
        if self.views != NO_VIEWS:
            parse_views(self.views)
        elif self.per_view:
            raise ConfigError("per_view is set, but no views are", "add --views fera17")
        parse_fold(self.fold)
        for name in ("seed", "fold_seed"):
            if not 0 <= getattr(self, name) <= HIGHEST_SEED:
                raise ConfigError(f"{name} must be a whole number from 0 to {HIGHEST_SEED}")
        if not 1 <= self.draws <= MOST_DRAWS:
            raise ConfigError(f"draws must be 1 to {MOST_DRAWS:,}")
        if self.card is not None and not 0 <= self.card <= MOST_FACES:
            raise ConfigError(
                f"card must be 0 to {MOST_FACES:,} faces", "0 leaves the score card out"
            )
        if len(self.aus) != 1 or self.aus[0] not in (*au.LISTS, ALL_AUS):
            object.__setattr__(self, "aus", au.parse_list(self.aus) or (ALL_AUS,))

    @property
    def shown_views(self) -> tuple[View, ...]:
        """The views in which the estimator sees synthetic faces; empty: as synthesized."""
        return () if self.views == NO_VIEWS else parse_views(self.views)

    @property
    def planned_views(self) -> tuple[str, ...]:
        """Names of the sides that are planned one by one; none: every face is shown from all."""
        return tuple(map(view_name, self.shown_views)) if self.per_view else ()

    @property
    def faces_on_card(self) -> int:
        """`card`, or its value for the preset."""
        return _CARD_FACES[self.preset] if self.card is None else self.card


def run_options(
    layers: Sequence[Layer], preset: str | None = None
) -> tuple[RunOptions, dict[str, str]]:
    """The settings resolved from layers, later layers winning, and the origin of each.

    Args:
        layers: (origin, settings) pairs.
        preset: what `auto` means here; detected from the hardware if None.

    Raises:
        ConfigError: a value is invalid.
    """
    values: dict[str, Any] = {}
    origins = {f.name: DEFAULT for f in fields(RunOptions)}
    hints = types_of(RunOptions)
    for origin, document in layers:
        for name in hints:
            if name in document:
                values[name] = coerce(document[name], hints[name], f"{name} ({origin})")
                origins[name] = origin
    options = RunOptions(**values)
    if options.preset == "auto":
        options = replace(options, preset=preset or preset_of_hardware())
        origins["preset"] = f"{origins['preset']} (hardware)"
    return options, origins


def preset_of_hardware() -> str:
    """`full` with an accelerator, else `quick`; the hardware never changes the method."""
    from aukit.machine.devices import accelerator

    return "quick" if accelerator() is None else "full"
