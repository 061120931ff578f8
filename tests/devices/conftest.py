"""Lets the tests import the device.

They need a process of their own: `tests/machine/test_pretended_device.py` starts it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from pretend import NAME, Stalls, pretended

NEEDED = (2, 14)
DEVICE = "AUKIT_TEST_DEVICE"
"""Environment variable: a real device to compare with the CPU, instead of the pretended one."""


@pytest.fixture
def stalls() -> Iterator[Stalls]:
    """The device `pretend` exists; what would stall it is counted."""
    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if version < NEEDED:
        pytest.skip("torch has no backends in Python before 2.14")
    with pretended() as counted:
        yield counted


@pytest.fixture
def device(request: pytest.FixtureRequest) -> str:
    """Another device than the CPU."""
    if named := os.environ.get(DEVICE):
        return named
    request.getfixturevalue("stalls")
    return NAME
