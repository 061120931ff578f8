"""Work that is done ahead, beside the work on what came before."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, in their order; the next one is made while one is used.

    One item more than without it is in memory. What making one raises is raised in its turn.
    """
    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(_next, items)
        while made := coming.result():
            coming = maker.submit(_next, items)
            yield made[0]


def _next(items: Iterator[Item]) -> tuple[Item] | None:
    # As a value: an exception that says "no more" cannot leave a generator.
    for item in items:
        return (item,)
    return None
