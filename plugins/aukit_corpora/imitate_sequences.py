"""Imitations of corpora of pictures in order: DISFA+, BP4D, UNBC-McMaster and CK+."""

from __future__ import annotations

from aukit.contracts.context import Context
from aukit.data.reader import NO_PICTURE
from aukit_corpora import bp4d, disfa, unbc
from aukit_corpora.actors import Take
from aukit_corpora.imitation import Imitation, codes_of
from aukit_corpora.plugin import CkPlusOptions
from aukit_corpora.stills import CkPlus


def build_disfa_plus(place: Imitation) -> None:
    """Two lines of heading; a missing AU file; a picture without a code."""
    place.aus = disfa.DisfaPlus.aus
    for take in place.perform(tasks=2):
        subject, trial = f"SN{take.person + 1:03d}", f"{'AB'[take.task]}1_TrialNo_1"
        codes = codes_of(take, place.aus)
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


BP4D_PEOPLE = ("F001", "F003", "F004", "M001", "M002", "M003", "F002", "F005", "F006")
"""Of the three published folds in turn."""


def build_bp4d(place: Imitation) -> None:
    """3- and 4-digit names; spans that begin mid-task; both forms of occurrence; 9; a gap."""
    coding = bp4d.Coding.of(bp4d.SCALED, bp4d.PRESENCE, "richer")
    place.aus, place.kinds = coding.aus, coding.kinds
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
        codes = codes_of(take, place.aus)
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
    place: Imitation, take: Take, subject: str, task: str, start: int,
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


def build_unbc(place: Imitation) -> None:
    """Empty files; a frame without a file; PSPI beside them."""
    place.aus, place.kinds = unbc.AUS, unbc.Unbc.kinds
    for take in place.perform(tasks=2):
        subject = f"ll{take.person + 42:03d}"
        folder, sequence = f"{take.person + 42:03d}-{subject}", f"{subject}t{take.task + 1}aaaff"
        codes = codes_of(take, place.aus)
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


def build_ck_plus(place: Imitation) -> None:
    """The last frame coded; 0 for "present, not scored"; an uncoded sequence."""
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
