"""The contract of an aligner, checked by aukit."""

from aukit_eyes.plugin import aukit_aligners

from aukit.testing import Subject, parametrize_with_checks


@parametrize_with_checks([Subject(component) for component in aukit_aligners()])
def test_contract(subject, check):
    check(subject)
