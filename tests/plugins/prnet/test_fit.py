"""Fitting: targets and errors against NumPy, and a fit of faces that are easy to find."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_meshes import SmallMeshes

from aukit.contracts.context import Context
from aukit.contracts.session import Session
from aukit.data.records import partition_rows
from aukit.errors import ConfigError, DataError
from aukit.progress import Silent
from aukit.testing.fits import Kill, Killing
from aukit.training.loop import read_scalars
from aukit_prnet import examples, weights
from aukit_prnet.fit import Fit, PrnetFit
from aukit_prnet.layout import Layout
from aukit_prnet.network import REACH, PositionMapNet
from aukit_prnet.recipe import FitOptions
from aukit_prnet.supervision import Guided, coarse_loss, ease, map_loss, target_maps

TINY = FitOptions(
    width=2, resolution=64, steps=6, batch=8, learning_rate=1e-2, warmup=2, average=0.5,
    momentum=0.1, ticks=2,
)  # fmt: skip


def _fitted(tmp_path: Path, options: FitOptions, count: int = 16) -> PrnetFit:
    data = SmallMeshes(count)
    fitter = PrnetFit(options, Context(seed=3))
    index = data.index()
    train, valid = (partition_rows(index, name) for name in ("train", "valid"))
    fitter.fit(data, train, valid, Session(tmp_path, seed=3))
    return fitter


def test_target_is_the_mesh_in_shares_of_the_crop() -> None:
    layout = Layout.load(64)
    (meshes,) = SmallMeshes(3).meshes(SmallMeshes(3).index())
    maps = target_maps(meshes.vertices, layout)
    points = layout.vertices_of(layout.position_maps(meshes.vertices)).numpy()
    found = layout.vertices_of(maps).numpy() * REACH * 64
    np.testing.assert_allclose(found[..., :2], points[..., :2], atol=1e-4)
    depth = points[..., 2] - points[..., 2].min(1, keepdims=True)
    np.testing.assert_allclose(found[..., 2], depth, atol=1e-4)
    assert (maps[:, :, ~layout.valid] == 0).all()


@pytest.mark.parametrize(("kind", "power"), [("absolute", 1), ("squared", 2)])
def test_loss_is_the_weighted_mean(kind: str, power: int) -> None:
    torch.manual_seed(0)
    found, truth, weight = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8), torch.rand(8, 8)
    error = np.abs(100 * (found.numpy() - truth.numpy())) ** power
    spread = np.broadcast_to(weight.numpy(), error.shape)
    expected = np.average(error, weights=spread)
    assert float(map_loss(found, truth, weight, kind)) == pytest.approx(expected, rel=1e-4)


def test_coarse_maps_are_held_to_the_means_of_blocks() -> None:
    torch.manual_seed(1)
    truth, weight = torch.rand(2, 3, 8, 8), torch.rand(8, 8)
    weight[:2, :2] = 0
    mean = np.zeros((2, 3, 4, 4), np.float32)
    for row in range(4):
        for column in range(4):
            block = (slice(2 * row, 2 * row + 2), slice(2 * column, 2 * column + 2))
            mass = weight[block].numpy()
            if mass.sum():
                part = truth[:, :, *block].numpy()
                mean[:, :, row, column] = (part * mass).sum((2, 3)) / mass.sum()
    exact = torch.from_numpy(mean)
    assert float(coarse_loss([exact, truth], truth, weight, "absolute")) < 1e-3
    assert float(coarse_loss([exact + 0.01], truth, weight, "absolute")) == pytest.approx(
        1, rel=0.01
    )


def test_short_cuts_change_nothing_of_the_network() -> None:
    network = PositionMapNet(2, 64).eval()
    guided = Guided(network).eval()
    pictures = torch.rand(2, 3, 64, 64)
    maps, points, coarse = guided(pictures)
    torch.testing.assert_close(maps, network(pictures))
    assert points.shape == (2, 68, 3)
    assert [tuple(found.shape[1:]) for found in coarse] == [(3, s, s) for s in (4, 8, 16, 32, 64)]


def test_an_eased_network_begins_at_the_mean_of_the_targets() -> None:
    layout = Layout.load(64)
    (meshes,) = SmallMeshes(8).meshes(SmallMeshes(8).index())
    target = target_maps(meshes.vertices, layout)
    torch.manual_seed(2)
    network = PositionMapNet(4, 64).train()
    ease(network, target, layout)
    found = layout.vertices_of(network(torch.rand(8, 3, 64, 64)))
    known = layout.vertices_of(target)
    torch.testing.assert_close(found.mean((0, 1)), known.mean((0, 1)), atol=0.05, rtol=0)


def test_errors_fall(tmp_path: Path) -> None:
    options = replace(TINY, steps=24, warmup=12, ticks=24)
    fitter = _fitted(tmp_path, options)
    lines = read_scalars(tmp_path / "scalars.jsonl")
    assert lines[-1]["loss"] < 0.75 * lines[0]["loss"]
    assert lines[-1]["guide"] < 0.5 * lines[0]["guide"]
    assert fitter.card["valid"]["68"] == pytest.approx(lines[-1]["68"], abs=1e-3)


def test_weights_are_what_the_aligner_loads(tmp_path: Path) -> None:
    fitter = _fitted(tmp_path, TINY)
    path = fitter.save(tmp_path)
    loaded = weights.load(path)
    assert loaded.network.width == 2
    assert loaded.layout is Layout.load(64)
    pictures = torch.rand(2, 3, 64, 64)
    assert fitter.network is not None
    torch.testing.assert_close(
        loaded.network(pictures), fitter.network(pictures), atol=0.01, rtol=0
    )
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["fitted_on"]["pictures"] == 12
    assert card["seed"] == 3


def test_an_interrupted_fit_ends_the_same(tmp_path: Path) -> None:
    """Killed after three steps and begun again, it ends with the same bits."""
    whole = _fitted(tmp_path / "whole", TINY).network
    data = SmallMeshes(16)
    sets = [
        examples.render(data, partition_rows(data.index(), name), tmp_path / name, Silent())
        for name in ("train", "valid")
    ]
    session = Session(tmp_path, seed=3, checkpoint_every=0)
    with pytest.raises(Kill):
        Fit(TINY, Layout.load(64), replace(session, progress=Killing(4)), *sets).run()
    again = Fit(TINY, Layout.load(64), session, *sets).run()
    assert whole is not None
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_what_cannot_be_fitted_is_refused(tmp_path: Path) -> None:
    other, none = SmallMeshes(4, mesh="other/1"), SmallMeshes(0)
    fitter = PrnetFit(TINY, Context())
    session = Session(tmp_path)
    with pytest.raises(ConfigError, match="not 'other/1'"):
        fitter.fit(other, other.index(), other.index(), session)
    with pytest.raises(DataError, match="no training pictures"):
        fitter.fit(none, none.index(), none.index(), session)
    with pytest.raises(DataError, match="not been fitted"):
        fitter.save(tmp_path)


@pytest.mark.parametrize(
    "wrong", [{"resolution": 48}, {"steps": 0}, {"average": 1.0}, {"momentum": 0}, {"guide": -1}]
)
def test_options_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        replace(TINY, **wrong)


def test_a_fit_begins_with_given_weights_of_its_size(tmp_path: Path) -> None:
    path = tmp_path / "start.safetensors"
    torch.manual_seed(9)
    given = PositionMapNet(2, 64)
    weights.save(path, given, {}, Layout.load(64))
    options = replace(TINY, steps=1, learning_rate=1e-12, average=0.0, start=str(path))
    fitted = _fitted(tmp_path / "fit", options).network
    assert fitted is not None
    for ours, theirs in zip(fitted.parameters(), given.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)
    with pytest.raises(ConfigError, match="width 2"):
        _fitted(tmp_path / "other", replace(options, width=4))
