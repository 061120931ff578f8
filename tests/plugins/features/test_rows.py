"""Rows of features in memory and in a file."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from aukit_features import rows
from aukit_features.rows import Rows, gathered


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "BLOCK", 3)


@pytest.fixture
def values() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(10, 4) + 5


def test_moments_are_those_of_all_rows(values: torch.Tensor) -> None:
    found = Rows(values)
    torch.testing.assert_close(torch.cat(list(found.blocks())), values)
    torch.testing.assert_close(found.mean(), values.mean(0))
    torch.testing.assert_close(found.spread(found.mean()), values.std(0, unbiased=False))


def test_differences_are_from_the_mean_of_the_same_person(values: torch.Tensor) -> None:
    people = list("abacabacca")
    frame = pd.DataFrame(values.numpy())
    expected = frame - frame.groupby(people).transform("mean")
    found = torch.cat(list(Rows(values).differences(people).blocks()))
    np.testing.assert_allclose(found.numpy(), expected.to_numpy(), atol=1e-5)


def test_a_sample_keeps_rows_with_their_people(values: torch.Tensor) -> None:
    rows = Rows(values).differences(list("abacabacca"))
    every = torch.cat(list(rows.blocks()))
    found = torch.cat(list(rows.sample(4, seed=1).blocks()))
    places = [int((every == row).all(1).nonzero()) for row in found]
    assert len(set(places)) == 4
    assert rows.sample(10, seed=1) is rows


def test_what_is_too_large_lies_in_a_file_without_a_name(
    values: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped: list[np.memmap] = []

    def memmap(*args: Any, **options: Any) -> np.memmap:
        mapped.append(np.memmap(*args, **options))
        return mapped[-1]

    monkeypatch.setattr(rows, "np", SimpleNamespace(memmap=memmap, float32=np.float32))
    held = gathered(iter(values.split(4)), len(values), tmp_path)
    assert not mapped
    monkeypatch.setattr(rows, "IN_MEMORY", values.nbytes - 1)
    on_disk = gathered(iter(values.split(4)), len(values), tmp_path)
    assert len(mapped) == 1
    assert not list(tmp_path.iterdir())
    torch.testing.assert_close(held, values, rtol=0, atol=0)
    torch.testing.assert_close(on_disk, values, rtol=0, atol=0)
