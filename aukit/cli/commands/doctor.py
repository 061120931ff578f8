"""`aukit doctor`: what this machine offers, and what would stop a run."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import click

from aukit.cli.app import App, emit_json
from aukit.cli.shared import json_option, output_option
from aukit.errors import AukitError
from aukit.machine.devices import memory_bytes, usable_processors
from aukit.registry.loading import Registry

Verdict = Literal["ok", "note", "bad"]

DISK_NEEDED_GB = 2.0
MEMORY_NEEDED_GB = 4.0
"""Below these limits the built-in run may fail."""


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        subject: what was checked.
        verdict: `ok`; `note` for a limit that most runs can live with; `bad` if runs will fail.
        found: what was found.
        advice: what to do about it.
    """

    subject: str
    verdict: Verdict
    found: str
    advice: str = ""


@click.command()
@output_option("Folder where runs would be stored.", default=".")
@json_option
@click.pass_context
def doctor(ctx: click.Context, output: Path, as_json: bool) -> int:
    """Check this machine: devices, packages and disk. The exit code is 1 if a run would fail."""
    findings = list(examine(ctx.ensure_object(App).registry, output))
    bad = [finding for finding in findings if finding.verdict == "bad"]
    if as_json:
        emit_json({"well": not bad, "findings": [asdict(finding) for finding in findings]})
        return 1 if bad else 0
    from aukit.cli.console import table

    rows = [(f.verdict, f.subject, f.found, f.advice) for f in findings]
    table("This machine", ("", "what", "found", "advice"), rows)
    names = ", ".join(finding.subject for finding in bad)
    click.echo(f"Problems: {names}." if bad else "No problems: `aukit run` can start.")
    return 1 if bad else 0


def examine(registry: Registry, output: Path) -> Iterator[Finding]:
    """Run all checks."""
    yield Finding("aukit", "ok", _version("aukit-facs"))
    yield Finding("python", "ok", platform.python_version())
    yield _looked_at("torch", _torch)
    yield _looked_at("torchvision", _torchvision)
    yield _numba()
    yield _looked_at("devices", _devices)
    yield _processors()
    yield _memory()
    yield _disk(output)
    yield _looked_at("video decoding", _video)
    yield from _left_to_the_user(registry)
    yield from _weights(registry)
    yield from _plugins(registry)


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed as a package"


def _looked_at(subject: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except Exception as error:  # importing a broken package may raise anything
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return Finding(subject, "bad", text[:200], "reinstall aukit-facs in a fresh environment")


def _torch() -> Finding:
    import torch

    return Finding("torch", "ok", torch.__version__)


def _torchvision() -> Finding:
    # A torchvision built for another torch imports, but lacks its operators.
    import torch
    import torchvision

    torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    return Finding("torchvision", "ok", f"{torchvision.__version__}, matches torch")


def _numba() -> Finding:
    try:
        import numba
    except ImportError as error:  # also raised when numpy is too new for numba
        text = " ".join(str(error).split())[:200]
        return Finding("numba", "note", text, "without numba, 3D registration takes twice as long")
    return Finding("numba", "ok", numba.__version__)


def _devices() -> Finding:
    import torch

    from aukit.machine.devices import accelerator

    kind = accelerator()
    if kind is None:
        return Finding("devices", "note", "cpu only", "preset `quick` is sized for this")
    count = torch.accelerator.device_count()
    name = f" ({torch.cuda.get_device_name(0)})" if kind == "cuda" else ""
    return Finding("devices", "ok", f"{count} x {kind}{name}, cpu")


def _processors() -> Finding:
    return Finding("processors", "ok", str(usable_processors()))


def _memory() -> Finding:
    found = memory_bytes()
    if found is None:
        return Finding("memory", "note", "unknown on this system")
    size = found / 2**30
    enough = size >= MEMORY_NEEDED_GB
    advice = "" if enough else f"the built-in run needs {MEMORY_NEEDED_GB:g} GB"
    return Finding("memory", "ok" if enough else "note", f"{size:.1f} GB", advice)


def _disk(output: Path) -> Finding:
    folder = next((p for p in (output, *output.absolute().parents) if p.is_dir()), Path("."))
    free = shutil.disk_usage(folder).free / 2**30
    if not os.access(folder, os.W_OK):
        return Finding("disk", "bad", f"cannot write to {folder}", "choose a folder with -o")
    if free < DISK_NEEDED_GB:
        return Finding("disk", "bad", f"{free:.1f} GB free", "free some space, or use -o")
    return Finding("disk", "ok", f"{free:.0f} GB free")


def _video() -> Finding:
    import av

    wanted = ("h264", "hevc", "mpeg4", "vp9", "mjpeg")
    absent = [name for name in wanted if name not in av.codecs_available]
    if absent:
        return Finding("video decoding", "note", f"no decoder for {', '.join(absent)}")
    return Finding("video decoding", "ok", f"av {av.__version__}: {', '.join(wanted)}")


def _left_to_the_user(registry: Registry) -> Iterator[Finding]:
    """Components whose optional packages are not installed."""
    for component in registry.components:
        if absent := component.missing():
            subject = f"{component.kind} {component.name}"
            text = f"needs {', '.join(absent)}: {component.summary}"
            yield Finding(subject, "note", text, f"if you need it: {component.install_hint}")


def _weights(registry: Registry) -> Iterator[Finding]:
    from aukit.cli.commands.weights import state

    for name, entry in registry.weights().items():
        found = state(entry)
        verdict: Verdict = "ok" if found == "here" else "note"
        advice = "" if found == "here" else f"if you need them: aukit weights fetch {name}"
        yield Finding(f"weights {name}", verdict, found.partition(":")[0], advice)


def _plugins(registry: Registry) -> Iterator[Finding]:
    working = len(registry.plugins) - len(registry.broken)
    yield Finding("plugins", "ok", f"{working} in use, {len(registry.components)} components")
    for plugin in registry.broken:
        advice = f"repair or uninstall {plugin.distribution}; or --block {plugin.qualified}"
        ours = plugin.distribution == "aukit-facs"
        yield Finding(
            f"plugin {plugin.qualified}", "bad" if ours else "note", f"{plugin.error}", advice
        )
    yield _defaults(registry)


def _defaults(registry: Registry) -> Finding:
    """Whether every default component of `aukit run` is usable."""
    from aukit.components import KINDS

    problems = []
    for kind in KINDS.values():
        if kind.default is None or kind.several:  # panels: each member may be absent
            continue
        try:
            component = registry.find(kind.name, kind.default)
            problems += [f"{kind.name} needs {name}" for name in component.missing()]
        except AukitError as error:
            problems.append(error.message)
    if problems:
        return Finding("default run", "bad", "; ".join(problems), "pip install aukit-facs")
    return Finding("default run", "ok", "every default component is installed")
