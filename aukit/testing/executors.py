"""Checks of executors."""

from __future__ import annotations

from collections.abc import Iterator

from aukit.contracts.executor import Cluster
from aukit.testing import jobs
from aukit.testing.subject import Check, CheckFailed, Subject, require

ITEMS = 400
MOST_IN_FLIGHT = 200
"""Far more than a sensible executor needs; taking all items at once is what must not happen."""


class _Counted:
    """Items that know how many were taken."""

    def __init__(self) -> None:
        self.taken = 0

    def __iter__(self) -> Iterator[int]:
        for number in range(ITEMS):
            self.taken += 1
            yield number


def check_results_are_in_order(subject: Subject) -> None:
    """Results come in the order of the items, also when early ones take longest."""
    results = list(subject.make().map(jobs.slower_first, range(12)))
    require(results == [n * n for n in range(12)], f"results came as {results}")
    require(list(subject.make().map(jobs.slower_first, [])) == [], "no items gave results")


def check_first_exception_comes_in_its_place(subject: Subject) -> None:
    """Results before the first failure arrive, then its exception, then nothing."""
    items = _Counted()
    results = subject.make().map(jobs.fail_at_three, items)
    before = [next(results) for _ in range(3)]
    require(before == [0, 1, 2], f"before the failure came {before}")
    try:
        next(results)
    except ValueError as error:
        require("three is refused" in str(error), f"another error came: {error}")
    else:
        raise CheckFailed("the exception did not come where its result would have come")
    require(next(results, None) is None, "results came after the exception")
    require(items.taken <= MOST_IN_FLIGHT, f"{items.taken} items were taken despite the failure")


def check_items_in_flight_are_bounded(subject: Subject) -> None:
    """Items are taken as results are asked for, not all at once."""
    items = _Counted()
    results = subject.make().map(jobs.slower_first, items)
    next(results)
    require(items.taken <= MOST_IN_FLIGHT, f"{items.taken} items were taken for the first result")


def check_cluster_has_room(subject: Subject) -> None:
    """A cluster runs at least one item at a time."""
    executor = subject.make()
    if isinstance(executor, Cluster):
        count = executor.at_once()
        require(count >= 1, f"it says that {count} items run at a time")


CHECKS: tuple[Check, ...] = (
    check_results_are_in_order,
    check_first_exception_comes_in_its_place,
    check_items_in_flight_are_bounded,
    check_cluster_has_room,
)
