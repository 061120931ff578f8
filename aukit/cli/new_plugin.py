"""Writes the package of a new plugin, which works and passes the checks as it is."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from string import Template

from aukit.components import KINDS
from aukit.errors import ConfigError
from aukit.store.owned import new_folder

STARTS: dict[str, tuple[str, str]] = {
    "aligner": ('size: int = field(default=224, metadata={"help": "side in pixels"})', "by eyes"),
    "balancer": (
        'count: int = field(default=1, metadata={"help": "uses per frame"})',
        "every frame",
    ),
    "metric": (
        'least: float = field(default=0.0, metadata={"help": "lowest true level that counts"})',
        "mean absolute error",
    ),
    "normalizer": (
        'contrast: float = field(default=0.5, metadata={"help": "gain of the difference"})',
        "difference to the mean face",
    ),
}
"""Kinds that have a template: its option, and what it does."""


def write_plugin(kind: str, name: str, parent: Path) -> Path:
    """Write the package of a new component: record, method, test, README and pyproject.toml.

    Args:
        kind: one of `STARTS`.
        name: name of the component.
        parent: folder in which `aukit-NAME` is made.

    Returns:
        the folder.

    Raises:
        ConfigError: the kind has no template, the name is invalid, or the folder exists.
        StorageError: the folder cannot be written.
    """
    if kind not in STARTS:
        known = f"there are templates for {', '.join(STARTS)}"
        raise ConfigError(
            f"no template for the kind '{kind}'", f"{known}; else copy examples/plugin"
        )
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ConfigError(
            f"'{name}' is not a valid name of a component", "use lower case, digits and hyphens"
        )
    package = f"aukit_{name.replace('-', '_')}"
    option, summary = STARTS[kind]
    found = KINDS[kind]
    words = {
        "kind": kind, "name": name, "package": package, "hook": found.hook, "flag": found.flag,
        "option": option, "summary": summary,
    }  # fmt: skip
    source = f"src/{package}"
    files = {
        f"{source}/plugin.py": "plugin", f"{source}/method.py": kind, "pyproject.toml": "pyproject",
        "README.md": "readme", "tests/test_contract.py": "test",
    }  # fmt: skip
    with new_folder(parent / f"aukit-{name}") as folder:
        for path, template in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(_filled(template, words), encoding="utf-8")
        (folder / source / "__init__.py").write_text(f'"""The {kind} {name}."""\n')
    return parent / f"aukit-{name}"


def _filled(template: str, words: dict[str, str]) -> str:
    place = resources.files("aukit.cli").joinpath("templates", f"{template}.txt")
    return Template(place.read_text(encoding="utf-8")).substitute(words)
