"""Chooses the checks of a component, and runs them with or without pytest."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from aukit.components import Component
from aukit.errors import MissingWeights
from aukit.testing.subject import Check, CheckSkipped, Subject

_MODULES = {
    "data": "datasets",
    "landmarker": "landmarkers",
    "aligner": "aligners",
    "synth": "synthesizers",
    "balancer": "balancers",
    "normalizer": "normalizers",
    "estimator": "estimators",
    "metric": "metrics",
    "judge": "judges",
    "executor": "executors",
}

NON_PLANAR = "non-planar"
"""Tag of aligners that do more than one transform of the plane can say (3D registration)."""

Failures = Mapping[str, str]
"""Name of a check -> why the author expects it to fail."""


@dataclass(frozen=True)
class Outcome:
    """What became of a check.

    Attributes:
        check: its name.
        result: `failed` only where it was not expected.
        reason: why it did not pass.
    """

    check: str
    result: Literal["passed", "failed", "expected", "skipped"]
    reason: str = ""


def checks_for(component: Component) -> list[Check]:
    """The checks that a component must pass, by its kind and tags."""
    common = importlib.import_module("aukit.testing.any_kind")
    module = importlib.import_module(f"aukit.testing.{_MODULES[component.kind]}")
    checks = [*common.CHECKS, *module.CHECKS]
    if component.kind == "aligner":
        planar = NON_PLANAR not in component.tags
        checks += module.RIGID_CHECKS if planar else module.SOLID_CHECKS
    return checks


def run_checks(subject: Subject, expected_failures: Failures | None = None) -> Iterator[Outcome]:
    """Run all checks of a component, one outcome after the other."""
    expected = expected_failures or {}
    for check in checks_for(subject.component):
        name = check.__name__
        try:
            _sheltered(check)(subject)
        except CheckSkipped as reason:
            yield Outcome(name, "skipped", str(reason))
        except Exception as error:
            if name in expected:
                yield Outcome(name, "expected", expected[name])
            else:
                yield Outcome(name, "failed", f"{type(error).__name__}: {error}")
        else:
            yield Outcome(name, "passed")


ContractTest = Callable[[Subject, Check], None]
"""Calls a check on a subject."""


def parametrize_with_checks(
    subjects: Iterable[Subject],
    expected_failures: Callable[[Subject], Failures] = lambda subject: {},
) -> Callable[[ContractTest], ContractTest]:
    """A pytest decorator: one test for each component and check.

    Args:
        subjects: components with small options.
        expected_failures: name of a check -> why it fails; these tests are strict `xfail`s.
    """
    import pytest

    parameters = []
    for subject in subjects:
        expected = expected_failures(subject)
        for check in checks_for(subject.component):
            name = check.__name__
            reason = expected.get(name)
            marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
            shown = f"{subject}-{name.removeprefix('check_')}"
            parameters.append(pytest.param(subject, _skipping(check), id=shown, marks=marks))
    return pytest.mark.parametrize(("subject", "check"), parameters)


def _skipping(check: Check) -> Check:
    """The check, skipping as pytest does."""

    @functools.wraps(check)
    def run(subject: Subject) -> None:
        import pytest

        try:
            _sheltered(check)(subject)
        except CheckSkipped as reason:
            pytest.skip(str(reason))

    return run


def _sheltered(check: Check) -> Check:
    """The check, skipped where weights or packages are missing on this machine."""

    @functools.wraps(check)
    def run(subject: Subject) -> None:
        if missing := subject.component.missing():
            raise CheckSkipped(f"not installed: {', '.join(missing)}")
        try:
            check(subject)
        except MissingWeights as error:
            raise CheckSkipped(str(error)) from error

    return run
