"""Checks of every component: its record, its options, and that building it is harmless."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from aukit.components import validate
from aukit.config.choice import build
from aukit.config.values import COMMAND_LINE, Value, options, plain
from aukit.errors import AukitError, ConfigError
from aukit.testing.subject import Check, CheckFailed, Subject, require

HEAVY = (
    "torch", "torchvision", "kornia", "numba", "pyarrow", "av", "rich", "scipy", "pandas", "PIL",
)  # fmt: skip
"""Packages that showing help must not import."""

LONGEST_SUMMARY = 72


def check_record(subject: Subject) -> None:
    """The record is well-formed, and says enough to be chosen by."""
    component = subject.component
    validate(component)
    require(component.summary.strip(), "the record has no summary")
    require(len(component.summary) <= LONGEST_SUMMARY, "the summary is over 72 characters")
    require(component.licence.strip(), "the record names no licence")
    for option in options(component):
        require(option.metadata.get("help"), f"option '{option.name}' has no help text")


def check_plugin_module_is_light(subject: Subject) -> None:
    """Importing the module of the options, as `--help` does, loads nothing heavy."""
    module = subject.component.config.__module__
    program = f"import sys, {module}; print(*(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    require(done.returncode == 0, f"{module} cannot be imported alone: {done.stderr.strip()}")
    require(not done.stdout.split(), f"importing {module} loads {done.stdout.strip()}")


def check_options_survive_a_run_file(subject: Subject) -> None:
    """Options written out and read back, also as text, are the same."""
    before = subject.settings()
    read = json.loads(json.dumps(plain(before)))
    layer = {name: Value(raw, "run.json") for name, raw in read.items()}
    after, _ = build(subject.component, [layer])
    require(after == before, f"{before} came back from a run file as {after}")
    require(dataclasses.replace(before) == before, "the options cannot be compared")


def check_unknown_option_is_refused(subject: Subject) -> None:
    """A misspelled option is an error that names it."""
    try:
        build(subject.component, [{"no_such_option": Value(1, COMMAND_LINE)}])
    except ConfigError as error:
        require("no_such_option" in str(error), "the error does not name the option")
    else:
        raise CheckFailed("an unknown option was accepted")


def check_presets_can_be_built(subject: Subject) -> None:
    """Every preset holds valid values."""
    for name in subject.component.preset_names:
        preset = subject.component.preset(name)
        layer = {option: Value(raw, f"preset {name}") for option, raw in preset.items()}
        try:
            build(subject.component, [layer])
        except AukitError as error:
            raise CheckFailed(f"preset '{name}' is refused: {error}") from error


def check_options_cross_processes(subject: Subject) -> None:
    """Record and options can be pickled, so that workers can build the component."""
    try:
        sent = pickle.loads(pickle.dumps((subject.component, subject.settings())))
    except Exception as error:
        raise CheckFailed(f"record or options cannot be pickled: {error}") from error
    require(sent[1] == subject.settings(), "the options change when they are pickled")


def check_construction_is_harmless(subject: Subject) -> None:
    """Building an instance writes no file, starts no process and contacts no server."""
    factory, settings = subject.component.load(), subject.settings()
    with _audited() as events:
        factory(settings, subject.context)
    require(not events, f"construction did: {'; '.join(events)}")


_listeners: list[list[str]] = []
_FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system")
_WRITING = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate")


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _listeners:
        return
    if event == "open" and _writes(*arguments[1:3]) and not _is_bytecode(arguments[0]):
        _listeners[-1].append(f"opened {arguments[0]} for writing")
    elif event in (*_FORBIDDEN, *_WRITING) and not _is_bytecode(arguments[0]):
        _listeners[-1].append(f"{event} {arguments[0]}")


def _writes(mode: str | None, flags: int) -> bool:
    if mode is not None:
        return any(letter in mode for letter in "wax+")
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _is_bytecode(path: object) -> bool:
    # Python itself writes what it compiled when a module is imported for the first time.
    return "__pycache__" in str(path)


@contextlib.contextmanager
def _audited() -> Iterator[list[str]]:
    # An audit hook can never be removed again, so there is one, and it listens only in here.
    if not getattr(_hook, "installed", False):
        sys.addaudithook(_hook)
        _hook.installed = True  # type: ignore[attr-defined]
    _listeners.append([])
    try:
        yield _listeners[-1]
    finally:
        _listeners.pop()


CHECKS: tuple[Check, ...] = (
    check_record,
    check_plugin_module_is_light,
    check_options_survive_a_run_file,
    check_unknown_option_is_refused,
    check_presets_can_be_built,
    check_options_cross_processes,
    check_construction_is_harmless,
)
