"""The training layer: exact resume, divergence, two processes that learn as one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from aukit.errors import DataError, StageError
from aukit.training import CHECKPOINT, SCALARS, Best, Recipe, Session, read_scalars, train


class Kill(Exception):
    """Stands for a kill between two steps."""


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(), nn.Linear(144, 1)
    )


def _recipe(session: Session, steps: int, die_at: int | None = None) -> Recipe:
    network = session.prepare(_network())
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    best = Best(network)

    def step(number: int) -> dict[str, Tensor]:
        if number == die_at:
            raise Kill
        loss = network(session.images(torch.rand(6, 3, 8, 8))).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss}

    def tick(number: int) -> dict[str, float]:
        best.offer(-abs(number - 14), number, network)
        return {"score": float(number)}

    modules = {"network": network, "best": best}
    return Recipe(modules, {"adam": optimizer}, steps, step, every=5, on_tick=tick)


def _session(folder: Path, every: float = 0.0) -> Session:
    folder.mkdir(exist_ok=True)
    return Session(folder, seed=7, checkpoint_every=every)


def test_a_killed_fit_ends_bit_for_bit_as_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = _session(tmp_path / "whole")
    reference = _recipe(whole, 23)
    train("whole", reference, whole)

    session = _session(tmp_path / "killed")
    for die_at in (3, 11, 12):
        with pytest.raises(Kill):
            train("killed", _recipe(session, 23, die_at), session)
    resumed = _recipe(session, 23)
    train("killed", resumed, session)
    for name, module in reference.modules.items():
        for key, value in module.state_dict().items():
            assert torch.equal(value, resumed.modules[name].state_dict()[key]), (name, key)
    assert read_scalars(session.folder / SCALARS) == read_scalars(whole.folder / SCALARS)


def test_the_best_network_is_kept(tmp_path: Path) -> None:
    session = _session(tmp_path / "best")
    recipe = _recipe(session, 30)
    train("best", recipe, session)
    best = recipe.modules["best"]
    assert isinstance(best, Best)
    assert int(best.step) == 14


def test_divergence_is_said(tmp_path: Path) -> None:
    session = _session(tmp_path / "nan", every=99)
    recipe = Recipe({}, {}, 4, lambda n: {"loss": torch.tensor(float("nan"))})
    with pytest.raises(StageError, match="loss is nan at step 3: the training diverged"):
        train("nan", recipe, session)


def test_a_checkpoint_of_another_network_or_cut_in_half_is_refused(tmp_path: Path) -> None:
    session = _session(tmp_path / "cut")
    with pytest.raises(Kill):
        train("cut", _recipe(session, 9, die_at=6), session)
    path = session.folder / CHECKPOINT
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="delete it to start this stage anew"):
        train("cut", _recipe(session, 9), session)
    path.write_bytes(whole)
    other = Recipe({"network": nn.Linear(2, 2)}, {}, 9, lambda n: {})
    with pytest.raises(DataError, match="cannot be continued"):
        train("cut", other, session)


_DISTRIBUTED = """
import sys, torch
from pathlib import Path
from torch import nn
from aukit.training import Recipe, Session, distributed, own_share, rank, train, unwrap
folder = Path(sys.argv[1]); folder.mkdir(exist_ok=True)
session = Session(folder, seed=3)
with distributed("cpu"):
    torch.manual_seed(0)
    layers = (nn.Flatten(), nn.Linear(12, 5), nn.Tanh(), nn.Linear(5, 1))
    network = session.prepare(nn.Sequential(*layers))
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    data = torch.rand(64, 12, generator=torch.Generator().manual_seed(1))
    def step(number):
        rows = own_share([(number * 8 + i) % 64 for i in range(8)])
        loss = (network(data[list(rows)]).squeeze(1) - data[list(rows)].sum(1)).square().mean()
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        return {"loss": loss}
    train("two", Recipe({"n": network}, {"sgd": optimizer}, 40, step), session)
    if rank() == 0:
        from safetensors.torch import save_file
        save_file(unwrap(network).state_dict(), sys.argv[2])
"""


def test_two_processes_learn_as_one(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    script = tmp_path / "fit.py"
    script.write_text(_DISTRIBUTED)
    results = []
    for processes in (1, 2):
        result = tmp_path / f"{processes}.safetensors"
        launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        call = [sys.executable, *launch, str(script), str(tmp_path / f"s{processes}"), str(result)]
        done = subprocess.run(call, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
        results.append(load_file(result))
    for key, value in results[0].items():
        torch.testing.assert_close(results[1][key], value, rtol=1e-5, atol=1e-6)
