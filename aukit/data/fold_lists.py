"""Published folds of corpora: the subjects of each test fold."""

from __future__ import annotations


def _codes(prefix: str, numbers: str) -> tuple[str, ...]:
    return tuple(f"{prefix}{number}" for number in numbers.split())


_BP4D = (
    "F001 F002 F008 F009 F010 F016 F018 F023 M001 M004 M007 M008 M012 M014",
    "F003 F005 F011 F013 F020 F022 M002 M005 M010 M011 M013 M016 M017 M018",
    "F004 F006 F007 F012 F014 F015 F017 F019 F021 M003 M006 M009 M015",
)

_DISFA = (
    "001 002 009 010 016 026 027 030 032",
    "006 011 012 013 018 021 024 028 031",
    "003 004 005 007 008 017 023 025 029",
)

FOLD_LISTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "bp4d": tuple(_codes("", fold) for fold in _BP4D),
    "disfa": tuple(_codes("SN", fold) for fold in _DISFA),
}
"""Name -> folds -> subject codes; the three folds commonly used in AU detection."""
