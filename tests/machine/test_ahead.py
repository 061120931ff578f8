"""Items that are made while the one before is used."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from aukit.machine.ahead import ahead


def test_items_come_in_their_order() -> None:
    assert list(ahead(iter(range(50)))) == list(range(50))
    assert list(ahead(iter([None, 0, ()]))) == [None, 0, ()]
    assert list(ahead(iter([]))) == []


def test_the_next_item_is_made_while_one_is_used() -> None:
    made = threading.Event()

    def items() -> Iterator[int]:
        yield 0
        made.set()
        yield 1

    for item in ahead(items()):
        assert made.wait(60), item


def test_only_one_item_is_made_ahead() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(9):
            made.append(number)
            yield number

    for item in ahead(items()):
        assert len(made) <= item + 2


def test_an_error_comes_in_its_turn() -> None:
    def items() -> Iterator[int]:
        yield 0
        raise ValueError("broken")

    found = ahead(items())
    assert next(found) == 0
    with pytest.raises(ValueError, match="broken"):
        next(found)


def test_whoever_stops_early_ends_the_thread() -> None:
    before = threading.active_count()
    found = ahead(iter(range(9)))
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
