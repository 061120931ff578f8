"""The grid of a comparison: from its definition to cells and their runs."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aukit.comparison.axes import CELL, describe, flat, names_component, spell
from aukit.comparison.definition import GRID, Definition, slug
from aukit.config.options import Layer, run_options
from aukit.config.resolve import nest, resolve
from aukit.config.run import ROLES, RunConfig
from aukit.config.values import coerce
from aukit.data.folds import NO_FOLD
from aukit.errors import ConfigError
from aukit.published import PRESET, PRESETS
from aukit.registry.loading import Registry
from aukit.store.files import digest

MOST_RUNS = 10_000
"""Most runs of a comparison; more are assumed to be a typing error."""


@dataclass(frozen=True)
class Cell:
    """A combination of choices.

    Attributes:
        label: the choices in readable form.
        choices: axis -> value as typed, without axes that do not apply.
        layers: all settings.
    """

    label: str
    choices: Mapping[str, str]
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Trial:
    """One run of a cell.

    Attributes:
        cell: the cell it belongs to.
        seed, fold: in which the runs of a cell differ.
        config: its resolved configuration.
        twin: number among trials with the same file name, e.g. yaw 20 and -20.
    """

    cell: Cell
    seed: int
    fold: str
    config: RunConfig
    twin: int = 1

    @property
    def name(self) -> str:
        """Name of the run's folder: `2d-none-seed0`."""
        words = [self.cell.label, f"seed{self.seed}"]
        if self.fold != NO_FOLD:
            words.append(f"fold{self.fold.replace('/', 'of')}")
        words += [str(self.twin)] if self.twin > 1 else []
        return slug(" ".join(words))

    @property
    def label(self) -> str:
        """The run in readable form."""
        fold = [] if self.fold == NO_FOLD else [f"fold {self.fold}"]
        return ", ".join([self.cell.label, f"seed {self.seed}", *fold])


def cells_of(registry: Registry, definition: Definition) -> list[Cell]:
    """The cells of a grid, in the order of its axes.

    An option applies to the cells whose component has it: with `--synth none,lacgan`, `--synth.size
    64` applies to the second.

    Raises:
        ConfigError: a name is unknown, no cell's component has an option, an axis repeats a
            value, or every cell overrides a component chosen on the command line.
    """
    _refuse_doubled(definition.axes)
    _refuse_overridden(definition)
    found: dict[str, Cell] = {}
    used: set[str] = set()
    combinations = list(_combinations(definition))
    for bundle, values in combinations:
        cell, known = _cell(registry, definition, bundle, values)
        used |= known
        found.setdefault(cell.label, cell)
    _refuse_unused(registry, definition, combinations[-1], used)
    return list(found.values())


def _refuse_doubled(axes: Mapping[str, Sequence[Any]]) -> None:
    for key, values in axes.items():
        value, count = Counter(map(spell, values)).most_common(1)[0]
        if count > 1:
            raise ConfigError(f"{key} has the value '{value}' twice", "leave one of them out")


def _refuse_overridden(definition: Definition) -> None:
    for name, bundle in definition.bundles.items():
        if twice := [key for key, _ in flat(bundle) if key in definition.axes]:
            raise ConfigError(
                f"cell {name} sets {twice[0]}, which has several values", "leave one of them out"
            )
    _, typed = definition.layers[-1]
    bundles = definition.bundles.values()
    for key in _chosen(typed) if bundles else ():
        if all(key in _chosen(bundle) for bundle in bundles):
            raise ConfigError(f"every cell of the file chooses its own {key}", f"leave out --{key}")


Combination = tuple[str | None, dict[str, Any]]
"""A bundle's name, if there are bundles, and a value for each axis."""


def _combinations(definition: Definition) -> Iterator[Combination]:
    for bundle in definition.bundles or (None,):
        for values in itertools.product(*definition.axes.values()):
            yield bundle, dict(zip(definition.axes, values, strict=True))


def _layers(definition: Definition, combination: Combination) -> list[Layer]:
    bundle, values = combination
    *shared, (origin, typed) = definition.layers
    own = {} if bundle is None else definition.bundles[bundle]
    chosen = _chosen(own)
    rest = {key: value for key, value in flat(typed) if _kind(key) not in chosen}
    cell = (f"cell {bundle}", own)
    return list(_sized([*shared, cell, (GRID, nest(values)), (origin, nest(rest))]))


def _chosen(settings: Mapping[str, Any]) -> set[str]:
    """The kinds of which a cell chooses the component: what is typed leaves these alone."""
    return {_kind(key) for key, _ in flat(settings) if names_component(key)}


def _kind(key: str) -> str:
    return key.removesuffix(".name")


def _sized(layers: Sequence[Layer]) -> Iterator[Layer]:
    """The layers, each followed by its settings for the preset."""
    always = [(o, {k: v for k, v in d.items() if k not in PRESETS}) for o, d in layers]
    preset = run_options(always)[0].preset
    for (origin, document), (_, plain) in zip(layers, always, strict=True):
        yield origin, plain
        # A file's settings for `paper` also apply to `full`, unless it has its own.
        named = "paper" if preset == "full" and preset not in document else preset
        if isinstance(own := document.get(named), Mapping):
            yield f"{origin}, {named}", own


def _cell(
    registry: Registry, definition: Definition, bundle: str | None, values: dict[str, Any]
) -> tuple[Cell, set[str]]:
    """A cell, and the settings that apply to it."""
    layers = _layers(definition, (bundle, values))
    known = meaningful(registry, layers)
    choices = {} if bundle is None else {CELL: bundle}
    choices |= {key: spell(value) for key, value in values.items() if key in known}
    label = ", ".join(describe(definition.axes, *choice) for choice in choices.items())
    kept = [(origin, nest(_only(document, known))) for origin, document in layers]
    return Cell(label or "the run", choices, tuple(kept)), known


def _only(document: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in flat(document) if key in keys}


def meaningful(registry: Registry, layers: Sequence[Layer]) -> set[str]:
    """The dotted keys of layers that apply to the chosen components."""
    keys = {key for _, document in layers for key, _ in flat(document)}
    named = {key for key in keys if names_component(key)}
    chosen = resolve(registry, [(origin, nest(_only(d, named))) for origin, d in layers])
    return {key for key in keys if key in named or _is_known(chosen, key)}


def _is_known(chosen: RunConfig, key: str) -> bool:
    """Whether a key is not an option of a component, or the chosen component has it."""
    head, *rest = key.split(".")
    if head in ROLES and len(rest) == 2:
        choice = getattr(chosen.roles[head], rest[0], None)
    elif head in chosen.components and len(rest) == 1:
        choice = chosen.components[head]
    else:
        return True
    if choice is None:
        return False
    return rest[-1] == PRESET or rest[-1] in type(choice.options).__dataclass_fields__


def _refuse_unused(
    registry: Registry, definition: Definition, combination: Combination, used: set[str]
) -> None:
    layers = _layers(definition, combination)
    keys = [key for _, document in layers for key, _ in flat(document)]
    if unused := [key for key in keys if key not in used]:
        # Resolving a cell reports an unknown option with the nearest name.
        names = {key for key in keys if names_component(key)} | {unused[0]}
        resolve(registry, [(origin, nest(_only(d, names))) for origin, d in layers])
        raise ConfigError(f"no cell has an option '{unused[0]}'")


def seeds_of(definition: Definition) -> tuple[int, ...]:
    """The seeds of each cell: `3` means 0, 1 and 2; `0,5,6` and lists are taken as they are.

    Raises:
        ConfigError: no seed, a repeated seed, or `seed` is set as well.
    """
    set_by = [origin for origin, document in definition.layers if "seed" in document]
    if "seed" in definition.axes:
        raise ConfigError(
            "seed has several values", "use --seeds: seeds are runs of a cell, not cells"
        )
    if definition.seeds is None:
        return (0,) if not set_by else (_seed(definition.layers),)
    if set_by:
        raise ConfigError(f"seed is set ({set_by[-1]}), and seeds are too", "leave one of them out")
    seeds = _listed(definition.seeds)
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ConfigError(
            f"seeds: {spell(definition.seeds)!r} has no seeds, or repeats one",
            "give a number of runs such as 3, or seeds such as 0,5,6",
        )
    return seeds


def _seed(layers: Iterable[Layer]) -> int:
    options, _ = run_options(list(layers), "quick")
    return options.seed


def _listed(seeds: Any) -> tuple[int, ...]:
    listed = isinstance(seeds, list) or "," in str(seeds)
    if listed:
        found: tuple[int, ...] = coerce(seeds, tuple[int, ...], "seeds")
        return found
    count = coerce(seeds, int, "seeds")
    if count > MOST_RUNS:
        raise ConfigError(
            f"seeds: {count:,} runs per cell are too many", f"use at most {MOST_RUNS:,}"
        )
    return tuple(range(count))


def trials_of(
    registry: Registry,
    cells: Sequence[Cell],
    seeds: Sequence[int],
    folds: Mapping[str, Sequence[str]],
) -> list[Trial]:
    """The runs of all cells: every seed of a cell, every fold of a seed.

    Args:
        registry: where names are looked up.
        cells: the cells.
        seeds: seeds of each cell.
        folds: label of each cell -> names of its folds.

    Raises:
        ConfigError: a setting is invalid, two cells are the same run, or there are too many runs.
    """
    count = len(seeds) * sum(len(folds[cell.label]) for cell in cells)
    if count > MOST_RUNS:
        raise ConfigError(f"{count:,} runs are too many", f"use at most {MOST_RUNS:,}")
    trials: list[Trial] = []
    names: Counter[str] = Counter()
    runs = ((c, s, f) for c in cells for s in seeds for f in folds[c.label])
    for cell, seed, fold in runs:
        own = {"seed": seed} | ({} if fold == NO_FOLD else {"fold": fold})
        try:
            config = resolve(registry, [*cell.layers, (GRID, own)])
        except ConfigError as error:
            raise ConfigError(f"cell {cell.label}: {error.message}", error.hint) from error
        trial = Trial(cell, seed, fold, config)
        names[trial.name] += 1
        trials.append(replace(trial, twin=names[trial.name]))
    _refuse_equal(trials)
    return trials


def _refuse_equal(trials: Sequence[Trial]) -> None:
    first: dict[str, Trial] = {}
    for trial in trials:
        other = first.setdefault(digest(trial.config.to_json()), trial)
        if other is not trial:
            raise ConfigError(
                f"the cells '{other.cell.label}' and '{trial.cell.label}' are the same run",
                "leave one of them out",
            )
