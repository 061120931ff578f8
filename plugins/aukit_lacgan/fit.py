"""The training of LAC-GAN."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from aukit.contracts.faces import FaceSource
from aukit.contracts.labels import Labels
from aukit.contracts.session import Paint, Session
from aukit.errors import ConfigError, DataError
from aukit.machine.processes import own_share
from aukit.seeds import seed_of
from aukit.synthesis.batches import (
    Batch,
    Batches,
    adam,
    descend,
    frozen,
    learning_rate,
    scaled,
    schedule,
)
from aukit.synthesis.losses import idiosyncratic
from aukit.training.averages import Ema
from aukit.training.loop import train
from aukit.training.recipe import Recipe
from aukit.vision.resize import resized
from aukit_lacgan import losses
from aukit_lacgan.features import Edges, Features, identity_error
from aukit_lacgan.networks import (
    COLOURS,
    MOVING,
    GlobalCritic,
    LatentCritics,
    LocalCritics,
    RegionGenerators,
)
from aukit_lacgan.painting import Painting, as_labels, cut, estimate, repaint
from aukit_lacgan.plugin import LacganConfig
from aukit_lacgan.regions import Regions

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scene:
    """The inputs of a step.

    Attributes:
        batch: the faces, larger by `detail` than the networks' pictures.
        source: (B, 3, S, S), the faces at the networks' size.
        attention: (B, A, S, S).
        shown, wanted: (B, A) labels in -1..1.
        prior: (B, A, Z) uniform in -1..1.
    """

    batch: Batch
    source: Tensor
    attention: Tensor
    shown: Tensor
    wanted: Tensor
    prior: Tensor


class Fit:
    """Fits region generators against their critics.

    Args:
        config: options.
        faces: training faces.
        session: where.
        features: of the identity loss.

    Raises:
        DataError: faces that nothing can be learned from, or whose labels are all the same.
        ConfigError: an AU whose region is unknown.
    """

    def __init__(
        self, config: LacganConfig, faces: FaceSource, session: Session, features: Features
    ) -> None:
        self.config, self.features = config, features
        self.session = replace(session, compile=config.compile)
        self.batches = Batches(faces, config, config.size * config.detail, session)
        refuse_constant(faces.labels, config)
        self.regions = regions_of(config, faces.aus).to(session.device)
        torch.manual_seed(seed_of(session.seed, "initialize"))
        aus, size, width = len(faces.aus), config.size, config.width
        generators = generators_of(config, aus)
        self.ema = Ema(generators, config.ema).to(session.device)
        self.generators = self.session.place(generators)
        self.latent = self.session.place(LatentCritics(aus, config.latent))
        self.local = LocalCritics(aus, size, width, config.latent, config.blur)
        self.session.place(self.local)
        self.whole = self.session.place(GlobalCritic(size, width))
        self.critics = nn.ModuleList([self.latent, self.local, self.whole])
        rate = config.learning_rate
        self.adams = {
            "generators": adam(self.generators, rate),
            "critics": adam(self.critics, rate),
        }
        self.betas = betas_of(config, faces.aus, session.device)
        self.steps = max(1, len(faces) * (config.epochs + config.decay_epochs) // config.batch)
        if isinstance(features, Edges) and config.l_identity:
            _log.warning(
                "no VGG-Face weights given: the identity loss compares edges at five scales, which "
                "preserves outlines but not identity; give --synth.features"
            )

    def run(self, paint: Paint) -> None:
        """Train to the end, with previews of the averaged generators."""

        def tick(number: int) -> dict[str, float]:
            self.session.show(number, paint)
            return {}

        recipe = Recipe(
            modules={"generators": self.generators, "critics": self.critics, "ema": self.ema},
            optimizers=self.adams,
            steps=self.steps,
            step=self.step,
            every=max(1, self.steps // self.config.ticks),
            on_tick=tick,
        )
        train("fit lacgan", recipe, self.session)

    def step(self, number: int) -> dict[str, Tensor]:
        """One step of all critics, and one of all generators on the same faces."""
        config = self.config
        schedule(self.adams, learning_rate(config, self.steps, number))
        scene = self.scene(number)
        with self.session.autocast():
            painting = repaint(
                self.generators,
                scene.source,
                scene.attention,
                scene.shown,
                scene.wanted,
                config,
                restore=True,
            )
        return self.improve_critics(scene, painting) | self.improve_generators(scene, painting)

    def scene(self, number: int) -> Scene:
        """The faces of a step; uncoded AUs are estimated by the AU regressions."""
        batch = self.batches(number)
        size = self.config.size
        source = resized(batch.source, size)
        landmarks = scaled(batch.landmarks, 1 / self.config.detail)
        attention = self.regions(landmarks, size)
        batch = batch.completed(lambda: estimate(self.local, source, attention))
        return Scene(
            batch=batch,
            source=source,
            attention=attention,
            shown=as_labels(batch.shown, self.config),
            wanted=as_labels(batch.wanted, self.config),
            prior=self._prior(number, batch.shown.shape[1]),
        )

    def _prior(self, number: int, aus: int) -> Tensor:
        """This process's share of a step's draw from U(-1, 1)."""
        generator = torch.Generator().manual_seed(seed_of(self.session.seed, "prior", number))
        config = self.config
        whole = 2 * torch.rand((config.batch, aus, config.latent), generator=generator) - 1
        return self.session.moved(whole[list(own_share(range(config.batch)))])

    def improve_critics(self, scene: Scene, painting: Painting) -> dict[str, Tensor]:
        """Minimise the critics' losses: eq. 3, 6, 7 and, on real regions, 8."""
        batch, everywhere = scene.batch, torch.ones_like(scene.batch.shown_mask)
        with self.session.autocast():
            prior, latent = (self.latent(z) for z in (scene.prior, painting.latent.detach()))
            given = self.local(cut(scene.source, scene.attention), scene.shown, "track")
            drawn = cut(painting.painted.detach(), scene.attention)
            made = self.local(drawn, scene.wanted, "batch")
            whole, composed = (self.whole(x) for x in (scene.source, painting.image.detach()))
        latent_loss = losses.real(prior.float()) + losses.fake(latent.float())
        error = (given.label.float() - scene.shown).square()
        local = losses.over_aus(losses.real(given.realism.float()), batch.shown_mask)
        local = local + losses.over_aus(losses.fake(made.realism.float()), batch.wanted_mask)
        found = {
            "critic z": (1.0, losses.over_aus(latent_loss, everywhere)),
            "critic AU": (1.0, local),
            "label of real": (self.config.l_au, losses.over_aus(error, batch.shown_mask)),
            "critic": (
                1.0,
                (losses.real(whole.float()) + losses.fake(composed.float())).mean(),
            ),
        }
        return descend(self.adams["critics"], self.critics, found)

    def improve_generators(self, scene: Scene, painting: Painting) -> dict[str, Tensor]:
        """Minimise the generators' share of eq. 9 and 10."""
        config, batch = self.config, scene.batch
        assert painting.restored is not None
        with frozen(self.critics), self.session.autocast():
            latent = self.latent(painting.latent).float()
            verdict = self.local(cut(painting.painted, scene.attention), scene.wanted, "batch")
            whole = self.whole(painting.image).float()
            identity = identity_error(self.features, painting.image, scene.source)
        pixel = losses.pixel(painting.restored, scene.source, scene.attention)
        error = (verdict.label.float() - scene.wanted).square()
        coded, each = batch.wanted_mask, self.betas
        beta, local = config.beta, config.beta * config.l_local
        found = {
            "pixel": (beta, losses.over_aus(pixel, batch.shown_mask, each)),
            "z": (
                beta * config.l_z,
                losses.over_aus(losses.real(latent), torch.ones_like(coded), each),
            ),
            "AU": (local, losses.over_aus(losses.real(verdict.realism.float()), coded, each)),
            "label": (local * config.l_au, losses.over_aus(error, coded, each)),
            "adversarial": (config.l_global, losses.real(whole).mean()),
            "identity": (config.l_identity, identity.float()),
            "smooth": (config.l_smooth, losses.smoothness(painting.image)),
        }
        if batch.truth is not None:
            pairs = idiosyncratic(painting.change.on(batch.source), batch.truth, batch.weight)
            found["pairs"] = (config.l_ids, pairs)
        told = descend(self.adams["generators"], self.generators, found)
        self.ema.update(self.generators)
        return told


def refuse_constant(labels: Labels, config: LacganConfig) -> None:
    """Refuse faces whose codes all become the same labels.

    Raises:
        DataError: they do, e.g. if all intensities are below `present`.
    """
    mapped = as_labels(labels.shares, config)
    known = [set(mapped[labels.mask[:, au], au].tolist()) for au in range(mapped.shape[1])]
    if all(len(values) < 2 for values in known):
        highest = float(torch.where(labels.mask, labels.values, 0.0).max())
        raise DataError(
            f"no AU has both labels in any two training faces: codes reach {highest:g}, and "
            f"{config.present:g} counts as present",
            "lower --synth.present; codes of presence must be read as occurrences",
        )


def regions_of(config: LacganConfig, aus: tuple[str, ...]) -> Regions:
    """The regions of some AUs as configured.

    Raises:
        ConfigError: the table lacks one.
    """
    return Regions(aus, config.centres, config.inner, config.slope, config.reach)


def betas_of(config: LacganConfig, aus: tuple[str, ...], device: str) -> Tensor | None:
    """beta_i over beta, (A,); None where all AUs weigh the same.

    Raises:
        ConfigError: a weight of an AU that is not learned.
    """
    if not config.betas:
        return None
    if unknown := set(config.beta_of) - set(aus):
        raise ConfigError(f"lacgan.betas weighs {min(unknown)}, which is not among the run's AUs")
    weights = [config.beta_of.get(au, config.beta) / config.beta for au in aus]
    return torch.tensor(weights, device=device)


def generators_of(config: LacganConfig, aus: int) -> RegionGenerators:
    """The generators of so many AUs as configured."""
    paints = MOVING if config.composition == "motion" else COLOURS
    return RegionGenerators(aus, config.size, config.width, config.latent, paints)
