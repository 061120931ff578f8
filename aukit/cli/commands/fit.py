"""`aukit fit`: fit one component outside any run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from aukit.cli.app import App, emit_json
from aukit.cli.choices import choose, context_of, with_options
from aukit.cli.commands.fit_synth import synth
from aukit.cli.options import (
    ComponentCommand,
    ComponentOption,
    Slot,
    choice_option,
    chosen,
    option_list,
    settings,
)
from aukit.cli.shared import device_option, json_at_end_option, output_option, sizes_option
from aukit.config.options import preset_of_hardware
from aukit.defaults import FIT_ALIGNER
from aukit.registry.loading import Registry

ALIGNER, DATA, FIT = Slot(("aligner",)), Slot(("data",)), "fit"


class FitCommand(ComponentCommand):
    """Offers the dataset's options and the options of fitting, instead of the component's own."""

    def component_options(
        self, registry: Registry, args: Sequence[str]
    ) -> Iterator[ComponentOption]:
        """The options of this invocation."""
        names = self.chosen_names(args)
        yield from (
            choice_option(registry, slot, FIT_ALIGNER[slot.kind.name]) for slot in self.slots
        )
        if (data := chosen(registry, DATA, names, FIT_ALIGNER["data"])) is not None:
            yield from option_list(DATA.dotted, data)
        aligner = chosen(registry, ALIGNER, names, FIT_ALIGNER["aligner"])
        if aligner is not None and aligner.fitting is not None:
            yield from option_list(FIT, aligner.fitter())


@click.group()
def fit() -> None:
    """Fit a single component.

    Runs fit synthesizers, normalizers and estimators themselves. Use this to train the weights of
    an aligner once, or to fit a synthesizer without the rest of a run.
    """


fit.add_command(synth)


@fit.command(cls=FitCommand, slots=[ALIGNER, DATA], defaults=FIT_ALIGNER)
@output_option("Folder for the weights and their card.")
@sizes_option()
@click.option("--seed", default=0, show_default=True, help="Seed of everything random in the fit.")
@device_option
@json_at_end_option
@click.pass_context
def aligner(
    ctx: click.Context, output: Path, preset: str, seed: int, device: str, as_json: bool
) -> None:
    """Fit an aligner on a dataset that provides a mesh for each picture.

    If interrupted, repeat the command to continue. Processes started by torchrun share the work.
    """
    from aukit.cli.console import RichProgress
    from aukit.pipeline.fit_aligner import Fit, fit_aligner

    registry = ctx.ensure_object(App).registry
    typed = settings(ctx)
    names = {**FIT_ALIGNER, **{kind: typed[kind] for kind in FIT_ALIGNER if kind in typed}}
    sizes = preset_of_hardware() if preset == "auto" else preset
    component = registry.find("aligner", names["aligner"])
    wanted = Fit(
        with_options(component.fitter(), FIT, typed, sizes),
        choose(registry, "data", names["data"], typed, sizes),
        context_of(device, seed),
    )
    weights = fit_aligner(wanted, output, RichProgress())
    if as_json:
        emit_json({"weights": str(weights), **wanted.to_json()})
        return
    click.echo(f"weights  {weights}")
    click.echo(f"use      --aligner {names['aligner']} --aligner.weights {weights}")
