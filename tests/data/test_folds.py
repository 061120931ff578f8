"""Folds: nobody in two partitions, everybody tested once, the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aukit.config.options import RunOptions
from aukit.data.fold_lists import FOLD_LISTS
from aukit.data.folds import Fold, divide, folds_of, parse
from aukit.errors import ConfigError, DataError

CODES = st.integers(2, 30).map(lambda count: [f"s{number:02d}" for number in range(count)])


def keyed(codes: list[str]) -> dict[str, str]:
    return {f"d/{'train' if n % 3 else 'test'}/{code}": code for n, code in enumerate(codes)}


def label_weights(people: dict[str, str], seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {person: random.geometric(0.02, 6) * (random.random(6) < 0.5) for person in people}


def check(folds: list[str], people: dict[str, str], seed: int, weights: bool = True) -> None:
    """Every person is tested in exactly one fold and has one partition in each."""
    shared = label_weights(people, seed) if weights else {}
    tested: list[str] = []
    for name in folds:
        fold = parse(name)
        assert fold is not None
        parts = divide(fold, people, shared, seed)
        assert list(parts) == sorted(people)
        assert parts == divide(fold, dict(reversed(people.items())), shared, seed)
        members = {part: [p for p in parts if parts[p] == part] for part in set(parts.values())}
        tested += members["test"]
        assert members["train"]
        others = len(people) - len(members["test"])
        valid = len(members.get("valid", []))
        assert (valid == 0) if others == 1 else (others // 5 <= valid <= -(-others // 5))
    assert sorted(tested) == sorted(people)


@settings(max_examples=15)
@given(CODES, st.integers(2, 10), st.integers(0, 50), st.booleans())
def test_folds_made_here(codes: list[str], count: int, seed: int, weights: bool) -> None:
    people = keyed(codes)
    if count > len(people):
        with pytest.raises(DataError, match="cannot be divided"):
            check(folds_of(str(count)), people, seed)
        return
    check(folds_of(str(count)), people, seed, weights)
    sizes = [list(divide(f, people, {}, seed).values()).count("test") for f in made(count)]
    assert max(sizes) - min(sizes) <= 1


def made(count: int) -> list[Fold]:
    return [Fold("made", number, count) for number in range(1, count + 1)]


@settings(max_examples=8)
@given(CODES, st.integers(0, 50))
def test_leave_one_out(codes: list[str], seed: int) -> None:
    people = keyed(codes)
    names = folds_of("loso", list(people))
    assert len(names) == len(people)
    check(names, people, seed)


@pytest.mark.parametrize(("name", "sizes"), [("disfa", [9, 9, 9]), ("bp4d", [14, 14, 13])])
def test_published_lists(name: str, sizes: list[int]) -> None:
    codes = [code for fold in FOLD_LISTS[name] for code in fold]
    assert [len(fold) for fold in FOLD_LISTS[name]] == sizes
    assert len(set(codes)) == sum(sizes)
    people = keyed(sorted(codes))
    check(folds_of(name), people, 0)
    first = parse(f"{name}:1")
    assert first is not None
    parts = divide(first, people, {}, 3)
    assert {people[p] for p, part in parts.items() if part == "test"} == set(FOLD_LISTS[name][0])


def test_labels_are_spread_evenly() -> None:
    people = keyed([f"s{n:02d}" for n in range(40)])
    random = np.random.default_rng(0)
    weights = {person: random.geometric(0.01, 12).astype(float) for person in people}

    def unevenness(shared: dict[str, np.ndarray], seed: int) -> float:
        folds = [divide(f, people, shared, seed) for f in made(5)]
        tested = [np.stack([weights[p] for p in people if f[p] == "test"]) for f in folds]
        sums = np.stack([rows.sum(0) for rows in tested])
        return float((sums.std(0) / sums.mean(0)).mean())

    balanced = np.mean([unevenness(weights, seed) for seed in range(4)])
    assert balanced < 0.7 * np.mean([unevenness({}, seed) for seed in range(4)])


def test_another_seed_divides_otherwise() -> None:
    people = keyed([f"s{n:02d}" for n in range(12)])
    first, second = (divide(made(3)[0], people, {}, seed) for seed in (0, 1))
    assert first != second


def test_one_fold_names_itself() -> None:
    assert folds_of("2/5") == ["2/5"]
    assert parse("none") is None


@pytest.mark.parametrize("text", ["5", "0/5", "6/5", "1/1", "loso", "loso:0", "disfa:4", "x:1"])
def test_what_is_no_fold_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="fold"):
        RunOptions(fold=text)


@pytest.mark.parametrize("spec", ["1", "0", "everyone", "disfa:9", "7/5"])
def test_what_names_no_folds_is_refused(spec: str) -> None:
    with pytest.raises(ConfigError, match="fold"):
        folds_of(spec)


def test_a_list_of_another_corpus_is_refused() -> None:
    fold = parse("disfa:1")
    assert fold is not None
    with pytest.raises(DataError, match="d/test/s00 is in no fold of the list 'disfa'"):
        divide(fold, keyed(["s00", "SN001"]), {}, 0)
    people = {"d/train/SN001": "SN001", "d/valid/SN001": "SN001"}
    with pytest.raises(DataError, match="two people of the dataset have the code SN001"):
        divide(fold, people, {}, 0)


def test_a_fold_that_tests_nobody_or_trains_nobody_is_refused() -> None:
    people = keyed(["SN001", "SN002"])
    for name, missing in (("disfa:1", "training"), ("disfa:2", "test")):
        fold = parse(name)
        assert fold is not None
        with pytest.raises(DataError, match=f"leaves nobody for {missing}"):
            divide(fold, people, {}, 0)
    alone = parse("loso:1")
    assert alone is not None
    with pytest.raises(DataError, match="1 people cannot be divided"):
        divide(alone, keyed(["s00"]), {}, 0)
