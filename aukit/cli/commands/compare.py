"""`aukit compare`: run a grid of configurations and tabulate the scores."""

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
    from aukit.contracts.executor import Cluster

EPILOG = """\b
Every option of `aukit run` may have several values: --aligner 2d,3d is one
axis of the grid, --synth.l-ids 0,1 another. Semicolons separate values that
contain commas: --aus '1,4;6,12'. An option applies to the cells whose
components have it. With --executor ray, the runs are spread over a cluster."""


class CompareCommand(RunCommand):
    """Offers the options of every component that any cell of the grid uses."""

    def component_options(
        self, registry: Registry, args: Sequence[str]
    ) -> Iterator[ComponentOption]:
        """The options of this invocation, each once."""
        found: dict[str, ComponentOption] = {}
        for names in self.alternatives(registry, args):
            for option in self.options_for(registry, names):
                # If several components share an option, the listed one wins.
                if option.dotted not in found or found[option.dotted].hidden:
                    found[option.dotted] = option
        yield from found.values()

    def alternatives(self, registry: Registry, args: Sequence[str]) -> Iterator[dict[str, str]]:
        """Slot -> name: the first choice of every slot, then each alternative in its slot."""
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
        # Malformed or empty axes are reported when the grid is built.
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
@click.option("--seeds", metavar="N|A,B,..", help="Runs per cell: a count, or a list of seeds.")
@click.option(
    "--folds", metavar="K|loso|NAME",
    help="Cross-validate over people: K folds, one fold per person, or a published list.",
)  # fmt: skip
@click.option(
    "--baseline",
    metavar="CELL",
    help="Label of the cell to compare with.  [default: the first cell]",
)
@click.option(
    "--jobs", type=click.IntRange(1), help="Runs at a time.  [default: depends on the machine]"
)
@runs_option_of("Parent of the comparison's folder.")
@click.option(
    "--name", metavar="NAME",
    help="Name of the comparison's folder.  [default: from what is compared]",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only show the grid and which runs are finished.")
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
    """Run a grid of configurations and compare their scores.

    The grid comes from the options or from FILE (see examples/). Cells share the stages they have
    in common. If interrupted, repeat the command to continue. Exit code 1: a cell failed.
    """
    from aukit.comparison.cluster import on_cluster
    from aukit.comparison.definition import define
    from aukit.comparison.planned import plan_comparison

    registry = ctx.ensure_object(App).registry
    given = {"seeds": seeds, "folds": folds, "baseline": baseline}
    definition = define(registry, file, settings(ctx), **given)
    planned, cluster = on_cluster(plan_comparison(registry, definition, output, name), registry)
    if dry_run:
        show_grid(planned, as_json)
        return 0
    document = _compare(planned, output, jobs, cluster)
    if as_json:
        emit_json(document)
    else:
        from aukit.cli.tables import show_comparison

        show_comparison(document)
    return 0 if all(cell["status"] == "finished" for cell in document["cells"]) else 1


def _compare(
    planned: Comparison, output: Path, jobs: int | None, cluster: Cluster | None
) -> dict[str, Any]:
    from aukit.cli.console import say
    from aukit.comparison.attempts import ended_like_interrupted, jobs_here
    from aukit.comparison.cluster import attempt_on
    from aukit.comparison.compare import compare as run_all

    with ended_like_interrupted():
        most = jobs or (jobs_here() if cluster is None else cluster.at_once())
        count = min(most, len(planned.trials))
        say(f"{planned.size}, {count} at a time")
        return run_all(planned, attempt_on(cluster, planned, output, count), count, say)


def show_grid(planned: Comparison, as_json: bool) -> None:
    """Print the cells and mark those whose runs are finished."""
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
