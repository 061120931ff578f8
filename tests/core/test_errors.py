"""Errors: one exit code a class, told in one line, surviving process borders."""

from __future__ import annotations

import pickle

import pytest

from aukit import errors

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, errors.AukitError)
]


def test_every_kind_of_error_has_its_own_exit_code() -> None:
    direct = [cls for cls in CLASSES if cls.__bases__ == (errors.AukitError,)]
    codes = [cls.exit_code for cls in direct]
    assert len(set(codes)) == len(codes)
    assert all(cls.exit_code != 0 for cls in CLASSES)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_table_of_codes_is_true(cls: type[errors.AukitError]) -> None:
    kind = next(base for base in cls.__mro__ if errors.AukitError in (base, *base.__bases__))
    if kind is not errors.AukitError:
        assert f"| {cls.exit_code} | `{kind.__name__}` |" in (errors.__doc__ or "")


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("hint", [None, "do this"])
def test_errors_cross_process_borders_whole(cls: type[errors.AukitError], hint: str | None) -> None:
    error = pickle.loads(pickle.dumps(cls("what", hint)))
    assert type(error) is cls
    assert (error.message, error.hint) == ("what", hint)
    assert str(error) == ("what" if hint is None else "what (do this)")
