"""A whole comparison: the grid, its runs, the scores, and the output files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from aukit.comparison.attempts import Attempt, attempt_all
from aukit.comparison.planned import COMPARISON, Comparison
from aukit.errors import ConfigError
from aukit.runs.environment import typed_command
from aukit.store.files import ensure_writable, write_json, write_text
from aukit.store.owned import Output

COMMAND = "command.txt"


def compare(
    comparison: Comparison,
    attempt: Attempt,
    jobs: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Run what is not finished, and gather scores, differences and costs.

    Args:
        comparison: the comparison.
        attempt: makes a run.
        jobs: runs at a time.
        say: receives a line about each run that ends.

    Returns:
        the content of `comparison.json`; see `aukit.comparison.summary`.

    Raises:
        ConfigError: torchrun started it, another process is working on this comparison, or its
            folder holds files that aukit did not make and would replace.
        StorageError: the folder cannot be written.
    """
    from aukit.comparison.files import FILES, write_files
    from aukit.comparison.summary import summarize
    from aukit.machine.processes import world_size

    if world_size() > 1:
        raise ConfigError(
            "torchrun cannot start a comparison", "to use several machines, add --executor ray"
        )
    ensure_writable(comparison.folder)
    results = Output(comparison.folder)
    with _alone(comparison.folder):
        results.refuse_foreign([COMMAND, COMPARISON, *FILES])
        with results.writing([COMMAND]):
            write_text(comparison.folder / COMMAND, typed_command() + "\n")
        errors = _run(comparison, attempt, jobs, say)
        document = summarize(comparison, errors)
        with results.writing([COMPARISON, *FILES]):
            write_json(comparison.folder / COMPARISON, document)
            write_files(document, comparison.folder)
    return document


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise ConfigError(
            f"another process is working on {folder}", "wait for it, or choose another --name"
        ) from None


def _run(
    comparison: Comparison, attempt: Attempt, jobs: int, say: Callable[[str], None]
) -> Mapping[str, str]:
    """Name of each failed trial -> reason."""
    todo = [(t, comparison.place(t)) for t in comparison.trials if not comparison.is_finished(t)]
    count = len(comparison.trials)
    if found := count - len(todo):
        say(f"{found} of {count} runs are already finished")
    errors: dict[str, str] = {}
    for number, (trial, error) in enumerate(attempt_all(todo, attempt, jobs), found + 1):
        if error is not None:
            errors[trial.name] = error
        say(f"[{number}/{count}] {trial.label}: {'done' if error is None else f'failed: {error}'}")
    return errors
