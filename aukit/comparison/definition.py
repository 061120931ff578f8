"""The definition of a comparison from a run file and the command line, before names are resolved.

A grid's run file is a run file with additional tables:

    [grid]
    aligner = ["2d", "3d"]               # an axis, combined with all other axes
    "synth.l_ids" = [0, 1]               # an option; quoted if its kind is an axis too
    seeds = 3                            # runs per cell: 3, or [0, 5, 6]
    baseline = "2d"                      # the cell to compare with; by default the first

    [cells.paper]                        # a single cell with its settings
    aligner = "3d"
    test.aligner = "2d"

    [cells.paper.quick]                  # of a cell, or of all: only for the preset quick
    balancer.per_level = 20

    [published."2d"]                     # published numbers, shown beside the measured ones
    mean = 0.506
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aukit import au
from aukit.comparison.axes import flat, split
from aukit.comparison.tables import MEAN
from aukit.config.files import read_file
from aukit.config.options import Layer
from aukit.config.project import ambient
from aukit.config.resolve import nest
from aukit.config.values import COMMAND_LINE, coerce
from aukit.errors import ConfigError
from aukit.published import PRESETS
from aukit.registry.loading import Registry
from aukit.store.files import digest

GRID, CELLS, PUBLISHED = "grid", "cells", "published"
_TEXTS = ("baseline", "title", "metric")
_RESERVED = ("seeds", "folds", *_TEXTS)


@dataclass(frozen=True)
class Definition:
    """A comparison, before names are resolved.

    Attributes:
        name: base of the name of the comparison's folder.
        title: heading of tables and the report.
        layers: settings shared by all cells, weakest first; those of the command line come last and
            override those of a cell, except the components it chooses.
        bundles: name -> settings, of cells listed in the run file.
        axes: dotted key -> values.
        seeds, folds: as given; None if not.
        baseline: label of the cell to compare with; None for the first.
        published: cell -> AU or `mean` -> published number.
        metric: the score of these numbers.
    """

    name: str = "compare"
    title: str = "Comparison"
    layers: tuple[Layer, ...] = ()
    bundles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    axes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    seeds: Any = None
    folds: str | None = None
    baseline: str | None = None
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    metric: str = "icc"

    @property
    def folder(self) -> str:
        """Name of the comparison's folder; it does not depend on the values of the axes."""
        documents = [dict(document) for _, document in self.layers]
        return f"{self.name}-{digest([documents, self.bundles, sorted(self.axes)])[:6]}"


def define(
    registry: Registry, file: Path | None, typed: Mapping[str, Any], **overrides: Any
) -> Definition:
    """The comparison defined by a run file and typed settings.

    Args:
        registry: tells which settings may contain commas.
        file: run file of a grid or of a run; None for none.
        typed: dotted keys and text from the command line.
        **overrides: `seeds`, `folds`, `baseline`, if given.

    Raises:
        ConfigError: a table is malformed, or an axis has no values.
    """
    below = Definition() if file is None else _of_file(file)
    found = {key: split(registry, key, str(value)) for key, value in typed.items()}
    single = {key: values[0] for key, values in found.items() if len(values) == 1}
    axes = {key: values for key, values in below.axes.items() if key not in found}
    axes |= {key: values for key, values in found.items() if len(values) > 1}
    named = (*below.layers, (COMMAND_LINE, nest(single)))
    # Axes and cells choose several components: the project's options for that kind do not apply.
    cells = [nest(axes), *below.bundles.values()]
    layers = (*ambient([*named, *((GRID, cell) for cell in cells)]), *named)
    name = slug("-".join([below.name, *axes])) if file is None else below.name
    given = {key: value for key, value in overrides.items() if value is not None}
    return replace(below, name=name, layers=layers, axes=axes, **given)


def _of_file(path: Path) -> Definition:
    document = read_file(path)
    tables = {name: _table(path, name, document.pop(name, {})) for name in (GRID, CELLS, PUBLISHED)}
    known = {name: tables[GRID].pop(name) for name in _RESERVED if name in tables[GRID]}
    known |= {name: _text(path, name, known[name]) for name in _TEXTS if name in known}
    axes = {key: _values(path, key, value) for key, value in flat(tables[GRID])}
    return replace(
        Definition(**known),
        name=slug(path.stem),
        layers=((path.name, _settings(path, "", document)),),
        bundles=dict(_bundles(path, tables[CELLS], axes)),
        axes=axes,
        published={cell: _numbers(path, cell, own) for cell, own in tables[PUBLISHED].items()},
    )


def _table(path: Path, name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{path}: {name} must be a table")
    return {str(key): entry for key, entry in value.items()}


def _text(path: Path, name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{path}: {GRID}.{name} must be text, not {value!r}")
    return value


def _settings(path: Path, place: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of all cells or of one; those for one preset are in a table of their own."""
    for preset in (name for name in PRESETS if name in document):
        _table(path, f"{place}{preset}", document[preset])
    return dict(document)


def _bundles(
    path: Path, tables: Mapping[str, Any], axes: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, table in tables.items():
        place = f"{CELLS}.{name}"
        settings = _settings(path, f"{place}.", _table(path, place, table))
        if twice := [key for key, _ in flat(settings) if key in axes]:
            raise ConfigError(f"{path}: {place} sets {twice[0]}, which is an axis", "leave one out")
        yield name, settings


def _values(path: Path, key: str, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{path}: {GRID}.{key} must be a list of values")
    if not value:
        raise ConfigError(f"{path}: the axis {GRID}.{key} has no values", "give at least one")
    return tuple(value)


def _numbers(path: Path, cell: str, table: Any) -> dict[str, float]:
    place = f"{PUBLISHED}.{cell}"
    for unit in _table(path, place, table):
        if unit != MEAN and not au.is_column(unit):
            raise ConfigError(
                f"{path}: {place} has a number for {unit}", "use a column such as AU01, or mean"
            )
    return {unit: coerce(value, float, f"{place}.{unit}") for unit, value in table.items()}


def slug(text: str) -> str:
    """Text as a file name: lower case letters, digits, dots and hyphens."""
    return re.sub(r"[^a-z0-9.+]+", "-", text.lower()).strip("-.") or "run"
