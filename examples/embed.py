"""aukit inside another program: each component alone on batches, then a whole run.

python examples/embed.py [OUTPUT_FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow.compute as pc
import torch

from aukit import api
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.data.records import labels_of, person_keys

TINY_GAN = {
    "synth": "ganimation",
    "synth.size": 32,
    "synth.width": 8,
    "synth.blocks": 1,
    "synth.critic_width": 8,
    "synth.depth": 3,
    "synth.batch": 4,
    "synth.epochs": 1,
    "synth.decay_epochs": 0,
    "card": 0,
}
"""Too small to be good at anything, and done in seconds."""

SMALL = {"data.train": 2, "data.valid": 1, "data.test": 2, "data.frames": 3, "data.size": 64}


def components_alone() -> FaceBatch:
    """Render people, register them, and ask an estimator: no pipeline, no files."""
    avatars = api.build("data", "avatars", preset="quick", size=96)
    index = avatars.index()
    people = index.filter(pc.equal(index.column("partition"), "test")).slice(0, 8)
    frames = next(iter(avatars.read(people)))
    print(f"rendered {len(frames.images)} pictures of {tuple(frames.images[0].shape)}")

    aligner = api.build("aligner", "2d", size=64)
    aligned = aligner.align(frames.images, frames.faces)
    print(f"registered {tuple(aligned.images.shape)}, dropped {sum(map(bool, aligned.reasons))}")

    # The true picture of the same people with another expression.
    wanted = labels_of(frames.rows, ("AU12",))
    wanted.values.fill_(5.0)
    smiling = avatars.render(frames.rows, wanted)
    change = (smiling.images[0].float() - frames.images[0].float()).abs().mean()
    print(f"AU12 = 5 changes the first picture by {change:.1f} grey levels on average")

    metric = api.build("metric", "intensity")
    truth = labels_of(frames.rows, ("AU06", "AU12"))
    terms = metric.terms(truth.values.double(), truth.values.double(), truth.mask)
    print(f"scores of the truth itself: {metric.value(terms.sum(0))['mae'].tolist()}")
    return FaceBatch(
        ids=tuple(frames.rows.column("id").to_pylist()),
        subjects=tuple(person_keys(frames.rows)),
        images=aligned.images,
        labels=truth,
        landmarks=aligned.landmarks,
    )


def whole_run(output: Path) -> Path:
    """What `aukit run` does, in one call."""
    outcome = api.run(
        {
            "preset": "quick",
            **SMALL,
            "aligner.size": 64,
            "aus": "6,12",
            **TINY_GAN,
            "balancer": "resample",
            "balancer.per_level": 10,
            "estimator": "vgg16",
            "estimator.epochs": 1,
            "estimator.width": 0.125,
        },
        output=output,
    )
    print(f"mean ICC {outcome.scores['mean']['icc']['value']}, report at {outcome.report}")
    return outcome.folder


def use_what_the_run_trained(run: Path, faces: FaceBatch) -> None:
    """Load the estimator of a run and predict a batch."""
    estimator = api.load("estimator", run)
    prediction = estimator.predict(faces)
    print(f"estimated {estimator.aus}: {prediction.intensity[0].tolist()}")


def paint_with_what_the_run_trained(run: Path, faces: FaceBatch) -> None:
    """Load the synthesizer of a run and paint a batch; what is not asked for stays as it is."""
    synthesizer = api.load("synth", run)
    count = len(faces)
    smile = Labels(("AU12",), torch.full((count, 1), 4.0), torch.ones((count, 1), dtype=torch.bool))
    painted = synthesizer.synthesize(faces, smile, torch.arange(count))
    print(f"painted {tuple(painted.shape)} with AU12 = 4")


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs")
    made, some_faces = whole_run(folder), components_alone()
    use_what_the_run_trained(made, some_faces)
    paint_with_what_the_run_trained(made, some_faces)
