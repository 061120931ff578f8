"""Subject-exclusive folds: people for training, validation and test.

A fold is named by a string: `2/5` is the second of five random folds, `loso:7` leaves out the
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
"""One in this many of the people not tested is for validation."""

Weights: TypeAlias = "Mapping[str, NDArray[np.float64]]"
"""Person -> counts to balance between folds, e.g. frames at each level of each AU."""

MOST_FOLDS = 10_000
"""Higher numbers are assumed to be typing errors."""


@dataclass(frozen=True)
class Fold:
    """One fold.

    Attributes:
        scheme: `made`, `loso`, or the name of a published list.
        number: number of the fold, from 1.
        count: number of folds; None if it depends on the people.
    """

    scheme: str
    number: int
    count: int | None


def parse(text: str) -> Fold | None:
    """Parse the name of a fold; None for `none`.

    Raises:
        ConfigError: it is not the name of a fold, or the number does not exist.
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
        ConfigError: the scheme is unknown.
    """
    if spec.isdecimal():
        count = int(spec)
        if count < 2:
            raise ConfigError(f"{spec} is not a valid number of folds", "use at least 2")
        if count > MOST_FOLDS:
            raise ConfigError(f"{count:,} folds are too many", f"use at most {MOST_FOLDS:,}")
        return [f"{number}/{count}" for number in range(1, count + 1)]
    if spec == LEAVE_ONE_OUT:
        return [f"{spec}:{number}" for number in range(1, len(set(people)) + 1)]
    if spec in FOLD_LISTS:
        return [f"{spec}:{number}" for number in range(1, len(FOLD_LISTS[spec]) + 1)]
    if _named(spec) is not None:
        parse(spec)
        return [spec]
    known = ", ".join((LEAVE_ONE_OUT, *FOLD_LISTS))
    raise ConfigError(f"unknown folds '{spec}'", f"give a number such as 5, or one of: {known}")


def divide(fold: Fold, people: Mapping[str, str], weights: Weights, seed: int) -> dict[str, str]:
    """Assign people to the partitions of a fold.

    Args:
        fold: the fold.
        people: person key -> subject code (published lists contain only codes).
        weights: counts to balance between random folds; empty: only numbers of people.
        seed: seed of random folds and of the choice of validation people.

    Returns:
        person -> `train`, `valid` or `test`. A fifth of the people not tested, at least one, is
        `valid`, unless there is only one.

    Raises:
        DataError: there are too few people, or a list does not fit them.
    """
    tested = _tested(fold, people, weights, seed)
    others = sorted(set(people) - tested)
    if not tested or not others:
        raise DataError(
            f"fold {fold.number} ({fold.scheme}) leaves nobody for "
            f"{'training' if tested else 'test'}",
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
    hint = f"the list '{fold.scheme}' is only for that corpus; choose another --fold, e.g. 1/3"
    codes = list(people.values())
    for person, code in people.items():
        if code not in folds:
            raise DataError(f"person {person} is in no fold of the list '{fold.scheme}'", hint)
        if codes.count(code) > 1:
            raise DataError(f"two people of the dataset have the code {code}", hint)
    return {person for person, code in people.items() if folds[code] == fold.number}


def _shared_out(people: Iterable[str], weights: Weights, parts: int, seed: int) -> dict[str, int]:
    """Divide people into parts whose sizes differ by at most one, with labels balanced.

    Greedy, in rounds that give each part one person. People with the most labels come first, in an
    order within the round that depends on the seed; each goes to the part that has least of its
    labels.
    """
    drawn = sorted(people, key=lambda person: (seed_of(seed, person), person))
    import numpy as np  # not at the top: the help also checks names of folds

    rows = np.array([weights.get(person, np.zeros(0)) for person in drawn])
    totals = rows.sum(0)
    rows = rows / np.where(totals > 0, totals, 1)  # rare levels count as much as frequent ones
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
