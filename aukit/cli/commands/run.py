"""`aukit run`: run a whole pipeline, from frames to scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aukit.cli.app import App, emit_json
from aukit.cli.completion import known_values
from aukit.cli.options import ComponentCommand, ComponentOption, Slot, names_in, settings
from aukit.cli.shared import config_option, json_at_end_option, runs_option
from aukit.cli.texts import metavar, show
from aukit.components import KINDS
from aukit.config.departures import told
from aukit.config.files import read_file
from aukit.config.options import Layer, RunOptions
from aukit.config.project import ambient
from aukit.config.resolve import nest, resolve
from aukit.config.run import ROLE_KINDS, ROLES, RunConfig
from aukit.config.values import COMMAND_LINE, default_of, types_of
from aukit.errors import ConfigError
from aukit.published import PRESETS
from aukit.registry.loading import Registry

if TYPE_CHECKING:
    from aukit.pipeline.execute import Outcome
    from aukit.pipeline.runner import Explained

SLOTS = (
    *(Slot((kind,)) for kind in KINDS),
    *(Slot((role, kind)) for role in ROLES for kind in ROLE_KINDS),
)

EPILOG = """\b
Roles: synth-fit (faces the synthesizer is fitted on), synth-paint (faces
it synthesizes from), train (faces the estimator is fitted on), test (faces that
are scored). Each may have a dataset, a landmarker, an aligner and a partition of
its own: --test.data NAME, --test.data.OPTION VALUE, --synth-fit.aligner NAME,
--test.partition valid."""


class RunCommand(ComponentCommand):
    """Adds the settings of the run as a whole, and the roles' partitions."""

    def options_for(
        self, registry: Registry, names: Mapping[str, str]
    ) -> Iterator[ComponentOption]:
        """The options that apply when these components are chosen (slot -> name)."""
        yield from _whole_run()
        yield from super().options_for(registry, names)

    def chosen_names(self, args: Sequence[str]) -> dict[str, str]:
        """Slot -> name, from the project's file, the run file and the command line."""
        named: dict[str, str] = {}
        for _, document in ambient(()):
            named.update(names_in(document, self.slots))
        return {**named, **super().chosen_names(args)}


def _whole_run() -> Iterator[ComponentOption]:
    types = types_of(RunOptions)
    for entry in fields(RunOptions):
        text = f"{entry.metadata['help']}  [default: {show(default_of(entry))}]"
        kind = types[entry.name]
        values = [*PRESETS, "auto"] if entry.name == "preset" else known_values(kind)
        yield ComponentOption(entry.name, "Run", values, metavar=metavar(kind), help=text)
    for role in ROLES:
        yield ComponentOption(f"{role}.partition", None, hidden=True)
        yield ComponentOption(f"{role}.views", None, hidden=True)


def layers(config: Path | None, typed: dict[str, Any]) -> list[Layer]:
    """The settings of project, run file and command line, weakest first."""
    named: list[Layer] = [] if config is None else [(config.name, read_file(config))]
    named.append((COMMAND_LINE, nest(typed)))
    return [*ambient(named), *named]


@click.command(cls=RunCommand, slots=SLOTS, epilog=EPILOG)
@config_option
@runs_option
@click.option(
    "--name", metavar="NAME",
    help="Name of the run folder.  [default: a number and the components]",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only check the configuration and show it resolved.")
@click.option(
    "--redo", multiple=True, metavar="STAGE",
    help="Recompute this stage and all that follow, even if stored (repeatable).",
)  # fmt: skip
@click.option(
    "--explain", is_flag=True,
    help="Report for each stage whether it was reused or computed, and why.",
)  # fmt: skip
@json_at_end_option
@click.pass_context
def run(
    ctx: click.Context,
    config: Path | None,
    output: Path,
    name: str | None,
    dry_run: bool,
    redo: tuple[str, ...],
    explain: bool,
    as_json: bool,
) -> None:
    """Run a pipeline from frames to scores.

    Without options: 2D alignment, resampling and VGG16 on the built-in avatars. If interrupted,
    repeat the command to continue. Processes started by torchrun share the fits.
    """
    from aukit.runs.folder import refuse_name

    registry = ctx.ensure_object(App).registry
    resolved = resolve(registry, layers(config, settings(ctx)))
    refuse_unknown_stages(redo)
    if name is not None:
        refuse_name(name)
    if dry_run:
        from aukit.pipeline.execute import check_ready

        check_ready(resolved)
        show_configuration(resolved, as_json)
        return
    from aukit.cli.console import RichProgress
    from aukit.pipeline.execute import execute
    from aukit.pipeline.together import joined

    if joined(resolved):
        return
    for line in told(resolved.departures()):
        click.echo(line, err=True)
    outcome = execute(resolved, output, registry, RichProgress(), name, redo)
    show_outcome(outcome, as_json, explain=explain)


def show_configuration(config: RunConfig, as_json: bool) -> None:
    """Print the resolved configuration with the origin of each value."""
    if as_json:
        origins = {name: origin for name, _, origin in config.rows()}
        departures = [asdict(found) for found in config.departures()]
        emit_json({"config": config.to_json(), "origins": origins, "departures": departures})
        return
    from aukit.cli.console import table

    table("Resolved configuration", ("setting", "value", "origin"), config.rows())


def refuse_unknown_stages(names: Sequence[str]) -> None:
    """Refuse names of stages that no run has.

    Raises:
        ConfigError: a name is unknown; the hint lists the stages.
    """
    from aukit.pipeline.steps import STAGES

    known = [stage.name for stage in STAGES]
    for name in (name for name in names if name not in known):
        raise ConfigError(f"--redo: no run has a stage '{name}'", f"stages: {', '.join(known)}")


def show_explained(explained: Sequence[Explained]) -> None:
    """Print for each stage whether it was reused or computed, and why."""
    from aukit.cli.console import table

    rows = [(one.label, "made" if one.made else "found", one.because) for one in explained]
    table("Stages", ("stage", "was", "because"), rows)


def show_outcome(outcome: Outcome, as_json: bool, *, explain: bool = False) -> None:
    """Print the scores and the paths of the results."""
    if as_json:
        emit_json(
            {
                "run": str(outcome.folder),
                "report": str(outcome.report),
                "scores": outcome.scores,
                "card": outcome.card,
                "dropped": outcome.dropped,
                "left_out": outcome.left_out,
                "seconds": outcome.seconds,
                "stages": [
                    {"stage": one.label, "made": one.made, "because": one.because}
                    for one in outcome.explained
                ],
            }
        )
        return
    from aukit.cli.tables import show_dropped, show_scores

    if explain:
        show_explained(outcome.explained)
    if outcome.card is not None:
        from aukit.cli.tables import show_card

        show_card(outcome.card)
    if outcome.scores:
        show_scores(outcome.scores)
    show_dropped(outcome.dropped)
    if outcome.left_out:
        click.echo(
            "AUs left out because only some of the datasets code them: "
            f"{', '.join(outcome.left_out)}"
        )
    click.echo(f"run     {outcome.folder}")
    click.echo(f"report  {outcome.report}")
    click.echo(f"took    {outcome.seconds:.0f} s")
