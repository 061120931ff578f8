"""Checks on what a plugin offers besides components: commands and observers."""

from __future__ import annotations

import functools
import importlib
import inspect
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click

from aukit.faults import is_interrupt, reason
from aukit.testing.run import Outcome

OBSERVED: dict[str, dict[str, Any]] = {
    "aukit_run_started": {},
    "aukit_stage_started": {"stage": "fit-synth"},
    "aukit_scalars": {"stage": "fit-synth", "step": 1, "values": {"loss": 0.5}},
    "aukit_stage_finished": {"stage": "fit-synth"},
    "aukit_stage_failed": {"stage": "fit-synth", "error": ValueError("for a check")},
    "aukit_run_finished": {"outcome": {"scores": {"mean": {"icc": {"value": None}}}}},
}
"""Observing hooks, and what they are told."""


def check_command(target: str) -> None:
    """The command can be imported, is a click command, and has help."""
    module, _, attribute = target.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command), f"{target} is no click command"
    assert command.help, f"{target} has no help text"


def check_observer(implementation: Any, told: dict[str, Any]) -> None:
    """The hook takes a run, and leaves its folder and what it is told as they are."""
    with tempfile.TemporaryDirectory(prefix="aukit-check-") as scratch:
        folder, result = Path(scratch) / "run", Path(scratch) / "result"
        folder.mkdir()
        result.mkdir()
        run = SimpleNamespace(folder=folder, config=SimpleNamespace(rows=lambda: iter(())))
        known = {"run": run, "result": result, **told}
        implementation(
            **{name: known[name] for name in inspect.signature(implementation).parameters}
        )
        assert list(result.iterdir()) == [], "it writes into the result of a stage"


def check_plugin(module: Any, commands: dict[str, tuple[str, str]]) -> Iterator[Outcome]:
    """Check the commands and the observers of a plugin.

    Args:
        module: the plugin.
        commands: what its hook `aukit_commands` returned.
    """
    for name, (target, _) in commands.items():
        yield _outcome(f"command {name}", functools.partial(check_command, target))
    for hook, told in OBSERVED.items():
        if (implementation := getattr(module, hook, None)) is not None:
            yield _outcome(
                f"observer {hook}", functools.partial(check_observer, implementation, told)
            )


def _outcome(name: str, check: Callable[[], None]) -> Outcome:
    try:
        check()
    except BaseException as error:  # a plugin may raise anything at all
        if is_interrupt(error):
            raise
        return Outcome(name, "failed", reason(error))
    return Outcome(name, "passed", "")
