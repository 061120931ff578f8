"""Builds components and turns whatever they raise into one line that names them."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import Any

from aukit.config import DEFAULT, Choice
from aukit.contracts.context import Context
from aukit.errors import AukitError, PluginError, StageError, StorageError
from aukit.run_config import RunConfig

_STORAGE = {errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EPERM}


@contextlib.contextmanager
def named(choice: Choice, stage: str) -> Iterator[None]:
    """Errors of a component, told with its name, distribution, version and the stage.

    Raises:
        StageError: the component raised something of its own.
        StorageError: the disk is full or the place not writable.
        AukitError: as it came.
    """
    component = choice.component
    try:
        yield
    except AukitError:
        raise
    except OSError as error:
        if error.errno in _STORAGE:
            place = f" ({error.filename})" if error.filename else ""
            raise StorageError(
                f"stage {stage} could not write{place}: {error.strerror}",
                "free some space or choose another output folder; finished stages are kept",
            ) from error
        raise _stage_error(component, stage, error) from error
    except Exception as error:
        raise _stage_error(component, stage, error) from error


def _stage_error(component: Any, stage: str, error: Exception) -> StageError:
    text = str(error).strip().splitlines()
    reason = f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__
    return StageError(
        f"{component.kind} '{component.name}' ({component.distribution} {component.version}) "
        f"failed in stage {stage}: {reason}",
        "finished stages are kept; --debug shows where",
    )


def make(choice: Choice, context: Context) -> Any:
    """An instance of a chosen component.

    Raises:
        PluginError: it cannot be imported or constructed.
    """
    factory = choice.component.load()
    try:
        return factory(choice.options, context)
    except AukitError:
        raise
    except Exception as error:
        component = choice.component
        raise PluginError(
            f"{component.kind} '{component.name}' ({component.distribution}) cannot be built: "
            f"{type(error).__name__}: {error}"
        ) from error


def import_all(config: RunConfig) -> None:
    """Import every chosen component, so that a run does not fail after hours for want of one.

    Raises:
        PluginError: a required package is missing, or an import fails.
    """
    chosen = [choice for choice in config.components.values() if choice is not None]
    for role in config.roles.values():
        chosen += [c for c in (role.data, role.landmarker, role.aligner) if c is not None]
    # Judges that nobody asked for by name may be left out later.
    chosen += [choice for choice in config.judges.choices if choice.chosen_by != DEFAULT]
    for choice in chosen:
        choice.component.load()
