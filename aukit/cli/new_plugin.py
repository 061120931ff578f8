"""Writes the package of a new plugin, which works and keeps its contract from the first minute."""

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
    "balancer": ('count: int = field(default=1, metadata={"help": "uses a frame"})', "every frame"),
    "metric": (
        'least: float = field(default=0.0, metadata={"help": "least true level"})',
        "mean absolute error",
    ),
    "normalizer": (
        'contrast: float = field(default=0.5, metadata={"help": "of the difference"})',
        "difference to the mean face",
    ),
}
"""Kinds that there is a start for: its option, and what it does."""


def write_plugin(kind: str, name: str, parent: Path) -> Path:
    """Write the package of a component: record, method, test, README and pyproject.

    Args:
        kind: one of `STARTS`.
        name: of the component.
        parent: where the folder `aukit-NAME` is made.

    Returns:
        the folder.

    Raises:
        ConfigError: no such kind, no name for a component, or the folder is there already.
        StorageError: nothing can be written there.
    """
    if kind not in STARTS:
        known = f"there are starts for {', '.join(STARTS)}"
        raise ConfigError(f"no start for the kind '{kind}'", f"{known}; copy examples/plugin else")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ConfigError(f"'{name}' is no name of a component", "lower case, digits, hyphens")
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
