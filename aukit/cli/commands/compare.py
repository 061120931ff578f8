"""`aukit compare`: a grid of runs, and one table at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aukit.cli.app import App, emit_json
from aukit.cli.commands.run import SLOTS, RunCommand
from aukit.cli.options import ComponentOption, names_in, settings
from aukit.cli.shared import Place, json_at_end_option, runs_option_of
from aukit.comparison.axes import split
from aukit.config.files import read_file
from aukit.registry.loading import Registry

if TYPE_CHECKING:
    from aukit.comparison.planned import Comparison

EPILOG = """\b
Every option of `aukit run` may have several values: --aligner 2d,3d makes an
axis of the grid, --synth.l-ids 0,1 another. Semicolons separate values that
hold commas themselves: --aus '1,4;6,12'. An option is set in those cells whose
component has it."""


class CompareCommand(RunCommand):
    """Has the options of every component that a cell of the grid may have."""

    def component_options(
        self, registry: Registry, args: Sequence[str]
    ) -> Iterator[ComponentOption]:
        """The options of this invocation, each once."""
        found: dict[str, ComponentOption] = {}
        for names in self.alternatives(registry, args):
            for option in self.options_for(registry, names):
                # Of an option that several components have, the one that is listed wins.
                if option.dotted not in found or found[option.dotted].hidden:
                    found[option.dotted] = option
        yield from found.values()

    def alternatives(self, registry: Registry, args: Sequence[str]) -> Iterator[dict[str, str]]:
        """Slot -> name: the first choices, then each further one in its slot."""
        typed = self.chosen_names(args)
        choices = {key: split(registry, key, text) for key, text in typed.items()}
        for key, named in _named_in_files(args).items():
            choices[key] = tuple(dict.fromkeys((*choices.get(key, ()), *named)))
        first = {key: names[0] for key, names in choices.items()}
        yield first
        for key, names in choices.items():
            yield from ({**first, key: name} for name in names[1:])


def _named_in_files(args: Sequence[str]) -> dict[str, list[str]]:
    """Slot -> the components that the grids among the arguments name."""
    found: dict[str, list[str]] = {}
    for path in (Path(arg) for arg in args if arg.endswith((".toml", ".json"))):
        if not path.is_file():
            continue
        document = read_file(path)
        # What is no table, or an empty axis, is reported when the grid is made.
        for table in (document, *_table(document, "cells").values()):
            for key, name in names_in(table, SLOTS).items() if isinstance(table, Mapping) else ():
                found.setdefault(key, []).append(name)
        for key, values in _table(document, "grid").items():
            if isinstance(values, list) and values and key in {slot.dotted for slot in SLOTS}:
                found.setdefault(key, []).extend(map(str, values))
    return found


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


@click.command(cls=CompareCommand, slots=SLOTS, epilog=EPILOG)
@click.argument("file", required=False, type=Place(path_type=Path), metavar="[FILE]")
@click.option("--seeds", metavar="N|A,B,..", help="Runs of each cell: how many, or their seeds.")
@click.option(
    "--folds", metavar="K|loso|NAME",
    help="Divide the people into folds: K of them, one a person, or a published list.",
)  # fmt: skip
@click.option(
    "--baseline", metavar="CELL", help="The cell to compare with, as it is labelled.  [first]"
)
@click.option("--jobs", type=click.IntRange(1), help="Runs at a time.  [default: by the machine]")
@runs_option_of("Where the comparison's folder is made.")
@click.option(
    "--name", metavar="NAME",
    help="Name of the comparison's folder.  [default: what is compared]",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only show the grid, and which runs are finished.")
@json_at_end_option
@click.pass_context
def compare(
    ctx: click.Context,
    file: Path | None,
    seeds: str | None,
    folds: str | None,
    baseline: str | None,
    jobs: int | None,
    output: Path,
    name: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Run a grid of choices and compare them.

    The grid is that of the options, or of FILE (see examples/). Cells share every stage that they
    have in common; the same command continues what was interrupted. Exit code 1: a cell failed.
    """
    from aukit.comparison.definition import define
    from aukit.comparison.planned import plan_comparison

    registry = ctx.ensure_object(App).registry
    given = {"seeds": seeds, "folds": folds, "baseline": baseline}
    definition = define(registry, file, settings(ctx), **given)
    planned = plan_comparison(registry, definition, output, name)
    if dry_run:
        show_grid(planned, as_json)
        return 0
    document = _compare(planned, output, jobs)
    if as_json:
        emit_json(document)
    else:
        from aukit.cli.tables import show_comparison

        show_comparison(document)
    return 0 if all(cell["status"] == "finished" for cell in document["cells"]) else 1


def _compare(planned: Comparison, output: Path, jobs: int | None) -> dict[str, Any]:
    from aukit.cli.console import say
    from aukit.comparison.attempts import Children, ended_like_interrupted, jobs_here
    from aukit.comparison.compare import compare as run_all

    count = min(jobs or jobs_here(), len(planned.trials))
    say(f"{planned.size}, {count} at a time")
    with ended_like_interrupted():
        return run_all(planned, Children(output, count), count, say)


def show_grid(planned: Comparison, as_json: bool) -> None:
    """Print the cells and which of their runs are finished."""
    rows = [
        {
            "cell": trial.cell.label,
            "choices": dict(trial.cell.choices),
            "seed": trial.seed,
            "fold": trial.fold,
            "run": str(planned.place(trial)),
            "finished": planned.is_finished(trial),
        }
        for trial in planned.trials
    ]
    if as_json:
        emit_json({"baseline": planned.baseline.label, "runs": rows})
        return
    from aukit.cli.console import table

    folds = any(row["fold"] != "none" for row in rows)
    keys = ["cell", "seed", *(["fold"] if folds else []), "run"]
    lines = [
        [*(row[key] for key in keys), "finished" if row["finished"] else "to do"] for row in rows
    ]
    table(f"{planned.definition.title}: {planned.size}", [*keys, "state"], lines)
    click.echo(f"baseline  {planned.baseline.label}")
