"""Checks whether a process of this machine is still running."""

from __future__ import annotations

import os
from typing import Any


def is_alive(process: Any) -> bool:
    """Whether another process with this id is running on this machine."""
    if not isinstance(process, int) or process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
