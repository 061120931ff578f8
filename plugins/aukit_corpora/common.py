"""Shared code of the readers: applies the options of a corpus to a reader."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aukit.contracts.context import Context
from aukit.contracts.survey import Finding
from aukit.data.codes import Codes, Floats, Numbers, cleaned, merged, pairs
from aukit.data.kinds import AuKind
from aukit.data.reader import Reader
from aukit_corpora.facts import CORPORA
from aukit_corpora.plugin import CorpusOptions

PICTURES = frozenset([".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff"])


class Corpus(Reader):
    """A published corpus; its terms come from the plugin's record.

    Args:
        config: options.
        context: unused; pictures are decoded on the CPU.
    """

    def __init__(self, config: CorpusOptions, context: Context) -> None:
        facts = CORPORA[self.name]
        self.published = facts.published
        self.licence = facts.licence
        self.citation = facts.citation
        self.root = config.root
        self.uncoded = config.uncoded
        self.shift = config.shift
        self.manifest = config.manifest
        self.fold = getattr(config, "fold", "none")


def pair_codes(
    files: Mapping[str, Path], aus: Sequence[str], kinds: Mapping[str, AuKind], where: str
) -> Codes:
    """Codes of a recording from one `frame,code` file per AU."""
    columns, found = {}, []
    for au, path in files.items():
        if not path.exists():
            found.append(Finding("warning", f"missing label file of {au}", str(path)))
            continue
        frames, values, amiss = pairs(path)
        clean, unknown = cleaned(values, kinds.get(au, "intensity"), str(path))
        columns[au] = (frames, clean)
        found += [*amiss, *unknown]
    found += shorter(columns, files)
    return merged(columns, aus, where, found)


def shorter(
    columns: Mapping[str, tuple[Numbers, Floats]], files: Mapping[str, Path]
) -> Iterator[Finding]:
    """Findings for label files of a recording that lack frames other files have."""
    every = [np.unique(frames) for frames, _ in columns.values()]
    union = np.unique(np.concatenate(every)) if every else ()
    for au, own in zip(columns, every, strict=True):
        if lost := len(union) - len(own):
            what = "label file shorter than those of other AUs"
            yield Finding("warning", what, str(files[au]), lost)


def number_of(path: Path) -> int | None:
    """The frame number at the end of a file's name; leading zeros are ignored."""
    found = re.search(r"(\d+)$", path.stem)
    return int(found[1]) if found else None


def numbered(paths: Sequence[Path]) -> dict[int, Path]:
    """Frame number -> picture, without unnumbered pictures."""
    pairs_ = ((number_of(path), path) for path in paths)
    return {number: path for number, path in pairs_ if number is not None}


def columns_of(names: Sequence[str]) -> dict[str, int]:
    """AU -> column, for a heading such as `Frame,AU1,AU2` or `,1,2,4`."""
    found: dict[str, int] = {}
    for position, name in enumerate(names):
        match: Any = re.fullmatch(r"\W*(?:au)?[\s_]*(\d{1,2})\W*", name, re.IGNORECASE)
        if match and position:
            found[f"AU{int(match[1]):02d}"] = position
    return found
