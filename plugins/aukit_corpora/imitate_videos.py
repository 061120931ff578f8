"""Imitations of corpora of videos: DISFA, FERA 2017, and a table of one's own."""

from __future__ import annotations

from aukit.data.records import TEST, TRAIN
from aukit.views import FERA17, view_name
from aukit.vision.film import ENDED
from aukit_corpora import disfa, fera17
from aukit_corpora.actors import Take
from aukit_corpora.imitation import Imitation, codes_of

DISFA_PEOPLE = ("SN001", "SN006", "SN003", "SN002", "SN011", "SN004", "SN009", "SN012", "SN005")
"""Of the three published folds in turn."""


def build_disfa(place: Imitation) -> None:
    """Windows line ends; a short video; a missing AU file; 9, doubled and missing rows."""
    place.aus = disfa.Disfa.aus
    for take in place.perform(tasks=1):
        subject = DISFA_PEOPLE[take.person] if take.person < 9 else f"SN{take.person + 30:03d}"
        codes = codes_of(take, place.aus)
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


def _points66(place: Imitation, subject: str, take: Take) -> None:
    try:
        from scipy.io import savemat
    except ImportError:  # an option of the reader needs it as well
        return
    keep = [n for n in range(68) if n not in disfa.INNER_CORNERS]
    for t, points in enumerate(take.points):
        path = place.root / f"Landmark_Points/{subject}/frame_lm/{subject}_{t:04d}_lm.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        savemat(path, {"pts": points[keep].double().numpy()})


def build_fera17(place: Imitation) -> None:
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
        quirk = number if place.quirks and not tested else None
        codes = codes_of(take, place.aus)
        shown = take.pictures[:-1] if quirk == 1 else take.pictures
        place.film(f"{folder}/ims/{stem}_{take.view + 1}.mp4", shown)
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
            place.expect(subject, t, code_, "T1", views[take.view], part, reason)


def build_table(place: Imitation) -> None:
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
