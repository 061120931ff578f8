"""Lists such as EmotioNet's: URLs of pictures, and the presence of each AU."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

from aukit.data.files import files_below
from aukit.data.kinds import OCCURRENCE
from aukit_corpora.columns import Columns
from aukit_corpora.common import PICTURES
from aukit_corpora.table import Table


class EmotioNet(Table):
    """Reader of lists such as EmotioNet's: URLs of pictures, and 0, 1 or 999 for each AU.

    The pictures, named by the last part of their URL, are anywhere below the folder of the list.
    """

    name = "emotionet"

    @cached_property
    def columns(self) -> Columns:
        """The list; its codes are occurrences by default."""
        kind = OCCURRENCE if self.config.kind == "auto" else self.config.kind
        return Columns(self.path, replace(self.config, kind=kind))

    @cached_property
    def _below(self) -> dict[str, Path]:
        return {path.name: path for path in files_below(self.folder, PICTURES)}

    def _named(self, name: str) -> str:
        return name.replace("\\", "/").strip("'\"").rsplit("/", 1)[-1].partition("?")[0]

    def _file(self, name: str) -> Path:
        return self._below.get(name, self.folder / name)
