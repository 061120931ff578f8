"""DISFA and DISFA+.

Mavadati et al. 2013: `ActionUnit_Labels/SN001/SN001_au1.txt` with `frame,intensity` from frame 1,
`Videos_LeftCamera/LeftVideoSN001_comp.avi`, the same for the right camera, and 66 landmarks in
`Landmark_Points/SN001/frame_lm/*.mat`.

Mavadati, Sanger and Mahoor 2016: `Labels/SN001/TRIAL/AU1.txt` with `000.jpg intensity`, and
`Images/SN001/TRIAL/000.jpg`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aukit import au as facs
from aukit.contracts.context import Context
from aukit.contracts.survey import Finding
from aukit.data.codes import Codes, Floats, Numbers, cleaned, merged
from aukit.data.files import Mark, files, first_of, folders, require_root
from aukit.data.recordings import Recording
from aukit_corpora.common import PICTURES, Corpus, number_of, numbered, pair_codes, shorter
from aukit_corpora.plugin import DisfaOptions

LABELS: Mark = ("ActionUnit_Labels", "ActionUnit_labels", "ActionUnits")
CAMERAS: dict[str, Mark] = {
    "left": ("Videos_LeftCamera", "Video_LeftCamera"),
    "right": ("Videos_RightCamera", "Video_RightCamera"),
}
INNER_CORNERS = (60, 64)
"""What the corpus's 66 points lack of the 68: the inner corners of the mouth."""

_SUBJECT = re.compile(r"SN\d+", re.IGNORECASE)
_LINE = re.compile(r"\s*(\d+)\.\w+\s+(-?\d+(?:\.\d+)?)\s*")


class Disfa(Corpus):
    """Reader of DISFA."""

    name = "disfa"
    aus = facs.DISFA

    def __init__(self, config: DisfaOptions, context: Context) -> None:
        super().__init__(config, context)
        self.cameras = ["left", "right"] if config.camera == "both" else [config.camera]
        self.landmarks = config.landmarks

    def _root(self) -> Path:
        return require_root(self.root, "DISFA", [LABELS, *(CAMERAS[c] for c in self.cameras)])

    def recordings(self) -> Iterator[Recording]:
        """One per person and camera."""
        root = self._root()
        labels = {path.name: path for path in folders(first_of(root, LABELS))}
        for camera in self.cameras:
            place = first_of(root, CAMERAS[camera])
            videos = {m[0]: p for p in files(place) if (m := _SUBJECT.search(p.stem))}
            for subject in sorted({*labels, *videos}):
                name = f"{camera.title()}Video{subject}_comp.avi"
                folder = labels.get(subject, first_of(root, LABELS) / subject)
                yield Recording(
                    subject=subject,
                    media=videos.get(subject, place / name),
                    labels=tuple(folder / f"{subject}_au{int(a[2:])}.txt" for a in self.aus),
                    task=camera,
                    first=1,
                )

    def codes(self, recording: Recording) -> Codes:
        """One file per AU."""
        by_au = dict(zip(self.aus, recording.labels, strict=True))
        return pair_codes(by_au, self.aus, {}, recording.name)

    def surplus(self) -> Iterator[Finding]:
        """Videos without a person."""
        for camera in self.cameras:
            there = files(first_of(self._root(), CAMERAS[camera]))
            strange = [path for path in there if not _SUBJECT.search(path.stem)]
            if strange:
                yield Finding("note", "surplus files", str(strange[0]), len(strange))

    def points(self, recording: Recording, frame: int) -> Tensor | None:
        """The corpus's 66 points, with the inner mouth corners interpolated."""
        path = self._points_files(recording.subject).get(frame)
        return None if path is None else complete(_read_points(path))

    @lru_cache(maxsize=64)  # noqa: B019 - a reader lives as long as its process
    def _points_files(self, subject: str) -> dict[int, Path]:
        """Frame from 0 -> file; the files count from 0 or from 1."""
        found = numbered_points(files(self._root() / "Landmark_Points" / subject / "frame_lm"))
        start = min(found, default=0)
        return {number - start: path for number, path in found.items()}


def numbered_points(paths: list[Path]) -> dict[int, Path]:
    """Number -> landmark file: the last digits of its name."""
    pairs = ((re.findall(r"\d+", path.stem), path) for path in paths if path.suffix == ".mat")
    return {int(numbers[-1]): path for numbers, path in pairs if numbers}


def _read_points(path: Path) -> Tensor:
    from scipy.io import loadmat

    with path.open("rb") as file:
        return torch.from_numpy(np.asarray(loadmat(file)["pts"], np.float32).reshape(-1, 2))


def complete(points: Tensor) -> Tensor | None:
    """(66, 2) points to the 68 of iBUG; None if there are not 66."""
    if len(points) != 66:
        return None
    full = torch.empty(68, 2)
    full[[n for n in range(68) if n not in INNER_CORNERS]] = points
    for corner, outer, above, below in ((60, 48, 61, 67), (64, 54, 63, 65)):
        full[corner] = (2 * full[outer] + full[above] + full[below]) / 4
    return full


class DisfaPlus(Corpus):
    """Reader of DISFA+."""

    name = "disfa-plus"
    aus = facs.DISFA

    def recordings(self) -> Iterator[Recording]:
        """One per person and trial."""
        root = require_root(self.root, "DISFA+", [("Labels",), ("Images",)])
        names = {
            (person.name, trial.name)
            for kind in ("Labels", "Images")
            for person in folders(root / kind)
            for trial in folders(person)
        }
        for subject, trial in sorted(names):
            labels = root / "Labels" / subject / trial
            yield Recording(
                subject=subject,
                media=numbered(files(root / "Images" / subject / trial, PICTURES)),
                labels=tuple(labels / f"AU{int(a[2:])}.txt" for a in self.aus),
                task=trial,
            )

    def codes(self, recording: Recording) -> Codes:
        """One file per AU, with a picture in each line."""
        columns, found = {}, []
        for au, path in zip(self.aus, recording.labels, strict=True):
            if not path.exists():
                found.append(Finding("warning", f"missing label file of {au}", str(path)))
                continue
            frames, values = _lines(path)
            if not len(frames):
                found.append(Finding("error", "label file without any code", str(path)))
            clean, unknown = cleaned(values, "intensity", str(path))
            columns[au] = (frames, clean)
            found += unknown
        found += shorter(columns, dict(zip(self.aus, recording.labels, strict=True)))
        return merged(columns, self.aus, recording.name, found)

    def surplus(self) -> Iterator[Finding]:
        """Pictures without a number."""
        for recording in self.recordings():
            folder = self.root / "Images" / recording.subject / str(recording.task)  # type: ignore[operator]
            strange = [p for p in files(folder) if number_of(p) is None]
            if strange:
                yield Finding("note", "surplus files", str(strange[0]), len(strange))


def _lines(path: Path) -> tuple[Numbers, Floats]:
    text = path.read_text(encoding="utf-8", errors="replace")
    found = [m.groups() for line in text.splitlines() if (m := _LINE.fullmatch(line))]
    table = np.array(found, np.float64).reshape(-1, 2)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.float32)
