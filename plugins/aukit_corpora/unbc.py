"""UNBC-McMaster: faces in pain, with one label file per frame.

Lucey et al. 2011. `Images/042-ll042/ll042t1aaaff/ll042t1aaaff001.png`,
`Frame_Labels/FACS/042-ll042/ll042t1aaaff/ll042t1aaaff001_facs.txt` (one line per active AU: number,
intensity and two further numbers; an empty file: nothing is active), `Frame_Labels/PSPI/...`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from aukit.contracts.survey import Finding
from aukit.data.codes import Codes, Floats, cleaned, rows_of
from aukit.data.files import files, folders, require_root
from aukit.data.kinds import OCCURRENCE
from aukit.data.recordings import Recording
from aukit.errors import DataError
from aukit_corpora.common import PICTURES, Corpus, numbered

AUS = tuple(f"AU{n:02d}" for n in (4, 6, 7, 9, 10, 12, 20, 25, 26, 43))
FACS, PSPI = "_facs", "_pspi"

_FOLDER = re.compile(r"\d+-(\w+)")


class Unbc(Corpus):
    """Reader of UNBC-McMaster."""

    name = "unbc"
    aus = AUS
    kinds = {"AU43": OCCURRENCE}  # noqa: RUF012 - as in `Reader`

    def recordings(self) -> Iterator[Recording]:
        """One per sequence; `042-ll042` is the folder of ll042.

        Raises:
            DataError: two folders belong to one person.
        """
        root = self._root()
        pictures, labels = root / "Images", root / "Frame_Labels" / "FACS"
        names = sorted({p.name for place in (pictures, labels) for p in folders(place)})
        known: dict[str, str] = {}
        for name in names:
            subject = _subject(name)
            if known.setdefault(subject, name) != name:
                raise DataError(
                    f"UNBC-McMaster: {known[subject]} and {name} are both folders of {subject}",
                    "rename one of them",
                )
            sequences = {p.name for place in (pictures, labels) for p in folders(place / name)}
            for sequence in sorted(sequences):
                yield Recording(
                    subject=subject,
                    media=numbered(files(pictures / name / sequence, PICTURES)),
                    labels=tuple(files(labels / name / sequence, {".txt"})),
                    task=sequence,
                )

    def _root(self) -> Path:
        return require_root(self.root, "UNBC-McMaster", [("Images",), ("Frame_Labels",)])

    def codes(self, recording: Recording) -> Codes:
        """One file per frame; AUs not in the file are absent."""
        numbers = {_number(path, FACS): path for path in recording.labels}
        frames = sorted(number for number in numbers if number is not None)
        found: list[Finding] = []
        rows = [self._codes_of(numbers[frame], found) for frame in frames]
        values = np.array(rows, np.float32).reshape(-1, len(self.aus))
        return Codes(np.array(frames, np.int64), values, {}, tuple(found))

    def _codes_of(self, path: Path, found: list[Finding]) -> Floats:
        values = np.zeros(len(self.aus), np.float32)
        lines, amiss = rows_of(path)
        if not lines and path.stat().st_size > 2:
            amiss = (*amiss, Finding("error", "lines without codes", str(path)))
        found += amiss
        if amiss:
            return np.full(len(self.aus), np.nan, np.float32)
        for line in lines:
            au = f"AU{int(line[0]):02d}"
            if len(line) < 2:
                found.append(Finding("error", "incomplete lines", str(path)))
            if au in self.aus:
                code = line[1] if len(line) > 1 else np.nan
                present = float(code > 0) if au in self.kinds else code
                values[self.aus.index(au)] = present
        clean, unknown = cleaned(values, "intensity", str(path))
        found += unknown
        return clean

    def pspi(self, rows: pa.Table) -> Floats:
        """(B,) the Prkachin and Solomon pain intensity of some index rows; NaN where unknown."""
        folder = self._root() / "Frame_Labels" / "PSPI"
        people = {_subject(place.name): place for place in folders(folder)}
        wanted = zip(
            *(rows.column(n).to_pylist() for n in ("subject", "task", "frame")), strict=True
        )
        listed: dict[Path, dict[int | None, Path]] = {}
        scores = []
        for subject, task, frame in wanted:
            place = people.get(subject, folder / subject) / task
            if place not in listed:
                listed[place] = {_number(path, PSPI): path for path in files(place)}
            path = listed[place].get(frame)
            lines = rows_of(path)[0] if path else []
            scores.append(lines[0][0] if lines else np.nan)
        return np.array(scores, np.float32)


def _subject(folder: str) -> str:
    found = _FOLDER.fullmatch(folder)
    return found[1] if found else folder


def _number(path: Path, ending: str) -> int | None:
    found = re.search(r"(\d+)$", path.stem.removesuffix(ending))
    return int(found[1]) if found else None
