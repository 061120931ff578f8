"""Imitations of single pictures: MultiPIE, and a list such as EmotioNet's."""

from __future__ import annotations

from aukit.data.records import TRAIN
from aukit.vision import images
from aukit_corpora.imitation import Imitation


def build_multipie(place: Imitation) -> None:
    """High-resolution pictures in sessions, among pictures of other cameras."""
    for take in place.perform(tasks=2):
        subject, session = f"{take.person + 1:03d}", f"{take.task + 1:02d}"
        folder = f"session{session}/{subject}"
        for t, picture in enumerate(take.pictures[:3], 1):
            place.picture(f"highres/{folder}/{subject}_{session}_{t:02d}.png", picture)
            place.expect(subject, t, {}, session, "frontal", TRAIN)
        other = f"multiview/{folder}/01/05_1/{subject}_{session}_01_051_06.png"
        place.picture(other, take.pictures[0])


def build_emotionet(place: Imitation) -> None:
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
