"""Judge the avatars with a landmarker that never saw them.

    python -m aukit_avatars.scripts.benchmark --weights face_landmarker.task -o judged

Every person shows every AU alone at the levels 0 to 5. MediaPipe has to find the faces, and its
blendshapes, each person's neutral subtracted, have to rank the levels (Spearman). Nothing here was
fitted to anything of the avatars. Faces behind a hand or a mask are not judged: nobody can see
what they do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68, Faces, Landmarker
from aukit.registry.loading import default_registry
from aukit.views import FRONTAL, View, view_name
from aukit_avatars.actions import AUS
from aukit_avatars.individuals import Individuals
from aukit_avatars.people import Person, sample_person
from aukit_avatars.studio import Studio, Truth
from aukit_mediapipe.plugin import BLENDSHAPE_NAMES

TURNED: tuple[View, ...] = ((0.0, -40.0), (0.0, 40.0))
LEVELS = 6

# The blendshapes that mean the same motion; both sides are averaged.
MATCHES: dict[str, tuple[str, ...]] = {
    "AU01": ("browInnerUp",),
    "AU02": ("browOuterUpLeft", "browOuterUpRight"),
    "AU04": ("browDownLeft", "browDownRight"),
    "AU05": ("eyeWideLeft", "eyeWideRight"),
    "AU06": ("cheekSquintLeft", "cheekSquintRight"),
    "AU07": ("eyeSquintLeft", "eyeSquintRight"),
    "AU09": ("noseSneerLeft", "noseSneerRight"),
    "AU10": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "AU12": ("mouthSmileLeft", "mouthSmileRight"),
    "AU14": ("mouthDimpleLeft", "mouthDimpleRight"),
    "AU15": ("mouthFrownLeft", "mouthFrownRight"),
    "AU17": ("mouthShrugLower",),
    "AU20": ("mouthStretchLeft", "mouthStretchRight"),
    "AU23": ("mouthRollLower", "mouthRollUpper"),
    "AU24": ("mouthPressLeft", "mouthPressRight"),
    "AU25": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "AU26": ("jawOpen",),
    "AU28": ("mouthRollLower", "mouthRollUpper"),
    "AU43": ("eyeBlinkLeft", "eyeBlinkRight"),
    "AU45": ("eyeBlinkLeft", "eyeBlinkRight"),
}
# What the benchmark promises.
LEAST_RHO = {
    **dict.fromkeys(("AU01", "AU02", "AU12", "AU26", "AU45"), 0.8),
    **dict.fromkeys(("AU04", "AU10", "AU15", "AU17", "AU20"), 0.5),
}
LEAST_FOUND, LEAST_FOUND_TURNED = 0.99, 0.95
MOST_HIDDEN = 0.1
"""Share of a picture that glasses, hair, hands and masks may cover in pictures that are judged."""


@dataclass(frozen=True)
class Verdict:
    """What the judge found.

    Attributes:
        people: how many performed.
        pictures: how many frontal pictures.
        found: share of the frontal pictures with a face.
        found_turned: share of the turned pictures with a face, by view.
        rho: Spearman correlation of level and blendshape, by AU.
        response: mean rise of the blendshape from level 0 to 5, by AU.
        landmark_error: mean distance of true and found 68 points over the distance of the outer
            eye corners, neutral frontal faces.
        landmark_bias: mean of found minus true, x and y, in hundredths of that distance.
    """

    people: int
    pictures: int
    found: float
    found_turned: dict[str, float]
    rho: dict[str, float]
    response: dict[str, float]
    landmark_error: float
    landmark_bias: tuple[float, float]

    @property
    def failures(self) -> list[str]:
        """What falls short of the promises."""
        short = [
            f"{au}: rho {self.rho[au]:.2f} < {least}"
            for au, least in LEAST_RHO.items()
            if not self.rho[au] >= least
        ]
        if self.found < LEAST_FOUND:
            short.append(f"frontal faces found: {self.found:.3f} < {LEAST_FOUND}")
        return short + [
            f"faces found at {view}: {share:.3f} < {LEAST_FOUND_TURNED}"
            for view, share in self.found_turned.items()
            if share < LEAST_FOUND_TURNED
        ]

    def markdown(self) -> str:
        """The table for the documentation."""
        turned = ", ".join(f"{share:.1%} at {view}" for view, share in self.found_turned.items())
        lines = [
            f"{self.people} people, {self.pictures} frontal pictures. Faces found: "
            f"{self.found:.1%} frontal, {turned} (pitch,yaw). Landmarks of neutral faces: "
            f"{self.landmark_error:.1%} of the distance between the outer eye corners.",
            "",
            "| AU | blendshape | Spearman rho | rise 0 to 5 | promised |",
            "|---|---|---|---|---|",
        ]
        for au, shapes in MATCHES.items():
            promised = f"{LEAST_RHO[au]:.1f}" if au in LEAST_RHO else ""
            name = shapes[0].removesuffix("Left")
            lines.append(
                f"| {au} | {name} | {self.rho[au]:.2f} | {self.response[au]:+.3f} | {promised} |"
            )
        return "\n".join(lines) + "\n"


def judge(studio: Studio, landmarker: Landmarker, people: int, size: int) -> Verdict:
    """Let people perform and look at them through a landmarker.

    Args:
        studio: takes the pictures.
        landmarker: brings MediaPipe's measure `blendshapes` and the 68 points.
        people: how many, at least 2.
        size: side of the pictures in pixels.
    """
    cast = [sample_person(studio.head, 0, f"judge/{n}", n % 2 == 0) for n in range(people)]
    frontal = [
        _sweep(landmarker, studio.portrait(person, _levels(), FRONTAL, size, n))
        for n, person in enumerate(cast)
    ]
    shapes = np.stack([_blendshapes(sweep.faces) for sweep in frontal])
    matched = {au: _column(shapes, au, row) for row, au in enumerate(AUS)}
    errors, biases = zip(*(_errors(sweep) for sweep in frontal), strict=True)
    found = [len(face) > 0 for sweep in frontal for face in sweep.faces if face is not None]
    return Verdict(
        people=people,
        pictures=len(found),
        found=float(np.mean(found)),
        found_turned={view_name(v): _found(studio, landmarker, cast, v, size) for v in TURNED},
        rho={au: _rho(values) for au, values in matched.items()},
        response={au: float(np.nanmean(values[:, -1])) for au, values in matched.items()},
        landmark_error=float(np.nanmean(errors)),
        landmark_bias=tuple((100 * np.nanmean(biases, 0)).tolist()),
    )


@dataclass(frozen=True)
class _Sweep:
    """One person's pictures: neutral, then each AU at levels 1..5."""

    faces: list[Faces | None]
    landmarks: Tensor


def _levels() -> Tensor:
    """(1 + AUs * 5, AUs): neutral, then every AU alone at every level."""
    levels = torch.zeros(1 + len(AUS) * (LEVELS - 1), len(AUS))
    for row in range(len(AUS) * (LEVELS - 1)):
        levels[row + 1, row // (LEVELS - 1)] = row % (LEVELS - 1) + 1
    return levels


def _sweep(landmarker: Landmarker, truth: Truth) -> _Sweep:
    return _Sweep(_judged(landmarker, truth), truth.landmarks[0].cpu())


def _judged(landmarker: Landmarker, truth: Truth) -> list[Faces | None]:
    """The faces found in each picture; None where too much of it is hidden."""
    faces = landmarker.detect(list(truth.images.cpu()))
    hidden = truth.props.flatten(1).mean(1) > MOST_HIDDEN
    return [None if away else face for face, away in zip(faces, hidden.tolist(), strict=True)]


def _blendshapes(faces: Sequence[Faces | None]) -> np.ndarray:
    """(pictures, 52), NaN where no face was found, or none was judged."""
    missing = np.full(len(BLENDSHAPE_NAMES), np.nan)
    return np.stack([f.measures["blendshapes"][0].numpy() if f else missing for f in faces])


def _column(shapes: np.ndarray, au: str, row: int) -> np.ndarray:
    """(people, 5): the matching blendshape at levels 1 to 5, the neutral subtracted."""
    values = shapes[..., [BLENDSHAPE_NAMES.index(name) for name in MATCHES[au]]].mean(-1)
    first = 1 + row * (LEVELS - 1)
    sweep: np.ndarray = values[:, first : first + LEVELS - 1] - values[:, :1]
    return sweep


def _rho(values: np.ndarray) -> float:
    """Spearman's rho over levels 0 to 5; level 0 is the neutral itself, so its rise is 0."""
    values = np.pad(values, ((0, 0), (1, 0)))
    levels = np.broadcast_to(np.arange(LEVELS), values.shape)
    seen = ~np.isnan(values)
    return float(spearmanr(levels[seen], values[seen]).statistic)


def _errors(sweep: _Sweep) -> tuple[float, np.ndarray]:
    if not sweep.faces[0]:
        return np.nan, np.full(2, np.nan)
    found = sweep.faces[0].landmarks[IBUG68][0]
    scale = float((sweep.landmarks[36] - sweep.landmarks[45]).norm())
    offset = (found - sweep.landmarks) / scale
    return float(offset.norm(dim=-1).mean()), offset.mean(0).numpy()


def _found(
    studio: Studio, landmarker: Landmarker, cast: Sequence[Person], view: View, size: int
) -> float:
    """Share of found faces: every person neutral, and with every AU at its highest level."""
    levels = torch.cat([torch.zeros(1, len(AUS)), (LEVELS - 1) * torch.eye(len(AUS))])
    found = [
        len(face) > 0
        for scene, person in enumerate(cast)
        for face in _judged(landmarker, studio.portrait(person, levels, view, size, scene))
        if face is not None
    ]
    return float(np.mean(found))


@click.command()
@click.option("--weights", default="face-landmarker", help="MediaPipe's face_landmarker.task.")
@click.option("--people", default=30, help="How many perform.", type=click.IntRange(2))
@click.option("--size", default=192, help="Side of the pictures.", type=click.IntRange(32))
@click.option("--version", default="2", help="Of the avatars.", type=click.Choice(["1", "2"]))
@click.option("--device", default="cpu", help="Where to render.")
@click.option("-o", "--output", default="judged", type=click.Path(path_type=Path))
def main(weights: str, people: int, size: int, version: str, device: str, output: Path) -> None:
    """Write judge.json and judge.md; exit with 1 when a promise is broken."""
    registry = default_registry()
    component = registry.find("landmarker", "mediapipe")
    config = component.config(weights=weights)
    landmarker = component.load()(config, Context(weights=registry.resolve_weights))
    studio = Studio(device) if version == "1" else Individuals(device=device)
    verdict = judge(studio, landmarker, people, size)
    output.mkdir(parents=True, exist_ok=True)
    (output / "judge.json").write_text(json.dumps(asdict(verdict), indent=2) + "\n")
    (output / "judge.md").write_text(verdict.markdown())
    click.echo(verdict.markdown())
    if verdict.failures:
        raise click.ClickException("; ".join(verdict.failures))


if __name__ == "__main__":
    main()
