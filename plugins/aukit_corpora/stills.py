"""Corpora of pictures with all information in their names: MultiPIE and CK+.

Gross et al. 2010: pictures called `SUBJECT_SESSION_RECORDING.png` (high resolution) or
`SUBJECT_SESSION_RECORDING_CAMERA_LIGHT.png`, in folders of any depth; no AU was coded.

Lucey et al. 2010: `cohn-kanade-images/S005/001/S005_001_00000011.png`, and of the last picture of a
sequence `FACS/S005/001/S005_001_00000011_facs.txt` with one line an AU, its number and intensity;
intensity 0 means present, but not scored. 68 landmarks lie in `Landmarks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aukit import au as facs
from aukit.contracts.context import Context
from aukit.contracts.survey import Finding
from aukit.data.codes import Codes, Floats, cleaned, rows_of
from aukit.data.files import files, files_below, folders, require_root
from aukit.data.kinds import OCCURRENCE
from aukit.data.recordings import Recording
from aukit.data.records import TRAIN
from aukit.errors import DataError
from aukit_corpora.common import PICTURES, Corpus, number_of, numbered
from aukit_corpora.plugin import CkPlusOptions, MultiPieOptions

FRONTAL_CAMERA = "051"
_HIGH = re.compile(r"(\d{3})_(\d\d)_(\d\d)")
_MANY = re.compile(rf"(\d{{3}})_(\d\d)_(\d\d)_{FRONTAL_CAMERA}_(\d\d)")


class MultiPie(Corpus):
    """Reader of MultiPIE."""

    name = "multipie"
    aus = ()

    def __init__(self, config: MultiPieOptions, context: Context) -> None:
        super().__init__(config, context)
        self.pictures = config.pictures

    def recordings(self) -> Iterator[Recording]:
        """One per person and session; the frames are its recordings (or lights)."""
        root = require_root(self.root, "MultiPIE", [])
        pattern = _HIGH if self.pictures == "highres" else _MANY
        found: dict[tuple[str, str], dict[int, Path]] = {}
        for path in files_below(root, PICTURES):
            if match := pattern.fullmatch(path.stem):
                pictures = found.setdefault((match[1], match[2]), {})
                pictures.setdefault(int("".join(match.groups()[2:])), path)
        if not found:
            other = "multiview" if self.pictures == "highres" else "highres"
            raise DataError(
                f"{root} has no {self.pictures} pictures of MultiPIE",
                f"expected names like 001_01_01.png; or use --data.pictures {other}",
            )
        for (subject, session), media in sorted(found.items()):
            yield Recording(subject, media, task=session, view="frontal", partition=TRAIN)

    def codes(self, recording: Recording) -> Codes:
        """No codes: MultiPIE is not coded."""
        return Codes(np.array(sorted(recording.media), np.int64)[:0], np.zeros((0, 0), np.float32))  # type: ignore[arg-type]


class CkPlus(Corpus):
    """Reader of CK+."""

    name = "ck-plus"

    def __init__(self, config: CkPlusOptions, context: Context) -> None:
        super().__init__(config, context)
        self.landmarks = config.landmarks
        self.present = config.codes == OCCURRENCE
        self.aus = tuple(unit.column for unit in facs.ACTION_UNITS.values())
        self.kinds = dict.fromkeys(self.aus, OCCURRENCE) if self.present else {}

    def _root(self) -> Path:
        marks = [("cohn-kanade-images", "extended-cohn-kanade-images"), ("FACS", "FACS_labels")]
        return require_root(self.root, "CK+", marks)

    def _folder(self, *names: str) -> Path:
        root = self._root()
        return next((root / name for name in names if (root / name).is_dir()), root / names[0])

    def recordings(self) -> Iterator[Recording]:
        """One per sequence."""
        pictures = self._folder("cohn-kanade-images", "extended-cohn-kanade-images")
        coding = self._folder("FACS", "FACS_labels")
        names = {
            (person.name, sequence.name)
            for place in (pictures, coding)
            for person in folders(place)
            for sequence in folders(person)
        }
        for subject, sequence in sorted(names):
            yield Recording(
                subject=subject,
                media=numbered(files(pictures / subject / sequence, PICTURES)),
                labels=tuple(files(coding / subject / sequence, {".txt"})),
                task=sequence,
            )

    def codes(self, recording: Recording) -> Codes:
        """The frames with a file; AUs not in the file are absent."""
        frames: list[int] = []
        rows: list[Floats] = []
        found: list[Finding] = []
        for path in recording.labels:
            number = number_of(Path(path.stem.removesuffix("_facs")))
            if number is None:
                continue
            lines, amiss = rows_of(path)
            found += amiss
            values = np.zeros(len(self.aus), np.float32)
            for line in lines:
                au = facs.column(int(line[0]))
                scored = line[1] if len(line) > 1 and line[1] > 0 else np.nan
                if au in self.aus:
                    values[self.aus.index(au)] = 1 if self.present else scored
            clean, unknown = cleaned(values, "intensity", str(path), (-1.0, 999.0))
            found += unknown
            frames.append(number)
            rows.append(clean)
        order = np.argsort(frames)
        values = np.array(rows, np.float32).reshape(-1, len(self.aus))[order]
        return Codes(np.array(frames, np.int64)[order], values, {}, tuple(found))

    def points(self, recording: Recording, frame: int) -> Tensor | None:
        """The corpus's own 68 points."""
        assert not isinstance(recording.media, Path)
        stem = recording.media[frame].stem
        folder = self._root() / "Landmarks" / recording.subject / str(recording.task)
        lines, _ = rows_of(folder / f"{stem}_landmarks.txt")
        points = torch.tensor([line[:2] for line in lines])
        return points if points.shape == (68, 2) else None

    def surplus(self) -> Iterator[Finding]:
        """Sequences that were recorded but not coded."""
        bare = [r for r in self.recordings() if not r.labels]
        if bare:
            yield Finding("note", "uncoded sequences", bare[0].name, len(bare))
