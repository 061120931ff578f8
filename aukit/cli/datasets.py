"""Shared code of the `aukit data` commands: the dataset argument and pictures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aukit.cli.app import App
from aukit.cli.choices import choose, context_of
from aukit.cli.options import ComponentCommand, ComponentOption, Slot, settings
from aukit.cli.shared import device_option, sizes_option
from aukit.config.choice import Choice
from aukit.config.options import preset_of_hardware
from aukit.errors import ConfigError
from aukit.registry.loading import Registry

if TYPE_CHECKING:
    import pyarrow as pa

    from aukit.contracts.dataset import Dataset

SLOT = Slot(("data",))
Body = Callable[..., int | None]


class DataCommand(ComponentCommand):
    """A command whose first argument, not an option, is the dataset."""

    def chosen_names(self, args: Sequence[str]) -> dict[str, str]:
        """The first argument, before all options."""
        return {"data": args[0]} if args and not args[0].startswith("-") else {}

    def component_options(
        self, registry: Registry, args: Sequence[str]
    ) -> Iterator[ComponentOption]:
        """The dataset's options, without `--data` itself."""
        found = super().component_options(registry, args)
        return (option for option in found if option.dotted != "data")


def shared(body: Body) -> Body:
    """Add the arguments of every subcommand."""
    body = device_option(body)
    body = click.option("--seed", default=0, show_default=True, help="Seed of the dataset.")(body)
    body = sizes_option()(body)
    return click.argument("name")(body)


def opened(
    ctx: click.Context, name: str, preset: str, seed: int, device: str
) -> tuple[Choice, Dataset]:
    """The opened dataset, and the choice it was built from."""
    from aukit.config.choice import make

    registry = ctx.ensure_object(App).registry
    sizes = preset_of_hardware() if preset == "auto" else preset
    choice = choose(registry, "data", name, settings(ctx), sizes)
    return choice, make(choice, context_of(device, seed))


def index_of(choice: Choice, dataset: Dataset, partition: str | None) -> pa.Table:
    """The validated index, or one partition of it."""
    from aukit.config.choice import named
    from aukit.data.records import check_index, partition_rows

    with named(choice, "index"):
        index = dataset.index()
    check_index(index)
    if partition is None:
        return index
    rows = partition_rows(index, partition)
    if rows.num_rows == 0:
        known = {str(name) for name in index.column("partition").unique().to_pylist()}
        raise ConfigError(
            f"'{choice.component.name}' has no partition '{partition}'",
            f"it has: {', '.join(sorted(known))}",
        )
    return rows


def show_levels(counts: dict[str, Sequence[int]] | Any) -> None:
    """Print how often each AU is coded, and the share of each level or of presence."""
    from aukit.au import LEVELS

    scaled = {au: levels for au, levels in counts.items() if len(levels) == len(LEVELS)}
    _show_shares("Intensities", LEVELS, scaled)
    rest = {au: levels for au, levels in counts.items() if au not in scaled}
    _show_shares("Occurrences", ("absent", "present"), rest)


def _show_shares(title: str, codes: Sequence[str], counts: Mapping[str, Sequence[int]]) -> None:
    from aukit.au import describe
    from aukit.cli.console import table

    headings = ("coded", *codes)
    rows = [
        (describe(au), sum(levels), *(f"{n / max(1, sum(levels)):.1%}" for n in levels))
        for au, levels in counts.items()
    ]
    if rows:
        table(f"{title}, share of the coded frames", ("AU", *headings), rows, numeric=headings)


def sheet_of(dataset: Dataset, rows: pa.Table, count: int) -> Any:
    """A contact sheet of `count` frames, evenly spaced over the rows, with their codes."""
    from aukit.data.kinds import code_kinds, occurrences
    from aukit.media.frames import pictures, spread
    from aukit.vision.sheet import contact_sheet

    found = list(pictures(dataset, spread(rows, count)))
    present = occurrences(code_kinds(rows))
    captions = [caption(row, present) for row, _ in found]
    return contact_sheet([image for _, image in found], captions)


def picture_kind(path: Path) -> str:
    """`png` or `jpeg`, from the suffix.

    Raises:
        ConfigError: the suffix is neither.
    """
    kinds = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg"}
    if path.suffix.lower() not in kinds:
        raise ConfigError(
            f"unknown picture format: '{path}'", "use a name that ends in .png or .jpg"
        )
    return kinds[path.suffix.lower()]


def write_picture(image: Any, path: Path, kind: Any) -> None:
    """Write a picture, uint8 (3, H, W), atomically."""
    from aukit.store.files import write_aside
    from aukit.store.owned import writing
    from aukit.vision.images import encode

    with writing(path), write_aside(path) as aside:
        aside.write_bytes(encode(image[None], kind)[0])


def caption(row: dict[str, Any], present: Collection[str] = ()) -> str:
    """Person, partition, view and active AUs: `F003 train frontal` over `1A 4C`.

    Args:
        row: row of an index.
        present: columns that hold presence, not levels; shown as `1+`.
    """
    from aukit.au import LEVELS, is_column

    parts = (row["subject"], row["partition"], row["view"])
    shown = [
        f"{int(name[2:])}{'+' if name in present else LEVELS[round(value)]}"
        for name, value in row.items()
        if is_column(name) and value
    ]
    return f"{' '.join(part for part in parts if part)}\n{' '.join(shown) or 'neutral'}"
