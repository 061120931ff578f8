"""Conformance checks: the contracts as plain functions, for the authors of plugins.

With pytest, the whole test file of a plugin is

    from aukit.testing import Subject, parametrize_with_checks
    from my_package.plugin import aukit_aligners

    @parametrize_with_checks([Subject(component) for component in aukit_aligners()])
    def test_contract(subject, check):
        check(subject)
"""

from aukit.testing.run import Outcome, checks_for, parametrize_with_checks, run_checks
from aukit.testing.subject import Check, CheckFailed, CheckSkipped, Subject

__all__ = [
    "Check",
    "CheckFailed",
    "CheckSkipped",
    "Outcome",
    "Subject",
    "checks_for",
    "parametrize_with_checks",
    "run_checks",
]
