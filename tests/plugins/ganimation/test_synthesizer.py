"""Fitting, painting, saving: exact resume, two processes as one, masked AUs, bad input."""

from __future__ import annotations

import importlib
import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.contracts.session import Paint, Session
from aukit.contracts.synthesizer import ReadsFaces
from aukit.errors import DataError, StageError
from aukit.synthesis.batches import learning_rate
from aukit.testing.drawn import DrawnFaces
from aukit.testing.fits import require_exact_resume
from aukit.testing.synthesizers import require_painted_alone
from aukit.training.loop import SCALARS, read_scalars
from aukit.vision.resize import resized
from aukit_ganimation.fit import SATURATED, Fit
from aukit_ganimation.networks import Painting
from aukit_ganimation.plugin import QUICK, GanimationConfig, IdiosyncraticConfig
from aukit_ganimation.synthesizer import Ganimation

TINY = replace(
    IdiosyncraticConfig(**QUICK),
    size=16, width=4, blocks=1, critic_width=4, depth=2, batch=4, epochs=1, decay_epochs=1, ticks=3,
    critic_steps=2, composition="replace", l_exp=160.0, l_ids=1.0, l_idt=10.0, pairs=0.5,
    partners="person", candidates=1,
)  # fmt: skip


def drawn(count: int = 12, uncoded: float = 0.0, size: int = 24) -> DrawnFaces:
    return DrawnFaces(count, people=3, size=size, uncoded=uncoded)


def fitted(
    folder: Path, config: GanimationConfig = TINY, faces: DrawnFaces | None = None
) -> Ganimation:
    folder.mkdir(exist_ok=True)
    synthesizer = Ganimation(config, Context())
    synthesizer.fit(faces or drawn(), Session(folder, seed=3))
    return synthesizer


def weights(synthesizer: Ganimation) -> dict[str, Tensor]:
    assert synthesizer.networks is not None
    return {key: value.clone() for key, value in synthesizer.networks.state_dict().items()}


@pytest.mark.parametrize(("attention", "composition"), [(False, "motion"), (True, "replace")])
def test_a_killed_fit_ends_bit_for_bit_as_an_uninterrupted_one(
    tmp_path: Path, attention: bool, composition: str
) -> None:
    changes: Any = {"attention": attention, "composition": composition}
    config, faces = replace(TINY, epochs=2, **changes), drawn(uncoded=0.2)

    def fit(session: Session) -> dict[str, Tensor]:
        synthesizer = Ganimation(config, Context())
        synthesizer.fit(faces, session)
        return weights(synthesizer)

    require_exact_resume(fit, tmp_path, kills=(3, 6, 7))


_TWO = """
import sys
from pathlib import Path
from safetensors.torch import save_file
sys.path.insert(0, sys.argv[1])
from two_steps import gradients
from aukit.machine.processes import distributed, rank
with distributed("cpu"):
    found = gradients(Path(sys.argv[1]))
    if rank() == 0:
        save_file(found, sys.argv[2])
"""
_STEPS = """
import torch
from aukit.testing.drawn import DrawnFaces
from aukit.contracts.session import Session
from aukit_ganimation.fit import Fit
from aukit_ganimation.plugin import IdiosyncraticConfig
def gradients(folder):
    config = IdiosyncraticConfig(
        size=16, width=4, blocks=1, critic_width=4, depth=2, batch=6, critic_steps=2,
        attention=True,
        composition="replace", l_exp=160.0, l_ids=1.0, l_idt=10.0, pairs=0.5, partners="person",
        candidates=1,
    )  # fmt: skip
    fit = Fit(config, DrawnFaces(12, people=3, size=16, uncoded=0.2), Session(folder, seed=3))
    fit.step(0), fit.step(1)
    networks = torch.nn.ModuleDict({"generator": fit.generator, "critic": fit.critic})
    return {name: p.grad.contiguous() for name, p in networks.named_parameters()}
"""


def test_two_processes_learn_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gradients of both networks, after a critic step and a generator step."""
    (tmp_path / "two_steps.py").write_text(_STEPS)
    (tmp_path / "fit.py").write_text(_TWO)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    files = [str(tmp_path / "fit.py"), str(tmp_path), str(tmp_path / "found.safetensors")]
    done = subprocess.run(
        [sys.executable, *launch, *files], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    monkeypatch.syspath_prepend(str(tmp_path))
    alone = importlib.import_module("two_steps").gradients(tmp_path)
    together = load_file(tmp_path / "found.safetensors")
    assert set(alone) == set(together)
    for name, value in alone.items():
        scale = float(value.abs().max())
        torch.testing.assert_close(together[name], value, rtol=2e-3, atol=1e-4 * scale)


@pytest.mark.parametrize(("size", "attention"), [(24, False), (16, False), (16, True)])
def test_painting_a_face_depends_on_nothing_but_the_face_and_its_target(
    tmp_path: Path, size: int, attention: bool
) -> None:
    faces = drawn()
    config = replace(TINY, size=size, attention=attention)
    synthesizer = fitted(tmp_path / "fit", config, faces)
    batch, targets = faces.batch(range(12)), faces.targets(4.0)
    whole = synthesizer.synthesize(batch, targets, torch.arange(12))
    assert whole.shape == batch.images.shape
    assert whole.dtype == torch.uint8
    assert torch.equal(whole, synthesizer.synthesize(batch, targets, torch.zeros(12)))
    require_painted_alone(synthesizer, faces)
    (tmp_path / "model").mkdir()
    synthesizer.save(tmp_path / "model")
    loaded = Ganimation(GanimationConfig(), Context())
    loaded.load(tmp_path / "model")
    assert loaded.aus == faces.aus
    assert torch.equal(whole, loaded.synthesize(batch, targets, torch.arange(12)))


def test_what_the_networks_cannot_hold_is_carried_over(tmp_path: Path) -> None:
    """A generator that copies gives back the face itself, finer than its own resolution."""
    faces = drawn()
    synthesizer = fitted(tmp_path, replace(TINY, size=16), faces)
    assert synthesizer.networks is not None

    class Copy(torch.nn.Module):
        def forward(self, images: Tensor, condition: Tensor) -> Painting:
            return Painting(images, None)

    synthesizer.networks["generator"] = Copy()
    batch = faces.batch(range(12))
    painted = synthesizer.synthesize(batch, faces.targets(3.0), torch.zeros(12))
    assert torch.equal(painted, batch.images)


@pytest.mark.parametrize("composition", ["difference", "motion"])
def test_by_changes_a_face_asked_for_what_it_shows_is_given_back(
    tmp_path: Path, composition: Any
) -> None:
    faces = drawn()
    synthesizer = fitted(tmp_path, replace(TINY, composition=composition), faces)
    batch = faces.batch(range(12))
    nothing = faces.targets(0.0, False)
    for labels in (batch.labels, nothing):  # as coded, and as the critic sees it
        known = replace(batch, labels=labels)
        for targets in (labels, nothing):
            assert torch.equal(
                synthesizer.synthesize(known, targets, torch.zeros(12)), batch.images
            )


def test_masked_targets_keep_what_the_face_shows(tmp_path: Path) -> None:
    faces = drawn()
    synthesizer = fitted(tmp_path, faces=faces)
    batch, levels = faces.batch(range(12)), faces.labels.values
    asked = torch.tensor([True, False, False, False])
    masked = faces.targets(torch.where(asked, 5.0, float("nan")), asked)
    spelled = faces.targets(torch.where(asked, 5.0, levels))
    seeds = torch.zeros(12)
    painted = synthesizer.synthesize(batch, masked, seeds)
    assert torch.equal(painted, synthesizer.synthesize(batch, spelled, seeds))
    # Without codes of the face, the critic's estimate stands in, and hidden numbers never do.
    unknown = Labels(faces.aus, torch.full((12, 4), 3.0), torch.zeros(12, 4, dtype=torch.bool))
    blind = synthesizer.synthesize(replace(batch, labels=unknown), masked, seeds)
    nothing = Labels((), torch.zeros(12, 0), torch.zeros(12, 0, dtype=torch.bool))
    assert torch.equal(blind, synthesizer.synthesize(replace(batch, labels=nothing), masked, seeds))
    assert synthesizer.networks is not None
    small = resized(batch.images.float() / 127.5 - 1, 16)
    seen = synthesizer.networks["critic"](small).intensity.detach().clamp(0, 1) * 5
    told = faces.targets(torch.where(asked, 5.0, seen))
    assert int((blind.int() - synthesizer.synthesize(batch, told, seeds).int()).abs().max()) <= 1


def test_uncoded_aus_change_nothing_in_a_fit(tmp_path: Path) -> None:
    results = []
    for hidden in (0.0, 5.0):
        faces = drawn(uncoded=0.3)
        faces.labels.values[~faces.labels.mask] = hidden
        results.append(weights(fitted(tmp_path / str(hidden), faces=faces)))
    assert all(torch.equal(results[0][key], results[1][key]) for key in results[0])


def test_losses_are_those_of_the_configuration(tmp_path: Path) -> None:
    names = {"critic", "penalty", "expression of real", "adversarial", "expression", "cycle"}
    for name, config, extra in (
        ("plain", replace(TINY, l_ids=0.0, pairs=0.0), set()),
        ("ids", TINY, {"pairs"}),
        ("mask", replace(TINY, attention=True), {"pairs", "mask", "smooth", "mask mean"}),
        (
            "open",
            replace(TINY, l_idt=0.0, attention=True),
            {"pairs", "mask", "smooth", "mask mean"},
        ),
    ):
        fitted(tmp_path / name, config)
        lines = read_scalars(tmp_path / name / SCALARS)
        expected = names | extra | {"step"}
        assert set(lines[-1]) == (expected if config.l_idt else expected - {"cycle"})
        assert len(lines) == 3


def test_learning_rates_fall_linearly_at_the_end(tmp_path: Path) -> None:
    config = replace(TINY, epochs=4, decay_epochs=2, learning_rate=0.5)
    fit = Fit(config, drawn(), Session(tmp_path))
    assert fit.steps == 18
    rates = [learning_rate(config, 18, number) for number in range(18)]
    assert rates[:13] == [0.5] * 13
    assert rates[13:] == pytest.approx([0.5 * k / 6 for k in (5, 4, 3, 2, 1)])


def test_the_critic_improves_every_step_and_the_generator_now_and_then(tmp_path: Path) -> None:
    fit = Fit(replace(TINY, critic_steps=3), drawn(), Session(tmp_path))
    told = [set(fit.step(number)) for number in range(6)]
    assert ["cycle" in names for names in told] == [False, False, True, False, False, True]
    assert all("penalty" in names for names in told)
    assert int(fit.ema.updates) == 2


def test_previews_show_the_averaged_generator(tmp_path: Path) -> None:
    faces, shown = drawn(), []

    def preview(step: int, paint: Paint) -> None:
        shown.append((step, paint(faces.batch(range(12)), faces.targets(3.0))))

    synthesizer = Ganimation(TINY, Context())
    synthesizer.fit(faces, Session(tmp_path, seed=3, preview=preview))
    assert [step for step, _ in shown] == [1, 3, 5]
    last = synthesizer.synthesize(faces.batch(range(12)), faces.targets(3.0), torch.zeros(12))
    assert torch.equal(shown[-1][1], last)
    assert not torch.equal(shown[0][1], last)


def test_a_saturated_mask_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fit = Fit(replace(TINY, attention=True), drawn(), Session(tmp_path))
    for mean, words in ((SATURATED[1] + 0.01, "copies"), (0.5, ""), (0.01, "ignores")):
        caplog.clear()
        fit._keep = torch.tensor(mean)
        with caplog.at_level(logging.WARNING):
            fit._warn_of_saturation()
        assert (words in caplog.text) if words else not caplog.text


def test_both_networks_learn(tmp_path: Path) -> None:
    """Drawn faces of two people: pairs and cycles close, and the critic reads the AU."""
    faces = DrawnFaces(24, people=2, aus=("AU25",), size=16, seed=1)
    config = replace(
        TINY, width=8, critic_width=8, epochs=14, decay_epochs=6, batch=4, critic_steps=1,
        learning_rate=2e-3, l_ids=100.0, pairs=1.0, flip=False, ticks=15,
    )  # fmt: skip
    fitted(tmp_path, config, faces)
    lines = read_scalars(tmp_path / SCALARS)
    for name in ("pairs", "cycle", "expression of real"):
        assert lines[-1][name] < 0.5 * lines[0][name], name


def test_faces_that_teach_nothing_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 training face"):
        fitted(tmp_path, faces=DrawnFaces(1, people=1, size=16))
    never = drawn()
    never.labels = Labels(never.aus, never.labels.values, never.labels.mask.clone())
    never.labels.mask[:, 1] = False
    with pytest.raises(DataError, match="AU04 is coded in no training face"):
        fitted(tmp_path, faces=never)
    constant = drawn()
    constant.labels = constant.targets(2.0)
    with pytest.raises(DataError, match="all 12 training faces have the same AU codes"):
        fitted(tmp_path, faces=constant)
    with pytest.raises(DataError, match="no person among the 3 training faces shows two"):
        fitted(tmp_path, faces=DrawnFaces(3, people=3, size=16))


def test_a_diverging_fit_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "aukit_ganimation.losses.cycle", lambda restored, source: restored.mean() * float("nan")
    )
    with pytest.raises(StageError, match="cycle is nan at step 1: the training diverged"):
        fitted(tmp_path)


@pytest.mark.parametrize("value", [5.5, -1.0, float("nan"), 9.0])
def test_targets_outside_of_the_scale_are_refused(tmp_path: Path, value: float) -> None:
    faces = drawn()
    synthesizer = Ganimation(TINY, Context())
    synthesizer.aus = faces.aus
    synthesizer.networks = torch.nn.ModuleDict()
    with pytest.raises(DataError, match=r"a target of AU01 is .*: its codes are 0\.\.5"):
        synthesizer.synthesize(faces.batch(range(12)), faces.targets(value), torch.zeros(12))


def test_other_aus_damaged_models_and_no_model_are_refused(tmp_path: Path) -> None:
    faces = drawn()
    batch: FaceBatch = faces.batch([0])
    fresh = Ganimation(TINY, Context())
    other = Labels(("AU12", "AU45"), torch.ones(1, 2), torch.ones(1, 2, dtype=torch.bool))
    with pytest.raises(DataError, match="not been fitted or loaded"):
        fresh.synthesize(batch, other, torch.zeros(1))
    with pytest.raises(DataError, match="not been fitted or loaded"):
        fresh.save(tmp_path)
    synthesizer = fitted(tmp_path / "fit", faces=faces)
    with pytest.raises(DataError, match="cannot synthesize AU45: it knows AU01, AU04, AU12, AU25"):
        synthesizer.synthesize(batch, other, torch.zeros(1))
    model = tmp_path / "model"
    model.mkdir()
    synthesizer.save(model)
    card = (model / "card.json").read_text()
    (model / "card.json").write_text(card.replace('"width": 4', '"width": 8'))
    with pytest.raises(DataError, match="does not hold the networks described by its card"):
        fresh.load(model)
    (model / "card.json").write_text(card)
    file = model / "model.safetensors"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(DataError, match="cannot be read"):
        fresh.load(model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 30}, "size"),
        ({"size": 32, "depth": 6}, "size"),
        ({"batch": 0}, "batch"),
        ({"l_gp": -1.0}, "l_gp"),
        ({"epochs": 0, "decay_epochs": 0}, "epochs"),
        ({"l_ids": 1.0}, "pairs"),
        ({"pairs": 1.1}, "pairs"),
        ({"ema": 1.0}, "ema"),
        ({"learning_rate": 0.0}, "learning_rate"),
    ],
)
def test_impossible_options_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(GanimationConfig(), **change)  # type: ignore[arg-type]


def test_it_reads_faces_as_its_critic_does(tmp_path: Path) -> None:
    faces = drawn(40)
    synthesizer = fitted(tmp_path, replace(TINY, epochs=2), faces)
    assert isinstance(synthesizer, ReadsFaces)
    batch = faces.batch(range(40))
    read = synthesizer.read(batch)
    assert synthesizer.networks is not None
    small = resized(batch.images.float() / 127.5 - 1, TINY.size)
    with torch.no_grad():
        expected = 5 * synthesizer.networks["critic"](small).intensity.clamp(0, 1)
    torch.testing.assert_close(read, expected, atol=1e-4, rtol=1e-4)
    assert read.std() > 0
