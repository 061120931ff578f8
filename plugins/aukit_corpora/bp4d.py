"""BP4D and BP4D+: pictures of tasks, partly coded for occurrence and intensity.

Zhang et al. 2014 and 2016. `AUCoding/AU_OCC/F001_T1.csv` has a heading and one row per frame,
either 100 columns (column N is AU N) or one for each coded AU; 9 is "not codable".
`AUCoding/AU_INT/AU06/F001_T1_AU06.csv` has `frame,intensity`. Pictures are named by the frame
number of the recording, `Sequences_2D+3D/F001/T1/2440.jpg`; the coded span begins anywhere in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aukit.contracts.context import Context
from aukit.contracts.survey import Finding
from aukit.data.codes import Codes, Floats, Numbers, cleaned, merged, rows_of
from aukit.data.files import Mark, files, first_of, folders, require_root
from aukit.data.kinds import INTENSITY, OCCURRENCE, AuKind
from aukit.data.reader import Reader
from aukit.data.recordings import Recording
from aukit.errors import DataError
from aukit_corpora.common import PICTURES, Corpus, columns_of, numbered, pair_codes
from aukit_corpora.plugin import Bp4dOptions

SCALED = tuple(f"AU{n:02d}" for n in (6, 10, 12, 14, 17))
PRESENCE = tuple(f"AU{n:02d}" for n in (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24))
CODING: Mark = ("AUCoding", "AUcoding", "AU_Coding")
PICTURE_FOLDERS: Mark = ("Sequences_2D+3D", "Sequences(2D+3D)", "2D+3D", "Sequences", "BP4D")
WIDE = 100
"""Columns of the form in which column N is AU N."""

PRESENT = "_present"
"""Ends the name of an occurrence beside the intensity of the same AU."""

_PERSON, _TASK = re.compile(r"[FM]\d{3}"), re.compile(r"T\d+")


@dataclass(frozen=True)
class Coding:
    """The AUs to read, as some have intensities, some occurrences, and some both.

    Attributes:
        aus: AU columns.
        kinds: kinds of these and of the additional columns.
        beside: occurrences of AUs that also have intensities (`AU06_present`).
    """

    aus: tuple[str, ...]
    kinds: Mapping[str, AuKind]
    beside: tuple[str, ...] = ()

    @classmethod
    def of(cls, scaled: Sequence[str], presence: Sequence[str], codes: str) -> Coding:
        """The coding for an option: richer, intensity, occurrence or both."""
        if codes == INTENSITY:
            return cls(tuple(scaled), {})
        if codes == OCCURRENCE:
            return cls(tuple(presence), dict.fromkeys(presence, OCCURRENCE))
        aus = tuple(sorted({*scaled, *presence}))
        twice = [au for au in aus if au in scaled and au in presence]
        beside = tuple(f"{au}{PRESENT}" for au in twice) if codes == "both" else ()
        only = [au for au in aus if au not in scaled]
        return cls(aus, dict.fromkeys([*only, *beside], OCCURRENCE), beside)


def occurrences(path: Path, reader: Reader, recording: Recording, scaled: Codes) -> Codes:
    """Codes of a recording with the occurrences of a file added to its intensities."""
    names = reader.columns
    wanted = [name for name in names if reader.kinds.get(name) == OCCURRENCE]
    found = [*scaled.findings]
    if not path.exists():
        found.append(Finding("warning", "missing label file of occurrence", str(path)))
        return Codes(scaled.frames, scaled.values, scaled.reasons, tuple(found))
    columns = {
        name: (scaled.frames, scaled.values[:, names.index(name)])
        for name in names
        if name not in wanted
    }
    columns |= _occurrence_columns(path, wanted, found)
    joined = merged(columns, names, recording.name, found)
    return Codes(
        joined.frames, joined.values, {**scaled.reasons, **joined.reasons}, joined.findings
    )


def _occurrence_columns(
    path: Path, wanted: Sequence[str], found: list[Finding]
) -> dict[str, tuple[Numbers, Floats]]:
    """Wanted column -> frames and codes, of a file with one an AU; problems are added."""
    rows, amiss = rows_of(path)
    heading = path.read_text(encoding="utf-8", errors="replace").splitlines()[:1]
    names = [cell.strip() for cell in heading[0].lstrip("\ufeff").split(",")] if heading else []
    if rows and rows[0] == [float(cell) for cell in names if _is_number(cell)]:
        rows = rows[1:]
    there = {f"AU{n:02d}": n for n in range(1, WIDE)} if len(names) == WIDE else columns_of(names)
    places = {name: there[au] for name in wanted if (au := name.removesuffix(PRESENT)) in there}
    found += amiss
    cut = [row for row in rows if len(row) < len(names)]
    if cut:
        found.append(Finding("error", "incomplete lines", str(path), len(cut)))
    whole = [row for row in rows if len(row) >= len(names)]
    if not whole:
        found.append(Finding("error", "label file without any code", str(path)))
        return {}
    if absent := [au for au in wanted if au not in places]:
        found.append(Finding("warning", f"no column of {', '.join(absent)}", str(path)))
    table = np.array([row[: len(names)] for row in whole])
    frames = table[:, 0].astype(np.int64)
    columns = {}
    for au in wanted:
        if au in places:
            values = table[:, places[au]].astype(np.float32)
            clean, unknown = cleaned(values, OCCURRENCE, str(path))
            columns[au] = (frames, clean)
            found += unknown
    return columns


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\d+(\.0*)?", cell) is not None


class Bp4d(Corpus):
    """Reader of BP4D."""

    name = "bp4d"
    corpus = "BP4D"

    def __init__(self, config: Bp4dOptions, context: Context) -> None:
        super().__init__(config, context)
        coding = Coding.of(SCALED, PRESENCE, config.codes)
        self.aus, self.kinds, self.beside = coding.aus, coding.kinds, coding.beside

    def recordings(self) -> Iterator[Recording]:
        """One per person and coded task; pictures of uncoded tasks are surplus."""
        root = require_root(self.root, self.corpus, [CODING])
        coding, pictures = first_of(root, CODING), self._picture_folder(root)
        for subject, task in sorted(self._coded(coding)):
            stem = f"{subject}_{task}"
            scaled = [a for a in self.aus if self.kinds.get(a) != OCCURRENCE]
            presence = [coding / "AU_OCC" / f"{stem}.csv"] if self.kinds else []
            yield Recording(
                subject=subject,
                media=numbered(files(pictures / subject / task, PICTURES)),
                labels=(
                    *(coding / "AU_INT" / au / f"{stem}_{au}.csv" for au in scaled),
                    *presence,
                ),
                task=task,
            )

    def _coded(self, coding: Path) -> set[tuple[str, str]]:
        places = [coding / "AU_OCC", *folders(coding / "AU_INT")]
        stems = (path.stem.split("_") for place in places for path in files(place, {".csv"}))
        return {
            (stem[0], stem[1])
            for stem in stems
            if len(stem) >= 2 and _PERSON.fullmatch(stem[0]) and _TASK.fullmatch(stem[1])
        }

    def _picture_folder(self, root: Path) -> Path:
        """The folder of people; some copies have one folder more around it."""
        for place in [root, *(root / name for name in PICTURE_FOLDERS), *folders(root)]:
            if any(_PERSON.fullmatch(folder.name) for folder in folders(place)):
                return place
        raise DataError(
            f"{root} has the labels of {self.corpus}, but no pictures",
            f"they belong in {root / PICTURE_FOLDERS[0]}/F001/T1/",
        )

    def codes(self, recording: Recording) -> Codes:
        """Intensities from one file per AU, occurrences from one file per task."""
        by_au = {p.stem[-4:]: p for p in recording.labels if p.parent.parent.name == "AU_INT"}
        found = pair_codes(by_au, self.columns, self.kinds, recording.name)
        if not self.kinds:
            return found
        return occurrences(recording.labels[-1], self, recording, found)

    def surplus(self) -> Iterator[Finding]:
        """Tasks with pictures but without codes."""
        root = require_root(self.root, self.corpus, [CODING])
        coded = self._coded(first_of(root, CODING))
        for person in folders(self._picture_folder(root)):
            for task in folders(person):
                if (person.name, task.name) not in coded:
                    yield Finding("note", "uncoded task", str(task))


class Bp4dPlus(Bp4d):
    """Reader of BP4D+."""

    name = "bp4d-plus"
    corpus = "BP4D+"
