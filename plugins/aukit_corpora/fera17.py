"""FERA 2017: nine views of one performance, coded once.

Valstar et al. 2017. `train/ims/FERA17_TR_F001_T1_6.mp4`,
`train/int/FERA17_TR_F001_T1_AU12_Int.csv`, `train/occ/FERA17_TR_F001_T1.csv`; the same with
`validation` and `VA`. Validation has codes of training for other people, so the partition is part
of a person's identity. Results are published on the validation part, hence it is `test` here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from aukit.contracts.context import Context
from aukit.contracts.survey import Finding
from aukit.data.codes import Codes
from aukit.data.files import files, require_root
from aukit.data.kinds import OCCURRENCE
from aukit.data.recordings import Recording
from aukit.data.records import TEST, TRAIN
from aukit.views import FERA17, FRONTAL, view_name
from aukit_corpora.bp4d import Coding, occurrences
from aukit_corpora.common import Corpus, pair_codes
from aukit_corpora.plugin import Fera17Options

INTENSITY = tuple(f"AU{n:02d}" for n in (1, 4, 6, 10, 12, 14, 17))
PRESENCE = tuple(f"AU{n:02d}" for n in (1, 4, 6, 7, 10, 12, 14, 15, 17, 23))
PARTS = {"train": (TRAIN, "TR"), "validation": (TEST, "VA")}
VIEWS = {str(number): view_name(view) for number, view in enumerate(FERA17, 1)}

_VIDEO = re.compile(r"FERA17_(?:TR|VA)_(\w+?)_(T\d+)_([1-9])", re.IGNORECASE)
_LABELS = re.compile(r"FERA17_(?:TR|VA)_(\w+?)_(T\d+)(?:_AU\d+_Int)?", re.IGNORECASE)


class Fera17(Corpus):
    """Reader of FERA 2017."""

    name = "fera17"

    def __init__(self, config: Fera17Options, context: Context) -> None:
        super().__init__(config, context)
        self.config = config
        coding = Coding.of(INTENSITY, PRESENCE, config.codes)
        self.aus, self.kinds, self.beside = coding.aus, coding.kinds, coding.beside
        frontal = [number for number, name in VIEWS.items() if name == view_name(FRONTAL)]
        named = {"fera17": list(VIEWS), "frontal": frontal}
        self.views = named.get(config.views) or config.views.replace(" ", ",").split(",")

    def recordings(self) -> Iterator[Recording]:
        """Every video, and every coded task whose video is missing."""
        root = require_root(self.root, "FERA 2017", [("train", "validation")])
        for folder, (partition, code) in PARTS.items():
            videos = {
                (m[1], m[2], m[3]): path
                for path in files(root / folder / "ims", {".mp4", ".avi"})
                if (m := _VIDEO.fullmatch(path.stem))
            }
            coded = {(*task, view) for task in self._tasks(root / folder) for view in self.views}
            for subject, task, view in sorted({*videos, *coded}):
                if view in self.views:
                    stem = f"FERA17_{code}_{subject}_{task}"
                    yield Recording(
                        subject=subject,
                        media=videos.get(
                            (subject, task, view), root / folder / "ims" / f"{stem}_{view}.mp4"
                        ),
                        labels=self._labels(root / folder, stem),
                        task=task,
                        view=VIEWS[view],
                        partition=partition,
                        first=1,
                    )

    def _tasks(self, folder: Path) -> set[tuple[str, str]]:
        names = [path.stem for kind in ("int", "occ") for path in files(folder / kind, {".csv"})]
        return {(m[1], m[2]) for name in names if (m := _LABELS.fullmatch(name))}

    def _labels(self, folder: Path, stem: str) -> tuple[Path, ...]:
        presence = [folder / "occ" / f"{stem}.csv"] if OCCURRENCE in self.kinds.values() else []
        scaled = [au for au in self.aus if self.kinds.get(au) != OCCURRENCE]
        return (*(folder / "int" / f"{stem}_{au}_Int.csv" for au in scaled), *presence)

    def codes(self, recording: Recording) -> Codes:
        """Intensities from one file per AU, occurrences from one file per task."""
        *scaled, last = recording.labels
        presence = last if OCCURRENCE in self.kinds.values() else None
        if presence is None:
            scaled.append(last)
        by_au = {au: p for p in scaled for au in self.aus if f"_{au}_" in p.name}
        found = pair_codes(by_au, self.columns, self.kinds, recording.name)
        return found if presence is None else occurrences(presence, self, recording, found)

    def surplus(self) -> Iterator[Finding]:
        """Files in the folder of videos with unknown names."""
        root = require_root(self.root, "FERA 2017", [("train", "validation")])
        for folder in PARTS:
            strange = [p for p in files(root / folder / "ims") if not _VIDEO.fullmatch(p.stem)]
            if strange:
                yield Finding("note", "surplus files", str(strange[0]), len(strange))
