"""The training layer: exact resume, divergence, two processes that learn as one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.contracts.session import Session
from aukit.errors import DataError, StageError
from aukit.testing.fits import Kill, Killing, require_exact_resume
from aukit.training.averages import Best, Ema
from aukit.training.checkpoints import CHECKPOINT, restore
from aukit.training.loop import train
from aukit.training.recipe import Recipe


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(), nn.Linear(144, 1)
    )


def _recipe(session: Session, steps: int) -> Recipe:
    network = session.prepare(_network())
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    best, ema = Best(network), Ema(network, 0.9)

    def step(number: int) -> dict[str, Tensor]:
        loss = network(session.images(torch.rand(6, 3, 8, 8))).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ema.update(network)
        return {"loss": loss}

    def tick(number: int) -> dict[str, float]:
        best.offer(-abs(number - 14), number, network)
        return {"score": float(number)}

    modules = {"network": network, "best": best, "ema": ema}
    return Recipe(modules, {"adam": optimizer}, steps, step, every=5, on_tick=tick)


def _session(folder: Path, every: float = 0.0) -> Session:
    folder.mkdir(exist_ok=True)
    return Session(folder, seed=7, checkpoint_every=every)


def test_a_killed_fit_ends_bit_for_bit_as_an_uninterrupted_one(tmp_path: Path) -> None:
    def fit(session: Session) -> dict[str, Tensor]:
        recipe = _recipe(session, 23)
        train("killed", recipe, session)
        return {
            f"{name}/{key}": value
            for name, module in recipe.modules.items()
            for key, value in module.state_dict().items()
        }

    require_exact_resume(fit, tmp_path, kills=(4, 12, 13))


def test_the_best_network_is_kept(tmp_path: Path) -> None:
    session = _session(tmp_path / "best")
    recipe = _recipe(session, 30)
    train("best", recipe, session)
    best = recipe.modules["best"]
    assert isinstance(best, Best)
    assert int(best.step) == 14


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
def test_an_average_is_the_weighted_sum_of_what_it_saw(decay: float) -> None:
    module = nn.BatchNorm1d(1)
    ema, expected = Ema(module, decay), module.weight.item()
    for count, value in enumerate((3.0, -1.0, 7.0)):
        with torch.no_grad():
            module.weight.fill_(value)
            module.running_mean.fill_(value + 1)
        module.num_batches_tracked += 1
        ema.update(module)
        kept = min(decay, (1 + count) / (10 + count))
        expected = kept * expected + (1 - kept) * value
    assert ema.module.weight.item() == pytest.approx(expected)
    assert ema.module.running_mean.item() != module.running_mean.item() or decay == 0
    assert int(ema.module.num_batches_tracked) == 3
    assert not ema.module.weight.requires_grad


def test_divergence_is_said_where_it_began(tmp_path: Path) -> None:
    session = _session(tmp_path / "nan", every=99)
    losses = [1.0, float("nan"), 1.0, 1.0]
    recipe = Recipe({}, {}, 4, lambda n: {"loss": torch.tensor(losses[n])})
    with pytest.raises(StageError, match="loss is nan at step 1: the training diverged"):
        train("nan", recipe, session)


@pytest.mark.parametrize("every", [0.0, 99.0])
def test_broken_weights_of_one_network_are_never_kept(tmp_path: Path, every: float) -> None:
    session = _session(tmp_path / "weights", every=every)
    good, bad = nn.Linear(2, 1), nn.Linear(2, 1)

    def step(number: int) -> dict[str, Tensor]:
        if number == 5:
            with torch.no_grad():
                bad.weight[0, 1] = float("inf")
        return {"loss": torch.tensor(1.0)}  # the loss was taken before the update

    recipe = Recipe({"good": good, "bad": bad}, {}, 6 if every else 9, step)
    with pytest.raises(StageError, match="a weight of bad is not finite at step 5"):
        train("weights", recipe, session)
    if not every:
        bad.load_state_dict({"weight": torch.zeros(1, 2), "bias": torch.zeros(1)})
        assert restore(recipe, session.folder)[0] == 5
        assert bool(bad.weight.isfinite().all())


def test_previews_are_shown_once_and_only_if_somebody_watches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def paint(faces: FaceBatch, targets: Labels) -> Tensor:
        return torch.zeros(len(faces), 3, 8, 8, dtype=torch.uint8)

    Session(tmp_path).show(3, paint)
    watched = Session(tmp_path, preview=lambda step, how: seen.append(step))
    watched.part("one").show(4, paint)
    monkeypatch.setenv("RANK", "1")
    watched.show(5, paint)
    assert seen == [4]


def test_the_networks_of_a_fit_tell_their_scalars_apart(tmp_path: Path) -> None:
    told: list[tuple[int, dict[str, float]]] = []
    session = Session(tmp_path, on_scalars=lambda step, values: told.append((step, dict(values))))
    for name in ("AU01", "AU12"):
        tell = session.part(name).on_scalars
        assert tell is not None
        tell(3, {"loss": 0.5})
    assert told == [(3, {"AU01/loss": 0.5}), (3, {"AU12/loss": 0.5})]
    assert Session(tmp_path).part("AU01").on_scalars is None


def test_a_checkpoint_of_another_network_or_cut_in_half_is_refused(tmp_path: Path) -> None:
    session = _session(tmp_path / "cut")
    with pytest.raises(Kill):
        train("cut", _recipe(session, 9), replace(session, progress=Killing(7)))
    path = session.folder / CHECKPOINT
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="delete it to restart this stage"):
        train("cut", _recipe(session, 9), session)
    path.write_bytes(whole)
    other = Recipe({"network": nn.Linear(2, 2)}, {}, 9, lambda n: {})
    with pytest.raises(DataError, match="cannot continue from checkpoint"):
        train("cut", other, session)
    save_file({"weight": torch.zeros(1)}, path)
    with pytest.raises(DataError, match="it was not written by aukit"):
        train("cut", _recipe(session, 9), session)
    save_file({"weight": torch.zeros(1)}, path, {"aukit": '{"step": 3}'})
    with pytest.raises(DataError, match="cannot continue from checkpoint"):
        train("cut", _recipe(session, 9), session)


_DISTRIBUTED = """
import sys, torch
from pathlib import Path
from safetensors.torch import load_file, save_file
from torch import nn
from aukit.contracts.session import Session
from aukit.machine.processes import average_gradients, distributed, own_share, rank, unwrap
from aukit.training.loop import train
from aukit.training.recipe import Recipe
data = torch.rand(64, 12, generator=torch.Generator().manual_seed(1))
def fit(session, by_hand):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Tanh(), nn.Linear(5, 1))
    network = session.place(network) if by_hand else session.prepare(network)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    def step(number):
        rows = own_share([(number * 8 + i) % 64 for i in range(8)])
        inputs = data[list(rows)].requires_grad_(by_hand)
        loss = (network(inputs).squeeze(1) - data[list(rows)].sum(1)).square().mean()
        if by_hand:  # a penalty on gradients, which DistributedDataParallel cannot serve
            slope = torch.autograd.grad(network(inputs).sum(), inputs, create_graph=True)[0]
            loss = loss + (slope.norm(dim=1) - 1).square().mean()
        optimizer.zero_grad(); loss.backward()
        if by_hand:
            average_gradients(network.parameters())
        optimizer.step()
        return {"loss": loss}
    train("two", Recipe({"n": network}, {"sgd": optimizer}, 40, step), session)
    return unwrap(network).state_dict()
folder = Path(sys.argv[1]); folder.mkdir(exist_ok=True)
with distributed("cpu"):
    session, learned = Session(folder, seed=3), {}
    for how in ("wrapped", "by hand"):
        found = fit(session.part(how), how == "by hand")
        learned |= {f"{how}/{key}": value for key, value in found.items()}
    if rank() == 0:
        save_file(learned, sys.argv[2])
"""


def test_two_processes_learn_as_one(tmp_path: Path) -> None:
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
    assert len(results[0]) == 8
    for key, value in results[0].items():
        torch.testing.assert_close(results[1][key], value, rtol=1e-5, atol=1e-6)
