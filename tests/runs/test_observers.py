"""Observers cannot disturb a run, whatever they raise."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from aukit.faults import Interrupted, interrupts_told_apart
from aukit.hooks import hookimpl
from aukit.registry.loading import Plugin, Registry
from aukit.runs.observers import Observers


class NoText(Exception):
    """An exception whose text cannot be made."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Tracker:
    """Fails at every scalar, and counts what it is told."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.told: list[str] = []

    @hookimpl
    def aukit_scalars(self, stage: str) -> None:
        self.told.append(stage)
        if self.error is not None:
            raise self.error

    @hookimpl
    def aukit_stage_finished(self, stage: str) -> None:
        self.told.append(f"end of {stage}")


def observers(*trackers: Tracker) -> Observers:
    registry = Registry(entry_points=())
    for number, tracker in enumerate(trackers):
        registry.register(Plugin("mine", "1", f"tracker{number}"), tracker)
    return Observers(registry)


def tell(told: Observers) -> None:
    told.tell("scalars", run=None, stage="fit", step=1, values={})
    told.tell("scalars", run=None, stage="fit", step=2, values={})
    told.tell("stage_finished", run=None, stage="fit", result=Path())


@pytest.fixture
def told_apart() -> Iterator[None]:
    """As in a command: the user's interrupt has a type of its own."""
    with interrupts_told_apart():
        yield


@pytest.mark.usefixtures("told_apart")
@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        SystemExit(0),
        GeneratorExit(),
        KeyboardInterrupt(),
        NoText(),
        BaseException(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_one_that_fails_is_named_once_and_switched_off_and_the_others_are_told(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    failing, well = Tracker(error), Tracker()
    with caplog.at_level(logging.WARNING):
        tell(observers(failing, well))
    assert failing.told == ["fit"]
    assert well.told == ["fit", "fit", "end of fit"]
    (line,) = caplog.messages
    assert "mine:tracker0" in line
    assert "aukit_scalars" in line
    assert type(error).__name__ in line


@pytest.mark.usefixtures("told_apart")
def test_the_interrupt_of_the_user_is_passed_on() -> None:
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(Interrupted):
        tell(observers(Tracker(Interrupted())))


def test_outside_of_a_command_every_keyboard_interrupt_is_the_users() -> None:
    with pytest.raises(KeyboardInterrupt):
        tell(observers(Tracker(KeyboardInterrupt())))
