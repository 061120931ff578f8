"""Options shared by several commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from aukit.config.checks import refuse_url
from aukit.published import PRESETS
from aukit.remote.path import place_of

Body = TypeVar("Body", bound=Callable[..., Any])


class Place(click.Path):
    """A path that must not be empty, nor a URL, unless data are read from it.

    Args:
        url: whether a URL may be given.
        path_type: as in click.
    """

    def __init__(self, url: bool = False, path_type: type[Path] | None = None) -> None:
        super().__init__(path_type=path_type)
        self.url = url

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path.

        Raises:
            click.UsageError: the text is empty, e.g. from an unset variable of a script.
            ConfigError: it is a URL.
        """
        if value == "":
            self.fail("the path is empty", param, ctx)
        if self.url and self.type is not None:
            return place_of(str(value))
        if not self.url:
            refuse_url(str(value))
        return super().convert(value, param, ctx)


config_option = click.option(
    "--config", type=Place(path_type=Path), metavar="FILE", help="Run file with settings."
)


def setting_of_project(name: str, otherwise: str) -> Callable[[], str]:
    """The default of an option from the project's file (`aukit.config.project`)."""

    def value() -> str:
        from aukit.config.project import option

        return option(name) or otherwise

    return value


device_option = click.option(
    "--device", default=setting_of_project("device", "auto"), envvar="AUKIT_DEVICE",
    show_envvar=True, show_default="auto", help="Device: auto, cpu, cuda, mps.",
)  # fmt: skip


def sizes_option(default: str | None = "auto") -> Callable[[Body], Body]:
    """The option `--preset`."""
    return click.option(
        "--preset", type=click.Choice([*PRESETS, "auto"]), default=default, envvar="AUKIT_PRESET",
        show_envvar=True, show_default=default or "the components' own defaults",
        help="Preset of the components; auto chooses by hardware.",
    )  # fmt: skip


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
json_at_end_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object at the end."
)


def output_option(
    help: str, default: str | None = None, metavar: str = "DIR"
) -> Callable[[Body], Body]:
    """The output option `-o`, required unless it has a default."""
    path = Place(path_type=Path)
    if default is None:
        return click.option("-o", "--output", type=path, required=True, metavar=metavar, help=help)
    return click.option(
        "-o", "--output", type=path, default=default, show_default=True, metavar=metavar, help=help
    )


def runs_option_of(help: str) -> Callable[[Body], Body]:
    """The option for the folder of run folders; the project or the environment may set it."""
    return click.option(
        "-o", "--output", type=Place(path_type=Path), metavar="DIR", help=help,
        default=setting_of_project("output", "runs"), envvar="AUKIT_OUTPUT", show_envvar=True,
        show_default="runs",
    )  # fmt: skip


runs_option = runs_option_of("Folder that holds the run folders.")
