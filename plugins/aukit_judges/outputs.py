"""Outputs of other programs on pictures written by `aukit evaluate --export`.

File names are derived from the pixels (`aukit.vision.fingerprint`), so outputs can be matched to
pictures. Supported are

- OpenFace's FaceLandmarkImg: one CSV per picture, named like the picture, with intensities
  (`AU01_r`, 0..5) and presence (`AU01_c`, 0 or 1);
- OpenFace's FeatureExtraction on the folder: one CSV, column `frame`, 1 for the first file by name;
- any CSV with a column `image` (or `file`, `filename`, `name`) and columns `AU01`, `AU1`, `AU01_r`,
  `AU01_c`; the first two hold intensities, or presence or its probability (`kind`).
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path, PurePath

import torch
from torch import Tensor

from aukit import au
from aukit.contracts.context import Context
from aukit.contracts.judge import Measures
from aukit.errors import DataError, MissingWeights
from aukit.vision.fingerprint import fingerprint
from aukit_judges.plugin import OutputsConfig

_COLUMN = re.compile(r"AU0*(\d+)(?:_([rc]))?", re.IGNORECASE)
_PRESENT = "_present"
_NAMES = ("image", "file", "filename", "name")
Opinion = dict[str, float]
"""AU column -> number; that of presence ends in `_c`, one whose kind nobody knows has no ending."""


class OutputsJudge:
    """Intensities and presence from a table; NaN for pictures and AUs that it does not have.

    If the table has both for an AU, presence is a separate column (`AU01_present`).

    Raises:
        MissingWeights: no file was given, or it does not exist.
    """

    measures: Measures = "intensity"
    calibrated = True

    def __init__(self, config: OutputsConfig, context: Context) -> None:
        self._path = Path(config.path).expanduser()
        self._config = config
        if not config.path or not self._path.exists():
            raise MissingWeights(
                f"judge 'outputs' finds no outputs at '{config.path}'",
                "aukit evaluate RUN --export DIR, judge the pictures, --judge.outputs.path CSV",
            )

    @cached_property
    def _opinions(self) -> Mapping[str, Opinion]:
        opinions = dict(read_outputs(self._path))
        if not any(opinions.values()):
            raise DataError(
                f"{self._path} has no AU columns",
                "columns must be called AU01_r, AU01_c or AU01, and the picture `image` or `frame`",
            )
        return opinions

    @cached_property
    def _columns(self) -> dict[str, tuple[str, bool]]:
        """Name of a column of the judge -> that of the table, and whether it holds presence."""
        known = sorted({name for opinion in self._opinions.values() for name in opinion})
        plain = [name for name in known if au.is_column(name)]
        presence = self._presence(plain)
        found = {name.removesuffix("_r"): (name, False) for name in known if name.endswith("_r")}
        for name in [*plain, *(name for name in known if name.endswith("_c"))]:
            is_presence = presence or name.endswith("_c")
            unit = name.removesuffix("_c")
            label = f"{unit}{_PRESENT}" if is_presence and unit in found else unit
            found.setdefault(label, (name, is_presence))
        return found

    def _presence(self, plain: list[str]) -> bool:
        """Whether columns without an ending hold presence or its probability."""
        opinions = self._opinions.values()
        low = all(opinion[name] <= 1 for opinion in opinions for name in plain if name in opinion)
        if self._config.kind == "presence" and not low:
            raise DataError(
                f"{self._path} has numbers above 1, which are neither presence nor probabilities",
                "leave out --judge.outputs.kind, or divide them",
            )
        return low if self._config.kind == "auto" else self._config.kind == "presence"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The AUs of the table, and additional presence columns."""
        return tuple(sorted(self._columns))

    @cached_property
    def cuts(self) -> dict[str, float]:
        """Columns with presence or its probability -> lowest value that counts as present."""
        cut = self._config.cut
        return {name: cut for name, (_, presence) in self._columns.items() if presence}

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """(B, K) float32: intensities in 0..5, presence or probabilities in 0..1."""
        found = [self._opinions.get(fingerprint(image), {}) for image in images]
        sources = [self._columns[name] for name in self.names]
        rows = [[opinion.get(source, math.nan) for source, _ in sources] for opinion in found]
        values = torch.tensor(rows, dtype=torch.float32).reshape(-1, len(self.names))
        presence = torch.tensor([known for _, known in sources])
        scaled = (values * self._config.scale).clamp(0, au.MAX_LEVEL)
        return torch.where(presence, values, scaled)


def read_outputs(path: Path) -> Iterator[tuple[str, Opinion]]:
    """(picture, AU -> output) of a CSV file, or of all CSV files in a folder.

    Raises:
        DataError: a file is not a table, or has neither a picture column nor a picture's name.
    """
    for file in sorted(path.glob("*.csv")) if path.is_dir() else [path]:
        rows = _rows(file)
        yield from ((_picture(row, file, path, len(rows)), _opinion(row)) for row in rows)


def _rows(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            return [_stripped(row) for row in csv.DictReader(text)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} is not a table: {error}", "CSV files are UTF-8 text") from error


def _stripped(row: Mapping[str | None, str | None]) -> dict[str, str]:
    # OpenFace writes a space behind each comma; what goes beyond the header has no name.
    return {key.strip(): (value or "").strip() for key, value in row.items() if key is not None}


def _picture(row: Mapping[str, str], file: Path, path: Path, rows: int) -> str:
    """Which picture a row is about: its name without folder and ending."""
    for column in _NAMES:
        if row.get(column):
            return PurePath(row[column]).stem
    if rows == 1:
        return file.stem
    if "frame" in row:
        pictures = sorted(file.parent.glob("*.png"))
        place = _frame(row["frame"]) - 1
        if 0 <= place < len(pictures):
            return pictures[place].stem
        raise DataError(
            f"{file}: frame {row['frame']} is not one of the {len(pictures)} pictures beside it",
            "put the table into the folder of the exported pictures",
        )
    raise DataError(
        f"{path}: there is no column with the picture",
        f"call it {', '.join(_NAMES)} or frame",
    )


def _frame(text: str) -> int:
    """The number of a frame, counted from 1; 0 for what is no number."""
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return 0


def _opinion(row: Mapping[str, str]) -> Opinion:
    opinion: Opinion = {}
    if row.get("success", "1") in ("0", "0.0"):
        return opinion
    for column, text in row.items():
        found = _COLUMN.fullmatch(column)
        if found is not None and text:
            try:
                ending = f"_{found[2].lower()}" if found[2] else ""
                opinion[f"{au.column(int(found[1]))}{ending}"] = float(text)
            except ValueError:
                raise DataError(f"column {column} has '{text}', which is not a number") from None
    return opinion
