"""Imitations of corpora: avatars in the layout of each, quirks included, and the truth beside them.

Nobody may hand the corpora around, so readers, run files and plugins are rehearsed with these.
`.imitation/truth.parquet` holds what a reader has to make of the folder: the index, and for each
row that has no picture the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
from torch import Tensor

from aukit.data.codes import NOT_CODED
from aukit.data.reader import NO_PICTURE
from aukit.data.records import TEST, TRAIN, AuKind, index_schema
from aukit.errors import ConfigError
from aukit.store.files import ensure_writable, write_json, write_table
from aukit.views import FERA17, view_name
from aukit.vision import images
from aukit.vision.film import ENDED
from aukit.vision.movie import write_movie
from aukit_corpora import bp4d, disfa, fera17, unbc
from aukit_corpora.actors import Cast, Take, takes

MARK, TRUTH = ".imitation/about.json", ".imitation/truth.parquet"
"""Hidden, since readers look at every file that is not."""

RATE = 25

Actors = Callable[[Cast], Iterable[Take]]
"""Makes every take of a cast: people in order, their tasks, the views of each."""


@dataclass
class Set:
    """A folder that is being filled.

    Attributes:
        root: the folder.
        corpus: name of the reader.
        aus, kinds: what the truth holds.
        quirks: whether files are as untidy as real ones.
        actors: who plays.
        rows: the truth so far.
    """

    root: Path
    corpus: str
    cast: Cast
    quirks: bool
    actors: Actors
    aus: tuple[str, ...] = ()
    kinds: Mapping[str, AuKind] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def perform(self, **changes: Any) -> Iterable[Take]:
        """Everything that is played, with what this corpus wants otherwise."""
        return self.actors(replace(self.cast, **changes))

    def lines(self, name: str, lines: Iterable[str], end: str = "\n") -> None:
        """Write a text file."""
        path = self._path(name)
        path.write_text("".join(f"{line}{end}" for line in lines), encoding="utf-8", newline="")

    def picture(self, name: str, image: Tensor) -> None:
        """Write a picture, in the format that its name says."""
        kind: Any = "png" if name.endswith(".png") else "jpeg"
        self._path(name).write_bytes(images.encode(image[None], kind)[0])

    def film(self, name: str, pictures: Tensor) -> None:
        """Write a video, in the container that its name says."""
        path = self._path(name)
        if path.suffix == ".avi":
            _write_avi(path, pictures)
        else:
            write_movie(path, pictures, RATE)

    def _path(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def expect(
        self, subject: str, frame: int | None, codes: Mapping[str, float | None],
        task: str | None = None, view: str | None = None, partition: str | None = None,
        reason: str | None = None, name: str | None = None,
    ) -> None:  # fmt: skip
        """What a reader has to make of one frame; a frame without any code is not read."""
        stem = "/".join(filter(None, (self.corpus, partition, subject, task, view)))
        blank = bool(self.aus) and all(codes.get(au) is None for au in self.aus)
        row = {
            "id": name or f"{stem}/{frame:05d}", "dataset": self.corpus, "partition": partition,
            "subject": subject, "task": task, "view": view, "frame": frame,
            "reason": reason or (NOT_CODED if blank else None),
        }  # fmt: skip
        self.rows.append({**row, **{au: codes.get(au) for au in self.aus}})

    def finish(self) -> None:
        """Write the truth."""
        schema = index_schema(self.aus, self.kinds)
        schema = schema.append(pa.field("reason", pa.string()))
        rows = [{"time_s": None, **row} for row in self.rows]
        write_table(self.root / TRUTH, pa.Table.from_pylist(rows, schema=schema))


Build = Callable[[Set], None]


def imitate(
    corpus: str, folder: Path, cast: Cast, quirks: bool = True, actors: Actors = takes
) -> Path:
    """Build an imitation of a corpus.

    Args:
        corpus: name of a reader of this plugin.
        folder: is made, or is empty.
        cast: who performs; tasks and views are the corpus's own.
        quirks: leave files as untidy as real ones: codes for "not coded", missing and short files,
            doubled and missing rows, Windows line ends.
        actors: who plays: avatars.

    Returns:
        the folder.

    Raises:
        ConfigError: there is no such corpus, too few people, or the folder holds something.
        StorageError: the folder cannot be written.
    """
    if corpus not in BUILDERS:
        raise ConfigError(f"there is no imitation of '{corpus}'", f"of: {', '.join(BUILDERS)}")
    if cast.people < 3 or cast.frames < 6:
        raise ConfigError("an imitation needs three people and six frames at least")
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} holds something already", "choose a new folder")
    ensure_writable((folder / MARK).parent)
    write_json(folder / MARK, {"corpus": corpus, "seed": cast.seed, "people": cast.people})
    place = Set(folder, corpus, cast, quirks, actors)
    BUILDERS[corpus](place)
    place.finish()
    return folder


def _codes(take: Take, aus: Sequence[str]) -> list[dict[str, float | None]]:
    """The codes of each frame."""
    columns = {au: take.codes(au) for au in aus if au in take.aus}
    return [{au: codes[t] for au, codes in columns.items()} for t in range(len(take.pictures))]


def _write_avi(path: Path, pictures: Tensor) -> None:
    with av.open(str(path), "w", format="avi") as container:
        stream: Any = container.add_stream("mjpeg", rate=RATE)
        stream.pix_fmt, stream.bit_rate = "yuvj420p", 8_000_000
        stream.height, stream.width = pictures.shape[2:]
        for picture in pictures:
            pixels = picture.permute(1, 2, 0).contiguous().numpy()
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


DISFA_PEOPLE = ("SN001", "SN006", "SN003", "SN002", "SN011", "SN004", "SN009", "SN012", "SN005")
"""Of the three published folds in turn."""


def build_disfa(place: Set) -> None:
    """Windows line ends; a short video; a missing AU file; 9, doubled and missing rows."""
    place.aus = disfa.Disfa.aus
    for take in place.perform(tasks=1):
        subject = DISFA_PEOPLE[take.person] if take.person < 9 else f"SN{take.person + 30:03d}"
        codes = _codes(take, place.aus)
        quirk = take.person % 4 if place.quirks else None
        shown = take.pictures[:-1] if quirk == 1 else take.pictures
        for camera in ("Left", "Right"):
            place.film(f"Videos_{camera}Camera/{camera}Video{subject}_comp.avi", shown)
        for au in place.aus:
            rows = [f"{t},{code[au]:g}" for t, code in enumerate(codes, 1)]
            if quirk == 2 and au == "AU26":
                for code in codes:
                    code[au] = None
                continue
            if quirk == 3:
                rows = _untidy(rows, codes, au)
            name = f"ActionUnit_Labels/{subject}/{subject}_au{int(au[2:])}.txt"
            place.lines(name, rows, "\r\n" if quirk == 0 else "\n")
        if quirk == 3:
            codes[2] = {}
        _points66(place, subject, take)
        for t, code in enumerate(codes):
            reason = ENDED if quirk == 1 and t == len(codes) - 1 else None
            place.expect(subject, t, code, task="left", reason=reason)


def _untidy(rows: list[str], codes: list[dict[str, float | None]], au: str) -> list[str]:
    """9 in frame 2, the third missing, and for AU4 the fifth doubled with another code."""
    rows = [*rows]
    if au == "AU12":
        rows[1], codes[1][au] = "2,9", None
    if au == "AU04":
        other = (codes[4][au] or 0) + 1
        rows.insert(5, f"5,{min(other, 5):g}" if other <= 5 else "5,0")
        codes[4][au] = None
    return [row for row in rows if not row.startswith("3,")]


def _points66(place: Set, subject: str, take: Take) -> None:
    try:
        from scipy.io import savemat
    except ImportError:  # an option of the reader needs it as well
        return
    keep = [n for n in range(68) if n not in disfa.INNER_CORNERS]
    for t, points in enumerate(take.points):
        path = place.root / f"Landmark_Points/{subject}/frame_lm/{subject}_{t:04d}_lm.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        savemat(path, {"pts": points[keep].double().numpy()})


def build_disfa_plus(place: Set) -> None:
    """Two lines of heading; a missing AU file; a picture without a code."""
    place.aus = disfa.DisfaPlus.aus
    for take in place.perform(tasks=2):
        subject, trial = f"SN{take.person + 1:03d}", f"{'AB'[take.task]}1_TrialNo_1"
        codes = _codes(take, place.aus)
        quirk = place.quirks and take.person == 1 and take.task == 0
        for t, picture in enumerate(take.pictures):
            place.picture(f"Images/{subject}/{trial}/{t:03d}.jpg", picture)
        for au in place.aus:
            if quirk and au == "AU09":
                for code in codes:
                    code[au] = None
                continue
            heading = [f"AU{int(au[2:])}", "-----------------"]
            rows = [f"{t:03d}.jpg      {code[au]:g}" for t, code in enumerate(codes)]
            place.lines(f"Labels/{subject}/{trial}/AU{int(au[2:])}.txt", heading + rows[quirk:])
        if quirk:
            codes[0] = {}
        for t, code in enumerate(codes):
            place.expect(subject, t, code, task=trial)


def build_fera17(place: Set) -> None:
    """Validation re-uses codes; an absent AU file; labels longer than the video; 9."""
    place.aus = fera17.INTENSITY
    train = place.cast.people
    valid = max(2, train // 2)
    views = [view_name(view) for view in FERA17]
    for take in place.perform(people=train + valid, tasks=1, views="fera17"):
        tested = take.person >= train
        number = take.person - train if tested else take.person
        subject = "rF001" if tested and number == 1 else f"{'FM'[number % 2]}{number // 2 + 1:03d}"
        folder, code = ("validation", "VA") if tested else ("train", "TR")
        stem = f"FERA17_{code}_{subject}_T1"
        view = FERA17.index(_view_of(take.view))
        quirk = number if place.quirks and not tested else None
        codes = _codes(take, place.aus)
        shown = take.pictures[:-1] if quirk == 1 else take.pictures
        place.film(f"{folder}/ims/{stem}_{view + 1}.mp4", shown)
        for au in place.aus:
            rows = [f"{t},{code_[au]:g}" for t, code_ in enumerate(codes, 1)]
            if quirk == 0 and au == "AU14":
                for code_ in codes:
                    code_[au] = None
                continue
            if quirk == 2:
                rows[3], codes[3][au] = "4,9", None
            place.lines(f"{folder}/int/{stem}_{au}_Int.csv", rows)
        names = ["frame", *(str(int(au[2:])) for au in fera17.PRESENCE)]
        presence = [
            ",".join([str(t + 1), *(str(int(take.codes(au)[t] >= 2)) for au in fera17.PRESENCE)])
            for t in range(len(codes))
        ]
        place.lines(f"{folder}/occ/{stem}.csv", [",".join(names), *presence])
        for t, code_ in enumerate(codes):
            reason = ENDED if quirk == 1 and t == len(codes) - 1 else None
            part = TEST if tested else TRAIN
            place.expect(subject, t, code_, "T1", views[view], part, reason)


def _view_of(number: int) -> tuple[float, float]:
    return FERA17[number]


BP4D_PEOPLE = ("F001", "F003", "F004", "M001", "M002", "M003", "F002", "F005", "F006")
"""Of the three published folds in turn."""


def build_bp4d(place: Set) -> None:
    """3- and 4-digit names; spans that begin mid-task; both forms of occurrence; 9; a gap."""
    place.aus, place.kinds = bp4d.richer(bp4d.SCALED, bp4d.PRESENCE, "richer")
    for take in place.perform(tasks=2):
        n = take.person
        subject = BP4D_PEOPLE[n] if n < 9 else f"M{n:03d}"
        task, start = ("T1", "T8")[take.task], (2440, 97, 5, 998)[n % 4]
        digits = 4 if n % 4 == 0 else 3
        lost = place.quirks and n == 1 and take.task == 0
        for t, picture in enumerate(take.pictures):
            if not (lost and t == 3):
                name = f"{start + t:0{digits}d}.jpg"
                place.picture(f"Sequences_2D+3D/{subject}/{task}/{name}", picture)
        if place.quirks and take.task == 1 and n == 2:
            continue  # recorded, but not coded
        codes = _codes(take, place.aus)
        # The first and the last frame lie outside the coded span.
        span = range(1, len(codes) - 1) if place.quirks else range(len(codes))
        for au in bp4d.PRESENCE:
            for code in codes:
                if au in place.kinds:
                    code[au] = float((code[au] or 0) >= 1)
        if place.quirks and n == 0:
            codes[2]["AU01"], codes[2]["AU06"] = None, None
        _bp4d_labels(place, take, subject, task, start, codes, span)
        for t, code in enumerate(codes):
            reason = NO_PICTURE if lost and t == 3 else None
            place.expect(subject, start + t, code if t in span else {}, task, reason=reason)


def _bp4d_labels(
    place: Set, take: Take, subject: str, task: str, start: int,
    codes: list[dict[str, float | None]], span: range,
) -> None:  # fmt: skip
    end = "\r\n" if place.quirks and take.person % 2 else "\n"
    for au in bp4d.SCALED:
        rows = [f"{start + t},{9 if codes[t][au] is None else codes[t][au]:g}" for t in span]
        place.lines(f"AUCoding/AU_INT/{au}/{subject}_{task}_{au}.csv", rows, end)
    levels = {au: take.codes(au) for au in bp4d.PRESENCE}
    cells = []
    for t in span:
        row = {au: int(levels[au][t] >= 1) for au in bp4d.PRESENCE}
        row |= {au: 9 for au in bp4d.PRESENCE if codes[t][au] is None}
        cells.append((start + t, {int(au[2:]): code for au, code in row.items()}))
    wide = take.person % 2 == 0
    columns = range(1, bp4d.WIDE) if wide else [int(au[2:]) for au in bp4d.PRESENCE]
    heading = [",".join(["0" if wide else "frame", *map(str, columns)])]
    rows = [",".join(map(str, [frame, *(row.get(c, 9) for c in columns)])) for frame, row in cells]
    place.lines(f"AUCoding/AU_OCC/{subject}_{task}.csv", heading + rows, end)


def build_unbc(place: Set) -> None:
    """Empty files; a frame without a file; PSPI beside them."""
    place.aus, place.kinds = unbc.AUS, unbc.Unbc.kinds
    for take in place.perform(tasks=2):
        subject = f"ll{take.person + 42:03d}"
        folder, sequence = f"{take.person + 42:03d}-{subject}", f"{subject}t{take.task + 1}aaaff"
        codes = _codes(take, place.aus)
        for t, code in enumerate(codes, 1):
            stem = f"{folder}/{sequence}/{sequence}{t:03d}"
            place.picture(f"Images/{stem}.png", take.pictures[t - 1])
            code["AU43"] = float((code["AU43"] or 0) > 0)
            if place.quirks and take.person == 1 and t == 4:
                code.clear()
            else:
                shown = [
                    f"   {int(au[2:]):.7e}   {level:.7e}   0.0000000e+00   0.0000000e+00"
                    for au, level in code.items()
                    if level
                ]
                place.lines(f"Frame_Labels/FACS/{stem}_facs.txt", shown)
                pain = (code["AU04"] or 0) + max(code["AU06"] or 0, code["AU07"] or 0)
                pain += max(code["AU09"] or 0, code["AU10"] or 0) + (code["AU43"] or 0)
                place.lines(f"Frame_Labels/PSPI/{stem}_pspi.txt", [f"   {pain:.7e}"])
            place.expect(subject, t, code, sequence)


def build_multipie(place: Set) -> None:
    """High-resolution pictures in sessions, among pictures of other cameras."""
    for take in place.perform(tasks=2):
        subject, session = f"{take.person + 1:03d}", f"{take.task + 1:02d}"
        folder = f"session{session}/{subject}"
        for t, picture in enumerate(take.pictures[:3], 1):
            place.picture(f"highres/{folder}/{subject}_{session}_{t:02d}.png", picture)
            place.expect(subject, t, {}, session, "frontal", TRAIN)
        other = f"multiview/{folder}/01/05_1/{subject}_{session}_01_051_06.png"
        place.picture(other, take.pictures[0])


def build_ck_plus(place: Set) -> None:
    """The last frame coded; 0 for "present, not scored"; an uncoded sequence."""
    from aukit.contracts.context import Context
    from aukit_corpora.plugin import CkPlusOptions
    from aukit_corpora.stills import CkPlus

    reader = CkPlus(CkPlusOptions(), Context())
    place.aus, place.kinds = reader.aus, reader.kinds
    for take in place.perform(tasks=2):
        subject, sequence = f"S{take.person + 5:03d}", f"{take.task + 1:03d}"
        last = len(take.pictures)
        for t, picture in enumerate(take.pictures, 1):
            stem = f"{subject}/{sequence}/{subject}_{sequence}_{t:08d}"
            place.picture(f"cohn-kanade-images/{stem}.png", picture)
            points = [f"   {x:.7e}   {y:.7e}" for x, y in take.points[t - 1].tolist()]
            place.lines(f"Landmarks/{stem}_landmarks.txt", points)
            coded = t == last and not (place.quirks and take.person == 1 and take.task == 1)
            code: dict[str, float | None] = {}
            if coded:
                active = {au: n[-1] for au in take.aus if (n := take.codes(au))[-1]}
                rows = [
                    f"   {int(au[2:]):.7e}   {0 if place.quirks and n == 1 else n:.7e}"
                    for au, n in active.items()
                ]
                place.lines(f"FACS/{stem}_facs.txt", rows)
                code = {au: float(au in active) for au in place.aus}
            place.expect(subject, t, code, sequence)


def build_emotionet(place: Set) -> None:
    """Addresses of pictures; 999; a picture that is not there."""
    aus = ("AU01", "AU02", "AU04", "AU05", "AU06", "AU09", "AU12", "AU17", "AU20", "AU25", "AU26")
    place.aus, place.kinds = aus, dict.fromkeys(aus, "occurrence")
    heading = ["URL", *(f"AU {int(au[2:])}" for au in aus)]
    rows = []
    for take in place.perform(tasks=1):
        for t, picture in enumerate(take.pictures):
            name = f"N_{take.person:04d}_{t:05d}.jpg"
            code: dict[str, float | None] = {a: float(take.codes(a)[t] > 0) for a in aus}
            gone = place.quirks and take.person == 0 and t == 1
            if place.quirks and t == 2:
                code["AU06"] = None
            if not gone:
                place.picture(f"images/{take.person:02d}/{name}", picture)
            cells = [f"{999 if level is None else level:g}" for level in code.values()]
            rows.append(",".join([f"http://example.org/faces/{name}", *cells]))
            reason = images.UNREADABLE if gone else None
            place.expect(name, None, code, reason=reason, name=f"emotionet/{name}")
    place.lines("list.csv", [",".join(heading), *rows])


def build_table(place: Set) -> None:
    """Letters for levels, blanks, semicolons, and names with blanks, umlauts and leading zeros."""
    aus = ("AU01", "AU04", "AU12", "AU25")
    place.aus = aus
    people = ("007", "Jörg Ä", "0042", "p 4", "12", "012")
    rows = []
    for take in place.perform(tasks=1):
        subject = people[take.person] if take.person < len(people) else f"{take.person:05d}"
        video = f"films/film {subject}.mp4"
        place.film(video, take.pictures)
        for t in range(len(take.pictures)):
            code: dict[str, float | None] = {au: take.codes(au)[t] for au in aus}
            if place.quirks and t == 2:
                code["AU12"] = None
            cells = ["" if n is None else "0ABCDE"[int(n)] for n in code.values()]
            rows.append(";".join([video, str(t), subject, *cells]))
            place.expect(subject, t, code, name=f"table/{video}/{t:05d}")
    heading = ";".join(["Video", "Frame", "Person", *(f"au_{int(au[2:])}" for au in aus)])
    place.lines("labels.csv", [heading, *rows], "\r\n" if place.quirks else "\n")


BUILDERS: dict[str, Build] = {
    "disfa": build_disfa,
    "disfa-plus": build_disfa_plus,
    "fera17": build_fera17,
    "bp4d": build_bp4d,
    "bp4d-plus": build_bp4d,
    "unbc": build_unbc,
    "multipie": build_multipie,
    "ck-plus": build_ck_plus,
    "emotionet": build_emotionet,
    "table": build_table,
}
"""Corpus -> what fills a folder with its imitation."""
