"""Fits, pictures, models: exact copies outside of regions, exact resume, two processes as one."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torchvision.models import vgg16

from aukit.contracts.context import Context
from aukit.contracts.labels import Labels
from aukit.contracts.session import Paint, Session
from aukit.contracts.synthesizer import HasRegions, ReadsFaces
from aukit.errors import ConfigError, DataError, MissingWeights, StageError
from aukit.store.models import load_card
from aukit.testing.drawn import DrawnFaces
from aukit.testing.fits import Kill, Killing, require_exact_resume
from aukit.testing.synthesizers import require_painted_alone
from aukit.training.checkpoints import CHECKPOINT
from aukit.training.loop import SCALARS, read_scalars
from aukit_lacgan.features import Edges
from aukit_lacgan.fit import Fit, betas_of, refuse_constant
from aukit_lacgan.plugin import PUBLISHED, QUICK, LacganConfig
from aukit_lacgan.regions import Regions
from aukit_lacgan.synthesizer import Lacgan

TINY = replace(
    LacganConfig(**QUICK),
    size=16, width=2, latent=4, batch=4, epochs=1, decay_epochs=1, ticks=3, partners="person",
)  # fmt: skip
PAPER = replace(
    LacganConfig(**{name: published.value for name, published in PUBLISHED.items()}),
    size=16, width=2, latent=4, batch=4, epochs=2, ticks=3, features="edges", labels="intensity",
    inner=0.6, slope=1.25, reach=1.4, repaint_all=False, ema=0.999,
)  # fmt: skip
"""The paper's losses and composition, in regions that pictures so small can hold."""
SHADED = replace(TINY, composition="difference", detail=1)
HIDDEN = 5.0


def drawn(count: int = 12, uncoded: float = 0.0, size: int = 24) -> DrawnFaces:
    return DrawnFaces(count, people=3, size=size, uncoded=uncoded)


def fitted(folder: Path, config: LacganConfig = TINY, faces: DrawnFaces | None = None) -> Lacgan:
    folder.mkdir(exist_ok=True)
    synthesizer = Lacgan(config, Context())
    synthesizer.fit(faces or drawn(), Session(folder, seed=3))
    return synthesizer


def weights(synthesizer: Lacgan) -> dict[str, Tensor]:
    assert synthesizer.networks is not None
    return {key: value.clone() for key, value in synthesizer.networks.state_dict().items()}


@pytest.mark.parametrize("config", [TINY, PAPER, SHADED, replace(TINY, size=24)], ids=str)
def test_outside_of_changed_regions_every_byte_is_the_faces(
    tmp_path: Path, config: LacganConfig
) -> None:
    faces = drawn()
    synthesizer = fitted(tmp_path, config, faces)
    batch = faces.batch(range(12))
    asked = torch.zeros(12, 4, dtype=torch.bool)
    asked[range(12), [row % 4 for row in range(12)]] = True
    values = (faces.labels.values + 3) % 6
    painted = synthesizer.synthesize(batch, faces.targets(values, asked), torch.zeros(12))
    regions = Regions(faces.aus, "paper", config.inner, config.slope, config.reach)
    inside = ((regions(batch.landmarks, 24) > 0) & asked[..., None, None]).any(1, keepdim=True)
    changed = painted != batch.images
    assert not bool((changed & ~inside).any())
    assert 0.1 < float(inside.float().mean()) < 0.7
    assert bool(changed.flatten(1).any(1).all())


def test_what_the_face_shows_already_is_returned_as_it_is(tmp_path: Path) -> None:
    faces = drawn()
    batch, seeds = faces.batch(range(12)), torch.zeros(12)
    synthesizer = fitted(tmp_path / "fit", PAPER, faces)
    same = synthesizer.synthesize(batch, faces.labels, seeds)
    assert torch.equal(same, batch.images)
    nothing = synthesizer.synthesize(batch, faces.targets(HIDDEN, False), seeds)
    assert torch.equal(nothing, batch.images)
    literal = fitted(tmp_path / "all", replace(PAPER, repaint_all=True), faces)
    assert not torch.equal(literal.synthesize(batch, faces.labels, seeds), batch.images)


def test_presence_labels_change_only_where_presence_changes(tmp_path: Path) -> None:
    faces = drawn()
    config = replace(PAPER, labels="presence", present=2.0)
    synthesizer = fitted(tmp_path, config, faces)
    batch, seeds = faces.batch(range(12)), torch.zeros(12)
    present = faces.labels.values >= 2
    alike = faces.targets(torch.where(present, 4.0, 1.0))
    assert torch.equal(synthesizer.synthesize(batch, alike, seeds), batch.images)
    other = faces.targets(torch.where(present, 1.0, 4.0))
    assert not torch.equal(synthesizer.synthesize(batch, other, seeds), batch.images)


@pytest.mark.parametrize("config", [TINY, PAPER], ids=["quick", "paper"])
def test_a_killed_fit_ends_bit_for_bit_as_an_uninterrupted_one(
    tmp_path: Path, config: LacganConfig
) -> None:
    faces = drawn(uncoded=0.2)

    def fit(session: Session) -> dict[str, Tensor]:
        synthesizer = Lacgan(config, Context())
        synthesizer.fit(faces, session)
        return weights(synthesizer)

    require_exact_resume(fit, tmp_path, kills=(3, 5, 6))


_TWO = """
import sys
from pathlib import Path
from aukit.contracts.context import Context
from aukit.testing.drawn import DrawnFaces
from aukit.training.loop import Session, rank
from aukit_lacgan.plugin import LacganConfig
from aukit_lacgan.synthesizer import Lacgan
config = LacganConfig(
    size=16, width=2, latent=4, batch=6, epochs=3, decay_epochs=1, l_ids=5.0, noise=0.1,
    pairs=0.5, partners="person", candidates=1, composition="replace",
)
folder = Path(sys.argv[1]); folder.mkdir(exist_ok=True)
synthesizer = Lacgan(config, Context())
synthesizer.fit(DrawnFaces(12, people=3, size=16, uncoded=0.2), Session(folder, seed=3))
if rank() == 0:
    synthesizer.save(folder)
"""


def test_two_processes_learn_as_one(tmp_path: Path) -> None:
    script = tmp_path / "fit.py"
    script.write_text(_TWO)
    results = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        call = [sys.executable, *(launch if processes > 1 else []), str(script), str(folder)]
        done = subprocess.run(call, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
        results.append(load_file(folder / "model.safetensors"))
    for key, value in results[0].items():
        torch.testing.assert_close(results[1][key], value, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("config", [TINY, PAPER, SHADED, replace(TINY, size=24)], ids=str)
def test_painting_a_face_depends_on_nothing_but_the_face_and_its_target(
    tmp_path: Path, config: LacganConfig
) -> None:
    faces = drawn()
    synthesizer = fitted(tmp_path / "fit", config, faces)
    batch, targets = faces.batch(range(12)), faces.targets(4.0)
    whole = synthesizer.synthesize(batch, targets, torch.arange(12))
    assert whole.dtype == torch.uint8
    assert whole.shape == batch.images.shape
    require_painted_alone(synthesizer, faces)
    (tmp_path / "model").mkdir()
    synthesizer.save(tmp_path / "model")
    loaded = Lacgan(LacganConfig(), Context())
    loaded.load(tmp_path / "model")
    assert loaded.config == config
    assert torch.equal(whole, loaded.synthesize(batch, targets, torch.arange(12)))
    assert load_card(tmp_path / "model")["identity loss"] == "edges"


def test_faces_without_codes_are_read_by_the_regressions(tmp_path: Path) -> None:
    faces = drawn()
    synthesizer = fitted(tmp_path, faces=faces)
    batch, seeds = faces.batch(range(12)), torch.zeros(12)
    asked = torch.tensor([True, False, False, False])
    targets = faces.targets(torch.where(asked, 5.0, float("nan")), asked)
    unknown = replace(batch, labels=faces.targets(HIDDEN, False))
    nothing = Labels((), torch.zeros(12, 0), torch.zeros(12, 0, dtype=torch.bool))
    blind = synthesizer.synthesize(unknown, targets, seeds)
    assert torch.equal(
        blind, synthesizer.synthesize(replace(batch, labels=nothing), targets, seeds)
    )
    # What is not asked for stays, whatever the regressions see in it.
    regions = Regions(faces.aus, "paper", TINY.inner, TINY.slope, TINY.reach)
    inside = regions(batch.landmarks, 24)[:, :1] > 0
    assert not bool(((blind != batch.images) & ~inside).any())


def test_uncoded_aus_change_nothing_in_a_fit(tmp_path: Path) -> None:
    for name, config in (("quick", TINY), ("paper", PAPER)):
        results = []
        for hidden in (0.0, HIDDEN):
            faces = drawn(uncoded=0.3)
            faces.labels.values[~faces.labels.mask] = hidden
            results.append(weights(fitted(tmp_path / f"{name}{hidden}", config, faces)))
        assert all(torch.equal(results[0][key], results[1][key]) for key in results[0])


def test_losses_are_those_of_the_paper_and_the_pair_loss_if_asked(tmp_path: Path) -> None:
    names = {"critic z", "critic AU", "label of real", "critic"}
    names |= {"pixel", "z", "AU", "label", "adversarial", "identity", "smooth"}
    for name, config, extra in (("paper", PAPER, set()), ("quick", TINY, {"pairs"})):
        fitted(tmp_path / name, config)
        lines = read_scalars(tmp_path / name / SCALARS)
        assert set(lines[-1]) == names | extra | {"step"}
        assert len(lines) == 3


def test_pairs_are_compared_on_larger_pictures_than_the_networks_see(tmp_path: Path) -> None:
    features = Edges()
    scenes = [
        Fit(replace(TINY, detail=detail), drawn(), Session(tmp_path, seed=3), features).scene(0)
        for detail in (1, 3)
    ]
    for detail, scene in zip((1, 3), scenes, strict=True):
        assert scene.batch.truth is not None
        assert (
            scene.batch.source.shape == scene.batch.truth.shape == (4, 3, 16 * detail, 16 * detail)
        )
        assert scene.source.shape == (4, 3, 16, 16)
    # The networks' regions lie where they lay, up to the rounding of positions.
    torch.testing.assert_close(scenes[1].attention, scenes[0].attention, atol=1e-3, rtol=0)
    torch.testing.assert_close(scenes[1].source, scenes[0].source, atol=0.2, rtol=0)


def test_the_papers_weights_are_those_of_the_preset_paper() -> None:
    config = LacganConfig(**{name: published.value for name, published in PUBLISHED.items()})
    assert (config.l_z, config.l_local, config.l_identity) == (0.01, 0.1, 1.0)
    assert (config.l_smooth, config.l_au, config.beta) == (0.001, 10.0, 1.0)
    assert (config.learning_rate, config.size, config.latent) == (2e-4, 200, 60)
    assert (config.l_ids, config.composition) == (0.0, "replace")


def test_every_weight_matters(tmp_path: Path) -> None:
    """A lambda that nothing obeys would leave the generators as they are."""
    plain = weights(fitted(tmp_path / "plain", replace(PAPER, l_ids=1.0, pairs=0.5)))
    for name in ("l_z", "l_local", "l_identity", "l_smooth", "l_au", "l_global", "beta", "l_ids"):
        base = replace(PAPER, l_ids=1.0, pairs=0.5)
        heavier = replace(base, **{name: 30 * getattr(base, name)})
        other = weights(fitted(tmp_path / name, heavier))
        assert any(
            not torch.equal(plain[key], other[key]) for key in plain if "generators" in key
        ), name


def test_previews_show_the_averaged_generators_and_do_not_disturb_the_fit(tmp_path: Path) -> None:
    faces, shown = drawn(), []

    def preview(step: int, paint: Paint) -> None:
        shown.append((step, paint(faces.batch(range(12)), faces.targets(3.0))))

    synthesizer = Lacgan(TINY, Context())
    synthesizer.fit(faces, Session(tmp_path, seed=3, preview=preview))
    assert [step for step, _ in shown] == [1, 3, 5]
    last = synthesizer.synthesize(faces.batch(range(12)), faces.targets(3.0), torch.zeros(12))
    assert torch.equal(shown[-1][1], last)
    unseen = weights(fitted(tmp_path / "unseen", faces=faces))
    assert all(torch.equal(value, unseen[key]) for key, value in weights(synthesizer).items())


def test_an_expression_can_be_learned_in_its_region(tmp_path: Path) -> None:
    """Drawn faces of known people: painted ones come nearer to the truth than copies."""
    faces = DrawnFaces(48, people=4, aus=("AU25",), size=16, seed=1)
    config = replace(
        TINY, width=4, latent=8, epochs=30, decay_epochs=10, batch=8, learning_rate=3e-3,
        l_ids=100.0, beta=1.0, ema=0.9, flip=False, reach=2.5, inner=1.5, slope=1.0,
    )  # fmt: skip
    synthesizer = fitted(tmp_path, config, faces)
    batch = faces.batch(range(48))
    order = [(row + 4 * 3) % 48 for row in range(48)]  # another frame of the same person
    truth = faces.batch(order)
    painted = synthesizer.synthesize(batch, truth.labels, torch.zeros(48))
    far = (batch.images.float() - truth.images.float()).square().mean()
    near = (painted.float() - truth.images.float()).square().mean()
    assert float(near) < 0.7 * float(far)


def test_weights_of_the_identity_loss_are_used_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torch.manual_seed(0)
    state = {f"features.{k}": v for k, v in vgg16().features.state_dict().items()}
    save_file(state, tmp_path / "vgg.safetensors")
    context = Context(weights=lambda ref: tmp_path / ref)
    config = replace(PAPER, features="vgg.safetensors", epochs=1, size=32)
    synthesizer = Lacgan(config, context)
    with caplog.at_level(logging.WARNING):
        synthesizer.fit(drawn(4), Session(tmp_path, seed=1))
        assert "identity" not in caplog.text
        assert synthesizer.card()["identity loss"] == "VGG16 of ImageNet"
        fitted(tmp_path / "plain", PAPER)
        assert "no VGG-Face weights given" in caplog.text
    with pytest.raises(MissingWeights):
        Lacgan(config, Context()).fit(drawn(4), Session(tmp_path, seed=1))


def test_faces_that_teach_nothing_and_aus_without_region_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 training face"):
        fitted(tmp_path, faces=DrawnFaces(1, people=1, size=16))
    never = drawn()
    never.labels = Labels(never.aus, never.labels.values, never.labels.mask.clone())
    never.labels.mask[:, 1] = False
    with pytest.raises(DataError, match="AU04 is coded in no training face"):
        fitted(tmp_path, faces=never)
    with pytest.raises(DataError, match="no person among the 3 training faces shows two"):
        fitted(tmp_path, faces=DrawnFaces(3, people=3, size=16))
    constant = drawn()
    constant.labels = constant.targets(2.0)
    with pytest.raises(DataError, match="all 12 training faces have the same AU codes"):
        fitted(tmp_path, faces=constant)
    with pytest.raises(ConfigError, match="centres of 'eacnet' do not have AU25"):
        fitted(tmp_path, replace(TINY, centres="eacnet"))


def test_a_diverging_fit_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "aukit_lacgan.losses.smoothness", lambda images: images.mean() * float("nan")
    )
    for config in (TINY, PAPER):
        with pytest.raises(StageError, match="smooth is nan at step 0: the training diverged"):
            fitted(tmp_path, config)
    assert not list(tmp_path.glob("*.safetensors"))  # weights that are no numbers are not kept


def test_a_checkpoint_cut_in_half_is_named(tmp_path: Path) -> None:
    config = replace(TINY, epochs=2)
    with pytest.raises(Kill):
        Lacgan(config, Context()).fit(
            drawn(), Session(tmp_path, seed=3, checkpoint_every=0.0, progress=Killing(3))
        )
    file = tmp_path / CHECKPOINT
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(DataError, match="cannot continue from checkpoint"):
        fitted(tmp_path, config)


def test_models_of_others_and_impossible_targets_are_refused(tmp_path: Path) -> None:
    faces = drawn()
    synthesizer = fitted(tmp_path / "fit", faces=faces)
    batch = faces.batch(range(12))
    for value in (9.0, -1.0, float("nan")):
        with pytest.raises(DataError, match=r"a target of AU01 is .*: its codes are 0\.\.5"):
            synthesizer.synthesize(batch, faces.targets(value), torch.zeros(12))
    other = Labels(("AU45",), torch.ones(12, 1), torch.ones(12, 1, dtype=torch.bool))
    with pytest.raises(DataError, match="cannot synthesize AU45: it knows AU01, AU04, AU12, AU25"):
        synthesizer.synthesize(batch, other, torch.zeros(12))
    model = tmp_path / "model"
    model.mkdir()
    synthesizer.save(model)
    card = (model / "card.json").read_text()
    (model / "card.json").write_text(card.replace('"width": 2', '"width": 3'))
    with pytest.raises(DataError, match="does not hold the networks described by its card"):
        Lacgan(TINY, Context()).load(model)
    (model / "card.json").write_text(card)
    file = model / "model.safetensors"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(DataError, match="cannot be read"):
        Lacgan(TINY, Context()).load(model)


def test_faces_whose_points_nobody_knows_are_refused(tmp_path: Path) -> None:
    faces = drawn()
    synthesizer = fitted(tmp_path, faces=faces)
    batch = faces.batch(range(12))
    points = batch.landmarks.clone()
    points[3, 40] = torch.nan
    with pytest.raises(DataError, match=rf"^{re.escape(batch.ids[3])}: .* are unknown"):
        synthesizer.synthesize(
            replace(batch, landmarks=points), faces.targets(3.0), torch.zeros(12)
        )


def test_nothing_can_be_painted_or_saved_before_a_fit(tmp_path: Path) -> None:
    faces = drawn()
    fresh = Lacgan(TINY, Context())
    with pytest.raises(DataError, match="not been fitted or loaded"):
        fresh.synthesize(faces.batch([0]), faces.labels, torch.zeros(1))
    with pytest.raises(DataError, match="not been fitted or loaded"):
        fresh.save(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 7}, "size"), ({"latent": 5}, "latent"), ({"reach": 0.0}, "reach"),
        ({"l_au": -1.0}, "l_au"), ({"present": 6.0}, "present"), ({"width": 0}, "width"),
        ({"batch": 0}, "batch"), ({"l_ids": -1.0}, "l_ids"), ({"pairs": 0.0}, "pairs"),
        ({"slope": float("nan")}, "slope"), ({"detail": 0}, "detail"),
    ],
)  # fmt: skip
def test_impossible_options_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(LacganConfig(), **change)  # type: ignore[arg-type]


def test_codes_of_presence_that_all_mean_absent_are_refused(tmp_path: Path) -> None:
    faces = drawn()
    codes = replace(faces.labels, values=(faces.labels.values > 0).float())
    config = replace(TINY, labels="presence")
    with pytest.raises(DataError, match="codes reach 1, and 2 counts as present") as caught:
        refuse_constant(codes, config)
    assert "--synth.present" in str(caught.value)
    refuse_constant(codes, replace(config, present=1.0))
    refuse_constant(codes, TINY)


def test_each_au_can_have_a_beta_of_its_own() -> None:
    config = replace(TINY, beta=0.5, betas=("AU12=2", "4=0.25"))
    weights = betas_of(config, ("AU01", "AU04", "AU12"), "cpu")
    assert weights is not None
    torch.testing.assert_close(config.beta * weights, torch.tensor([0.5, 0.25, 2.0]))
    assert betas_of(TINY, ("AU01",), "cpu") is None
    with pytest.raises(ConfigError, match="AU04"):
        betas_of(config, ("AU01", "AU12"), "cpu")
    for wrong in ("AU12", "AU12=x", "AU12=-1", "AU99=1"):
        with pytest.raises(ValueError, match="betas"):
            replace(TINY, betas=(wrong,))


def test_it_reads_faces_as_its_regressions_do(tmp_path: Path) -> None:
    faces = drawn(40, size=TINY.size)
    synthesizer = fitted(tmp_path, TINY, faces)
    assert isinstance(synthesizer, ReadsFaces)
    assert isinstance(synthesizer, HasRegions)
    batch = faces.batch(range(40))
    attention = synthesizer.regions(batch)
    assert attention.shape == (40, len(faces.aus), TINY.size, TINY.size)
    assert synthesizer.networks is not None
    cut_out = attention[:, :, None] * (batch.images.float() / 127.5 - 1)[:, None]
    with torch.no_grad():
        seen = synthesizer.networks["local"].read(cut_out)
    expected = 5 * ((seen + 1) / 2).clamp(0, 1)
    torch.testing.assert_close(synthesizer.read(batch), expected, atol=1e-4, rtol=1e-4)
