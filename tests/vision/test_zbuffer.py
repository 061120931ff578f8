"""The compiled rasterizer beside the vectorised one, and what happens where it cannot be had."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from aukit.vision import compiled, raster, zbuffer
from aukit.vision.scan import Fragments, scan, scan_depth


def soup(seed: int, size: tuple[int, int], snapped: bool) -> tuple[Tensor, Tensor]:
    """Two meshes of triangles that share vertices, overlap and reach beyond the picture.

    Snapped to half pixels, edges run through centres, areas vanish and depths are often equal.
    """
    generator = torch.Generator().manual_seed(seed)
    place = torch.rand(2, 30, 3, generator=generator) * torch.tensor([1.4, 1.4, 1.0]) - 0.2
    vertices = place * torch.tensor([size[1], size[0], 8.0])
    triangles = torch.randint(0, 30, (40, 3), generator=generator)
    return ((vertices * 2).round() / 2 if snapped else vertices), triangles


def assert_same(found: Fragments, expected: Fragments) -> None:
    # To the last bit on processors that round `torch.addcmul` once, as all recent ones do.
    for name in ("pixel", "sample", "triangle"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name
    for name in ("weights", "depth"):
        torch.testing.assert_close(getattr(found, name), getattr(expected, name))


@given(
    seed=st.integers(0, 10**6),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    snapped=st.booleans(),
    perspective=st.booleans(),
    cull_back=st.booleans(),
)
def test_both_searches_find_the_same(
    seed: int, size: tuple[int, int], snapped: bool, perspective: bool, cull_back: bool
) -> None:
    vertices, triangles = soup(seed, size, snapped)
    arguments = vertices, triangles, size, perspective, cull_back
    assert_same(zbuffer.fragments(*arguments), scan(*arguments))
    depth = zbuffer.depths(vertices, triangles, size)
    torch.testing.assert_close(depth, scan_depth(vertices, triangles, size))


def test_threads_change_nothing() -> None:
    vertices, triangles = soup(3, (40, 30), False)
    arguments = vertices.repeat(4, 1, 1), triangles, (40, 30), False, False
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(zbuffer.fragments(*arguments))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*(vars(f).values() for f in found), strict=True))


@pytest.mark.parametrize("number", [-1, 3])
def test_a_vertex_that_is_not_there_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=r"indices 0\.\.2"):
        raster.rasterize(torch.rand(1, 3, 3), torch.tensor([[0, 1, number]]), (4, 4))


def test_gradients_still_flow() -> None:
    corners = torch.tensor([[[0.0, 0.0, 1.0], [9.0, 0.0, 2.0], [0.0, 9.0, 3.0]]])
    seen = raster.rasterize(corners.requires_grad_(), torch.tensor([[0, 1, 2]]), (4, 4))
    seen.depth.sum().backward()  # type: ignore[no-untyped-call]
    assert corners.grad is not None
    torch.testing.assert_close(corners.grad[..., 2].sum(), torch.tensor(16.0))


@pytest.fixture
def doubled(tmp_path: Path) -> Callable[..., Any]:
    """A function whose cache would lie in a folder of the test's own."""
    file = tmp_path / "doubled_for_a_test.py"
    file.write_text("def doubled(x):\n    return 2 * x\n", encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[..., Any] = module.doubled
    return function


def test_a_damaged_cache_does_not_matter(doubled: Callable[..., Any], tmp_path: Path) -> None:
    compile_again = compiled.kernel.__wrapped__
    assert compile_again(doubled, "float64(float64)")(2.0) == 4
    kept = list((tmp_path / "__pycache__").glob("*.nb?"))
    assert len(kept) == 2
    for file in kept:
        file.write_bytes(b"not what numba wrote")
    assert compile_again(doubled, "float64(float64)")(2.0) == 4


def test_no_place_for_a_cache_does_not_matter() -> None:
    space: dict[str, Any] = {}
    exec(compile("def halved(x):\n    return x / 2\n", "/nowhere/halved.py", "exec"), space)
    assert compiled.kernel.__wrapped__(space["halved"], "float64(float64)")(4.0) == 2


def test_without_numba_the_other_search_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    vertices, triangles = soup(1, (20, 20), False)
    expected = raster.rasterize_fragments(vertices, triangles, (20, 20))
    monkeypatch.setitem(sys.modules, "numba", None)
    compiled.module.cache_clear()
    try:
        with pytest.warns(UserWarning, match="drawn slowly"):
            found = raster.rasterize_fragments(vertices, triangles, (20, 20))
    finally:
        compiled.module.cache_clear()
    assert_same(found, expected)
