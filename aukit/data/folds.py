"""Subject-exclusive folds: which people are tested, which choose the model, which train it.

A fold is named by a text: `2/5` is the second of five that are made here, `loso:7` leaves out the
seventh person, `disfa:1` is the first of a published list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from aukit.data.fold_lists import FOLD_LISTS
from aukit.errors import ConfigError, DataError
from aukit.seeds import seed_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NO_FOLD, LEAVE_ONE_OUT = "none", "loso"
VALID_PARTS = 5
"""Of the people who are not tested, one in so many is for validation."""

Weights: TypeAlias = "Mapping[str, NDArray[np.float64]]"
"""Person -> what is to be shared out evenly, e.g. frames at each level of each AU."""

MOST_FOLDS = 10_000
"""More are taken for a slip: no dataset has as many people."""


@dataclass(frozen=True)
class Fold:
    """One fold.

    Attributes:
        scheme: `made`, `loso`, or the name of a published list.
        number: of the fold, from 1.
        count: how many there are; None where only the people tell.
    """

    scheme: str
    number: int
    count: int | None


def parse(text: str) -> Fold | None:
    """What a fold's name means; None for `none`.

    Raises:
        ConfigError: it is no fold's name, or there is no fold of that number.
    """
    if text == NO_FOLD:
        return None
    fold = _named(text)
    if fold is None:
        names = ", ".join(f"{name}:1" for name in (LEAVE_ONE_OUT, *FOLD_LISTS))
        raise ConfigError(f"'{text}' is not a fold", f"folds: none, 1/5 (first of five), {names}")
    if fold.count is not None and not 1 <= fold.number <= fold.count:
        raise ConfigError(f"there is no fold {text}", f"folds are numbered 1 to {fold.count}")
    if fold.number < 1 or fold.count == 1:
        raise ConfigError(f"there is no fold {text}", "the first of two is 1/2")
    return fold


def _named(text: str) -> Fold | None:
    if made := re.fullmatch(r"(\d+)/(\d+)", text):
        return Fold("made", int(made[1]), int(made[2]))
    listed = re.fullmatch(r"([\w-]+):(\d+)", text)
    if listed and listed[1] == LEAVE_ONE_OUT:
        return Fold(LEAVE_ONE_OUT, int(listed[2]), None)
    if listed and listed[1] in FOLD_LISTS:
        return Fold(listed[1], int(listed[2]), len(FOLD_LISTS[listed[1]]))
    return None


def folds_of(spec: str, people: Sequence[str] = ()) -> list[str]:
    """The names of all folds of a scheme.

    Args:
        spec: `5` for five folds, `loso`, a published list (`disfa`), or the name of one fold.
        people: keys of all people of the dataset (`records.person_keys`); only `loso` needs them.

    Raises:
        ConfigError: there is no such scheme.
    """
    if spec.isdecimal():
        count = int(spec)
        if count < 2:
            raise ConfigError(f"{spec} is no number of folds", "at least 2")
        if count > MOST_FOLDS:
            raise ConfigError(f"{count:,} folds are too many", f"at most {MOST_FOLDS:,}")
        return [f"{number}/{count}" for number in range(1, count + 1)]
    if spec == LEAVE_ONE_OUT:
        return [f"{spec}:{number}" for number in range(1, len(set(people)) + 1)]
    if spec in FOLD_LISTS:
        return [f"{spec}:{number}" for number in range(1, len(FOLD_LISTS[spec]) + 1)]
    if _named(spec) is not None:
        parse(spec)
        return [spec]
    known = ", ".join((LEAVE_ONE_OUT, *FOLD_LISTS))
    raise ConfigError(f"'{spec}' names no folds", f"a number such as 5, or one of: {known}")


def divide(fold: Fold, people: Mapping[str, str], weights: Weights, seed: int) -> dict[str, str]:
    """The partition that each person has in a fold.

    Args:
        fold: which fold.
        people: key of each person -> subject code (published lists know codes only).
        weights: what folds that are made here share out evenly; empty: only numbers of people.
        seed: of folds that are made here, and of the choice of validation people.

    Returns:
        person -> `train`, `valid` or `test`. A fifth of those who are not tested, at least one, is
        `valid`, unless there is only one.

    Raises:
        DataError: there are too few people, or a list does not fit them.
    """
    tested = _tested(fold, people, weights, seed)
    others = sorted(set(people) - tested)
    if not tested or not others:
        raise DataError(
            f"fold {fold.number} ({fold.scheme}) leaves nobody to {'train' if tested else 'test'}",
            f"the dataset has {len(people)} people",
        )
    parts = min(VALID_PARTS, len(others))
    chosen = _shared_out(others, weights, parts, seed_of(seed, "valid", fold.scheme, fold.number))
    valid = {person for person, part in chosen.items() if part == 0 and parts > 1}
    names = {**dict.fromkeys(others, "train"), **dict.fromkeys(valid, "valid")}
    return {person: names.get(person, "test") for person in sorted(people)}


def _tested(fold: Fold, people: Mapping[str, str], weights: Weights, seed: int) -> set[str]:
    if fold.scheme in FOLD_LISTS:
        return _listed(fold, people)
    count = len(people) if fold.count is None else fold.count
    if max(count, 2) > len(people) or fold.number > count:
        raise DataError(
            f"{len(people)} people cannot be divided into {max(count, fold.number, 2)} folds",
            "choose fewer folds, or a dataset with more people",
        )
    if fold.scheme == LEAVE_ONE_OUT:
        return {sorted(people)[fold.number - 1]}
    parts = _shared_out(people, weights, count, seed)
    return {person for person, part in parts.items() if part == fold.number - 1}


def _listed(fold: Fold, people: Mapping[str, str]) -> set[str]:
    folds = {code: n for n, codes in enumerate(FOLD_LISTS[fold.scheme], 1) for code in codes}
    hint = f"the list '{fold.scheme}' fits that corpus only; choose another --fold, e.g. 1/3"
    codes = list(people.values())
    for person, code in people.items():
        if code not in folds:
            raise DataError(f"person {person} is in no fold of the list '{fold.scheme}'", hint)
        if codes.count(code) > 1:
            raise DataError(f"two people of the dataset have the code {code}", hint)
    return {person for person, code in people.items() if folds[code] == fold.number}


def _shared_out(people: Iterable[str], weights: Weights, parts: int, seed: int) -> dict[str, int]:
    """Divide people into parts, sizes differing by one at most, labels spread evenly.

    Greedy, in rounds that give each part one person: those with the most labels first, in an order
    within the round that the seed decides, each to the part that has least of what it brings.
    """
    drawn = sorted(people, key=lambda person: (seed_of(seed, person), person))
    import numpy as np  # not at the top: the names of folds are checked for the help, too

    rows = np.array([weights.get(person, np.zeros(0)) for person in drawn])
    totals = rows.sum(0)
    rows = rows / np.where(totals > 0, totals, 1)  # a rare level counts as much as a frequent one
    order = np.argsort(-rows.sum(1), kind="stable")
    sums = np.zeros((parts, rows.shape[1]))
    found: dict[str, int] = {}
    for start in range(0, len(drawn), parts):
        free = list(range(parts))
        for place in sorted(order[start : start + parts]):
            part = free.pop(int(np.argmin(sums[free] @ rows[place])))
            sums[part] += rows[place]
            found[drawn[place]] = part
    return found
