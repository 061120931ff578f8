"""Whatever goes wrong is told in one line, with the exit code of its kind."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from aukit import errors
from aukit.cli import main as cli
from aukit.cli.failures import explain
from aukit.cli.groups import load_command
from aukit.errors import AukitError


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (errors.ConfigError("no", "do"), 2, "error: no (do)"),
        (errors.PluginError("no"), 3, "error: no"),
        (errors.MissingWeights("no"), 4, "error: no"),
        (errors.StageError("two\nlines"), 5, "error: two lines"),
        (errors.StorageError("no"), 6, "error: no"),
        (KeyboardInterrupt(), 130, "interrupted; run the same command again to continue"),
        (click.Abort(), 130, "interrupted; run the same command again to continue"),
        (OSError(errno.ENOSPC, "x", "a/b"), 6, "error: the disk is full: a/b (free some space"),
        (OSError(errno.EROFS, "x", "a"), 6, "error: the file system is read-only: a (choose"),
        (NotADirectoryError(errno.ENOTDIR, "x", "a"), 6, "error: there is a file where a folder "),
        (PermissionError(errno.EACCES, "x", "a"), 6, "error: permission denied: a (choose"),
        (
            OSError(errno.EISDIR, "x", ".a.1", None, "a"),
            6,
            "error: there is a folder where a file ",
        ),
        (
            OSError(errno.ENAMETOOLONG, "x", "a"),
            6,
            "error: a file name is too long: a (give",
        ),
        (
            OSError(errno.ELOOP, "x", "a"),
            6,
            "error: a link points to itself: a (give the file itself",
        ),
        (FileNotFoundError(errno.ENOENT, "x", "a"), 1, "error: FileNotFoundError: "),
        (ZeroDivisionError("by zero"), 1, "error: ZeroDivisionError: by zero (run again with"),
        (click.UsageError("Missing argument 'NAME'."), 2, "error: Missing argument 'NAME'"),
    ],
)
def test_every_kind_of_failure_has_its_line_and_code(
    error: BaseException, code: int, text: str
) -> None:
    line, found = explain(error)
    assert found == code
    assert line.startswith(text)
    assert "\n" not in line


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command `fail` that raises an unforeseen error."""

    @click.command()
    def fail() -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setitem(cli.COMMANDS, "fail", ("nowhere:fail", "Fail."))
    monkeypatch.setattr(cli, "load_command", lambda target: fail)


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("line", [["fail", "--debug"], ["--debug", "fail"]])
def test_debug_shows_the_traceback_wherever_it_stands(
    line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(line) == 1
    captured = capsys.readouterr()
    assert "Traceback" in captured.err
    assert captured.out == ""


@pytest.mark.usefixtures("failing")
def test_without_debug_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fail"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["rnu"], "unknown command 'rnu'; did you mean 'run'?"),
        (["zzz"], "commands: run, compare"),
        (["run", "--algner", "2d"], "unknown option '--algner' (did you mean '--aligner'?)"),
        (["run", "--aligner"], "requires an argument"),
        (["run", "stray"], "unexpected extra argument"),
        (["run", "--config", "absent.toml"], "cannot read run file absent.toml"),
        (["plugins", "show"], "Missing argument"),
        (["plugins", "alinger"], "unknown kind 'alinger'"),
        (["plugins", "show", "vgg"], "did you mean 'vgg16'"),
        (["weights", "fetch", "face-landmark"], "did you mean 'face-landmarker'?"),
        (["data", "info", "avatar"], "did you mean 'avatars'?"),
        (["data", "sample", "avatars", "-o", "sheet.txt"], "use a name that ends in .png or .jpg"),
        (["align", "x.jpg"], "Missing option '-o'"),
        (["align", "x.jpg", "-o", "out", "--every", "0"], "0 is not in the range x>=1"),
    ],
)
def test_a_command_line_that_cannot_be_is_told_in_one_line(
    line: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(line) == 2
    captured = capsys.readouterr()
    assert expected in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""


def test_a_command_that_cannot_be_imported_is_a_plugin_error() -> None:
    for target in ("no_such_module:x", "aukit.cli.main:no_such_name", "aukit.cli.main:COMMANDS"):
        with pytest.raises(AukitError) as caught:
            load_command(target)
        assert caught.value.exit_code == 3


WAITS = """
import click, time
from aukit.hooks import hookimpl

@click.command()
def wait():
    print("waiting", flush=True)
    time.sleep(60)

@hookimpl
def aukit_commands():
    return {"wait": ("waits:wait", "Wait.")}
"""


def test_an_interrupt_says_how_to_continue(distribute: Callable[..., Path]) -> None:
    distribute("waits", {"waits": WAITS})
    process = subprocess.Popen(
        [sys.executable, "-m", "aukit.cli.main", "wait"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests run in the background of a shell, they inherit that it is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert told.strip() == "interrupted; run the same command again to continue"
    assert process.returncode == 130


def test_a_disk_that_is_really_full_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OSError) as caught, full.open("wb", buffering=0) as file:
        file.write(b"1")
    assert explain(caught.value) == (
        "error: the disk is full (free some space and run the same command again)",
        6,
    )


@pytest.mark.parametrize("line", [[], ["data"], ["weights"]])
def test_a_command_without_its_subcommand_shows_its_help(
    line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(line) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("Usage: aukit")
    assert len(shown.splitlines()) > 5
    assert "error:" not in shown
