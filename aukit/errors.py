"""Errors shown to the user: a message that says what and where, and a hint what to do.

Every class has its own exit code, so that scripts can tell the kinds of failure apart:

| code | class | meaning |
|---|---|---|
| 2 | `ConfigError` | the command line or the run file is invalid |
| 3 | `PluginError` | a component is missing, broken, or broke its contract |
| 4 | `DataError` | input data, weights or labels are missing or damaged |
| 5 | `StageError` | a component failed during a run |
| 6 | `StorageError` | the disk is full, or the output cannot be written |
| 7 | `StoreError` | an object store or server refuses access or does not answer |
"""

from __future__ import annotations


class AukitError(Exception):
    """An error with a one-line message and, if possible, a hint.

    Args:
        message: what went wrong, and where.
        hint: what the user can do about it.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} ({self.hint})"

    def __reduce__(self) -> tuple[type[AukitError], tuple[str, str | None]]:
        # Errors are pickled between processes (executors); the default would lose the hint.
        return (type(self), (self.message, self.hint))


class ConfigError(AukitError):
    """The command line or the run file is invalid."""

    exit_code = 2


class PluginError(AukitError):
    """A component is missing, cannot be loaded, or broke its contract."""

    exit_code = 3


class DataError(AukitError):
    """Input data, labels or weights are missing, damaged or inconsistent."""

    exit_code = 4


class LeakageError(DataError):
    """Test or validation people would reach a fit."""


class MissingWeights(DataError):
    """Weights that a component needs are not on this machine."""


class StageError(AukitError):
    """A component failed in the middle of a stage."""

    exit_code = 5


class StorageError(AukitError):
    """The output cannot be written: full disk, read-only folder, missing permission."""

    exit_code = 6


class StoreError(AukitError):
    """An object store or another server refuses access or does not answer."""

    exit_code = 7
