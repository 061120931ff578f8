"""A drill: plugins that are broken in every way that we know of, through commands and whole runs.

Whatever a plugin does, the culprit is named in one line, the run is marked as failed, and what is
not its concern works. The whole drill runs on purpose (`AUKIT_DRILL=1`); a part of it always does.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rogues import NAME, RAISED, WRONG, registry

from aukit.cli.main import main
from aukit.config.resolve import nest, resolve
from aukit.errors import AukitError, PluginError, StageError
from aukit.faults import interrupts_told_apart
from aukit.pipeline.execute import execute
from aukit.registry.loading import Registry

CASES = [
    (kind, method, fault)
    for kind, methods in WRONG.items()
    for method, faults in methods.items()
    for fault in (*RAISED, *faults)
]
FEW = 8
"""Cases that every run of the tests tries: seeded, so that they are the same ones."""
WHOLE = "AUKIT_DRILL" in os.environ

# Without a synthesizer nothing is painted, and it is the estimator's faces that are normalized.
SETTINGS = {
    "preset": "quick", "device": "cpu", "data": "drawn", "data.people": 2, "data.frames": 6,
    "landmarker": "everywhere", "aligner": "centre", "balancer": "paints", "synth": "brush",
    "estimator": NAME, "executor": "inline", "draws": 5, "card": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def rogues() -> Registry:
    return registry()


@pytest.fixture(autouse=True)
def _told_apart() -> Iterator[None]:
    """As in a command: the user's interrupt is another than a plugin's KeyboardInterrupt."""
    with interrupts_told_apart():
        yield


def chosen(kind: str, method: str, fault: str) -> dict[str, object]:
    """Settings of a run in which one component does one thing wrong."""
    own = {name: value for name, value in SETTINGS.items() if not name.startswith(f"{kind}.")}
    return {**own, kind: NAME, f"{kind}.method": method, f"{kind}.fault": fault}


@pytest.mark.parametrize(
    ("kind", "method", "fault"), CASES if WHOLE else random.Random(12).sample(CASES, FEW)
)
def test_the_culprit_is_named_and_the_run_is_marked_as_failed(
    kind: str, method: str, fault: str, rogues: Registry, tmp_path: Path
) -> None:
    config = resolve(rogues, [("drill", nest(chosen(kind, method, fault)))])
    with pytest.raises(AukitError) as caught:
        execute(config, tmp_path, rogues)
    told = str(caught.value)
    assert isinstance(caught.value, (PluginError, StageError))
    assert f"{kind} '{NAME}' (rogues 6.6)" in told
    assert "\n" not in told
    (state,) = (json.loads(path.read_text()) for path in tmp_path.glob("0001-*/state.json"))
    assert state["state"] == "failed"
    assert f"{kind} '{NAME}'" in state["error"]


def test_without_a_fault_the_rogues_work(rogues: Registry, tmp_path: Path) -> None:
    kinds = dict.fromkeys(WRONG, NAME)
    own = {name: value for name, value in SETTINGS.items() if not name.startswith("data.")}
    config = resolve(rogues, [("drill", nest({**own, **kinds}))])
    assert execute(config, tmp_path, rogues).report.exists()


PLUGIN = """
import sys
from dataclasses import dataclass, field
from aukit.components import Component
from aukit.hooks import hookimpl

@dataclass(frozen=True)
class Options:
    size: int = 8

def record(**values):
    given = dict(kind="aligner", name="mine", factory="collections:OrderedDict", config=Options,
                 summary="test")
    return Component(**{**given, **values})

class NoText(Exception):
    def __str__(self): raise RuntimeError("no text")
class Hidden:
    def __repr__(self): raise RuntimeError("not shown")

"""


def hook(body: str, name: str = "aukit_aligners") -> str:
    return f"{PLUGIN}@hookimpl\ndef {name}():\n    {body}\n"


def options(fields: str) -> str:
    own = f"@dataclass(frozen=True)\n    class Own:\n        {fields}"
    return hook(f"{own}\n    return [record(config=Own)]")


BROKEN = {
    "import: ImportError": "import no_such_module",
    "import: SyntaxError": "def",
    "import: SystemExit": "raise SystemExit(0)",
    "import: KeyboardInterrupt": "raise KeyboardInterrupt",
    "import: GeneratorExit": "raise GeneratorExit",
    "import: panic": "raise BaseException('panicked')",
    "import: no text": f"{PLUGIN}raise NoText",
    "import: endless": "def f(): f()\nf()",
    "registration: ValueError": hook("raise ValueError"),
    "registration: SystemExit": hook("sys.exit(0)"),
    "registration: KeyboardInterrupt": hook("raise KeyboardInterrupt"),
    "registration: GeneratorExit": hook("raise GeneratorExit"),
    "registration: panic": hook("raise BaseException('panicked')"),
    "registration: no text": hook("raise NoText"),
    "registration: no records": hook("return [1]"),
    "registration: a number": hook("return 1"),
    "registration: other kind": hook("return [record(kind='synth')]"),
    "registration: unknown kind": hook("return [record(kind='cook')]"),
    "registration: name None": hook("return [record(name=None)]"),
    "registration: summary None": hook("return [record(summary=None)]"),
    "registration: aliases as text": hook("return [record(aliases='2d')]"),
    "registration: requires as text": hook("return [record(requires='numpy')]"),
    "registration: presets None": hook("return [record(presets=None)]"),
    "registration: misspelt hook": f"{PLUGIN}@hookimpl\ndef aukit_aligner(): return []",
    "options: no default": options("size: int"),
    "options: annotation": options("size: 'Unknown' = 8"),
    "options: default raises": options("size: int = field(default_factory=lambda: 1 / 0)"),
    "options: default exits": options("size: int = field(default_factory=sys.exit)"),
    "options: default not shown": options("size: object = Hidden()"),
    "commands: None": hook("return {'mine': None}", "aukit_commands"),
    "commands: no help": hook("return {'mine': ('mine:main', None)}", "aukit_commands"),
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_plugin_that_cannot_be_loaded_is_named_and_the_rest_works(
    source: str, distribute: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    distribute("culprit", {"culprit_module": source})
    assert main(["--help"]) == 0
    assert "Commands:" in capsys.readouterr().out
    assert main(["--verbose", "plugins", "aligner"]) == 0
    assert "plugin culprit:culprit_module is not in use: " in capsys.readouterr().err
    assert main(["run", "--help"]) == 0
    assert "Aligner procrustes" in capsys.readouterr().out


HARMLESS = {
    "help None": options("size: int = field(default=8, metadata={'help': None})"),
    "requires below a package that is not there": hook("return [record(requires=('a.b.c',))]"),
    "prints": f"print('hello')\n{hook('print(1); return [record()]')}",
    "an alias of ours": hook("return [record(aliases=('2d', 'procrustes'))]"),
    "a name of ours": hook("return [record(name='procrustes')]"),
}


@pytest.mark.parametrize("source", HARMLESS.values(), ids=HARMLESS)
def test_what_is_odd_about_a_plugin_harms_nobody_else(
    source: str, distribute: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    distribute("culprit", {"culprit_module": source})
    assert main(["plugins", "aligner", "--json"]) == 0
    assert "culprit" in json.dumps(json.loads(capsys.readouterr().out))
    assert main(["run", "--help", "--aligner", "2d"]) == 0
    assert "Aligner procrustes (aukit-facs)" in capsys.readouterr().out


WEIGHTS = """
from aukit.hooks import hookimpl

@hookimpl
def aukit_weights():
    from aukit.registry.weights import Weights
    return [Weights("face-landmarker", "0" * 64, 1, "none", (), "not what it seems")]

@hookimpl
def aukit_resolve_weights(ref):
    raise SystemExit(0)
"""


def test_weights_keep_their_names_and_who_claims_one_is_seen(
    distribute: Callable[..., Path], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    before = Registry().weights()
    distribute("culprit", {"culprit_module": WEIGHTS})
    after = Registry().weights()
    assert after == {**before, "culprit/face-landmarker": after["culprit/face-landmarker"]}
    file = tmp_path / "own.bin"
    file.write_bytes(b"weights")
    assert Registry().resolve_weights(str(file)) == file
    assert "culprit:culprit_module" in caplog.text
