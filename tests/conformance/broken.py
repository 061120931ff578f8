"""Components that break one promise each, and are otherwise correct."""

from __future__ import annotations

import itertools
import pickle
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import small
import torch
from small_options import Options
from torch import Tensor

from aukit.contracts.aligner import Aligned
from aukit.contracts.context import Context
from aukit.contracts.dataset import Frames
from aukit.contracts.estimator import Prediction, TrainingSet
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.labels import Labels
from aukit.contracts.landmarker import Faces
from aukit.testing import drawn


class WritesWhenBuilt(small.Metric):
    def __init__(self, config: Options, context: Context) -> None:
        super().__init__(config, context)
        with tempfile.NamedTemporaryFile("w") as litter:
            litter.write("built")


class CallsHomeWhenBuilt(small.Metric):
    def __init__(self, config: Options, context: Context) -> None:
        super().__init__(config, context)
        with socket.socket() as line:
            line.settimeout(0.1)
            line.connect_ex(("127.0.0.1", 9))


# -- metrics ------------------------------------------------------------------------------------


class ForgetsAScore(small.Metric):
    def value(self, sums: Tensor) -> Mapping[str, Tensor]:
        scores = dict(super().value(sums))
        scores.pop("f1")
        return scores


class CountsFrames(small.Metric):
    """Weighs frames by their position: not a sum over frames."""

    def terms(self, truth: Tensor, predicted: Tensor, mask: Tensor) -> Tensor:
        place = torch.arange(1, len(truth) + 1, dtype=torch.float64)
        return super().terms(truth, predicted, mask) * place[:, None, None]


class LooksUnderTheMask(small.Metric):
    def terms(self, truth: Tensor, predicted: Tensor, mask: Tensor) -> Tensor:
        return super().terms(truth, predicted, torch.ones_like(mask))


class UndefinedIsZero(small.Metric):
    def value(self, sums: Tensor) -> Mapping[str, Tensor]:
        return {name: score.nan_to_num() for name, score in super().value(sums).items()}


class LikesNoise(small.Metric):
    """Rewards a spread of one level."""

    def value(self, sums: Tensor) -> Mapping[str, Tensor]:
        scores = super().value(sums)
        return {**scores, "mae": (scores["mae"] - 0.7).abs()}


# -- executors ----------------------------------------------------------------------------------


class Disordered(small.Executor):
    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        results = list(super().map(function, items))
        yield from results[::-1]


class SwallowsErrors(small.Executor):
    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            try:
                yield function(item)
            except ValueError:
                continue


class TakesEverything(small.Executor):
    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        with ThreadPoolExecutor(1) as pool:
            yield from pool.map(function, items)


class HasNoRoom(small.Executor):
    def at_once(self) -> int:
        return 0


# -- balancers ----------------------------------------------------------------------------------


class _Plans(small.Balancer):
    def plan(
        self, labels: pa.Table, sources: pa.Table, aus: tuple[str, ...], seed: int
    ) -> pa.Table:
        return self.spoil(super().plan(labels, sources, aus, seed), labels)

    def spoil(self, plan: pa.Table, labels: pa.Table) -> pa.Table:
        raise NotImplementedError


def _set(table: pa.Table, name: str, values: Any) -> pa.Table:
    place = table.column_names.index(name)
    return table.set_column(place, table.schema.field(name), pa.array(values, table[name].type))


class InventsFrames(_Plans):
    def spoil(self, plan: pa.Table, labels: pa.Table) -> pa.Table:
        return _set(plan, "source", ["invented", *plan["source"].to_pylist()[1:]])


class ShiftsLevels(_Plans):
    def spoil(self, plan: pa.Table, labels: pa.Table) -> pa.Table:
        return _set(plan, "level", [5 - level for level in plan["level"].to_pylist()])


class AsksForNothing(_Plans):
    def spoil(self, plan: pa.Table, labels: pa.Table) -> pa.Table:
        for name in drawn.AUS:
            plan = _set(plan, name, [0.0] * plan.num_rows)
        return plan


class Forgetful(_Plans):
    calls = itertools.count()

    def spoil(self, plan: pa.Table, labels: pa.Table) -> pa.Table:
        return _set(plan, "count", [1 + next(self.calls) % 5] * plan.num_rows)


class AvoidsTheFirstRows(_Plans):
    def spoil(self, plan: pa.Table, labels: pa.Table) -> pa.Table:
        first = labels["id"].slice(0, 30)
        return plan.filter(pc.invert(pc.is_in(plan["source"], first.combine_chunks())))


class CountsUncoded(_Plans):
    def spoil(self, plan: pa.Table, labels: pa.Table) -> pa.Table:
        return _set(plan, "count", [labels.num_rows] * plan.num_rows)


# -- datasets -----------------------------------------------------------------------------------


class UntranslatedCode(small.Dataset):
    def index(self) -> pa.Table:
        index = super().index()
        return _set(index, "AU12", [9.0, *index["AU12"].to_pylist()[1:]])


class DoubledIds(small.Dataset):
    def index(self) -> pa.Table:
        index = super().index()
        return _set(index, "id", ["same"] * index.num_rows)


class RenamesFrames(small.Dataset):
    calls = itertools.count()

    def index(self) -> pa.Table:
        index = super().index()
        again = next(self.calls)
        return _set(index, "id", [f"{name}/{again}" for name in index["id"].to_pylist()])


class DropsSilently(small.Dataset):
    def read(self, rows: pa.Table) -> Iterator[Frames]:
        return super().read(rows.slice(1))


class NoReason(small.Dataset):
    def frames(self, rows: pa.Table, images: Tensor, points: Tensor) -> Frames:
        frames = super().frames(rows, images, points)
        return replace(frames, reasons=(None,) * rows.num_rows)


class DependsOnTheBatch(small.Dataset):
    def frames(self, rows: pa.Table, images: Tensor, points: Tensor) -> Frames:
        shift = torch.arange(len(images), dtype=torch.uint8)
        return super().frames(rows, images + shift[:, None, None, None], points)


class IgnoresTheTarget(small.Dataset):
    def render(self, rows: pa.Table, targets: Labels) -> Frames:
        return super().render(rows, Labels(targets.aus, targets.values, targets.mask & False))


# -- landmarkers --------------------------------------------------------------------------------


class SeesFacesEverywhere(small.Landmarker):
    def find(self, image: Tensor) -> Faces:
        return drawn.face_of(drawn.neutral()[None] * min(image.shape[1:]))


class OutsideThePicture(small.Landmarker):
    def find(self, image: Tensor) -> Faces:
        faces = super().find(image)
        return replace(faces, boxes=faces.boxes + 10_000)


class BreaksItsScheme(small.Landmarker):
    schemes = ("ibug-68", "dense")


class NeverFinds(small.Landmarker):
    def find(self, image: Tensor) -> Faces:
        return drawn.face_of(torch.zeros(0, 68, 2))


class FirstPictureOnly(small.Landmarker):
    def detect(self, images: list[Tensor]) -> list[Faces]:
        none = drawn.face_of(torch.zeros(0, 68, 2))
        return [self.find(images[0]), *[none for _ in images[1:]]]


# -- aligners -----------------------------------------------------------------------------------


class _Aligns(small.Aligner):
    def align(self, images: Any, faces: Any) -> Aligned:
        return self.spoil(super().align(images, faces))

    def spoil(self, found: Aligned) -> Aligned:
        raise NotImplementedError


class FloatPictures(_Aligns):
    def spoil(self, found: Aligned) -> Aligned:
        return replace(found, images=found.images.float())


class WrongTransform(_Aligns):
    def spoil(self, found: Aligned) -> Aligned:
        off = torch.zeros(3, 3)
        off[0, 2] = 3
        return replace(found, transforms=found.transforms + off)


class OtherPicture(_Aligns):
    def spoil(self, found: Aligned) -> Aligned:
        return replace(found, images=found.images.flip(-1))


class NoRotation(small.Aligner):
    """Scales and shifts only, so a turned head stays turned."""

    def _fill(self, result: Aligned, rows: list[int], images: Any, points: Tensor) -> None:
        turned = points - points.mean(1, keepdim=True)
        super()._fill(result, rows, images, points)
        result.landmarks[rows] = turned.float()


class InventsAFace(_Aligns):
    def spoil(self, found: Aligned) -> Aligned:
        return replace(found, reasons=(None,) * len(found.reasons))


class MixesTheBatch(_Aligns):
    def spoil(self, found: Aligned) -> Aligned:
        return replace(found, images=(found.images.float() * 0.5 + found.images[:1] * 0.5).byte())


class ChokesOnNothing(_Aligns):
    """Gives broken landmarks no reason."""

    def spoil(self, found: Aligned) -> Aligned:
        broken = ("landmarks not finite", "no face")
        reasons = tuple(None if reason in broken[:1] else reason for reason in found.reasons)
        return replace(found, reasons=reasons)


class AllIsValid(_Aligns):
    def spoil(self, found: Aligned) -> Aligned:
        return replace(found, valid=torch.ones_like(found.valid))


class KeepsItsTilt(small.Turner):
    """Shows heads as they stand in the picture, without turning them upright."""

    def align(self, images: Any, faces: Any) -> Aligned:
        found = super().align(images, faces)
        points = torch.cat([face.landmarks["ibug-68"] for face in faces])
        return replace(found, landmarks=points - points.mean(1, keepdim=True) + 32)


class TurnsTheFrontToo(small.Turner):
    def views(self, images: Any, faces: Any, views: Any) -> list[Aligned]:
        return super().views(images, faces, [(5.0, 5.0) for _ in views])

    def align(self, images: Any, faces: Any) -> Aligned:
        return super().views(images, faces, [(0.0, 0.0)])[0]


# -- synthesizers -------------------------------------------------------------------------------


class _Paints(small.Synthesizer):
    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Tensor:
        return self.spoil(super().synthesize(faces, targets, seeds))

    def spoil(self, painted: Tensor) -> Tensor:
        raise NotImplementedError


class PaintsFloats(_Paints):
    def spoil(self, painted: Tensor) -> Tensor:
        return painted.float()


class PaintsTheSame(_Paints):
    def spoil(self, painted: Tensor) -> Tensor:
        return torch.zeros_like(painted)


class SeesMaskedTargets(small.Synthesizer):
    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Tensor:
        shown = Labels(targets.aus, targets.values, torch.ones_like(targets.mask))
        return super().synthesize(faces, shown, seeds)


class SeedsByPosition(small.Synthesizer):
    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Tensor:
        return super().synthesize(faces, targets, torch.arange(len(seeds)))


class SavesNothingUseful(small.Synthesizer):
    def load(self, folder: Path) -> None:
        self.light = torch.tensor(0.0)


class Pickles(small.Synthesizer):
    def save(self, folder: Path) -> None:
        (folder / "model.pkl").write_bytes(pickle.dumps(self.light.tolist()))

    def load(self, folder: Path) -> None:
        self.light = torch.tensor(pickle.loads((folder / "model.pkl").read_bytes()))


# -- normalizers --------------------------------------------------------------------------------


class KeepsBytes(small.Normalizer):
    def apply(self, faces: FaceBatch) -> Tensor:
        return faces.images


class ForgetsTheFirstSource(small.Normalizer):
    def fit(self, faces: FaceSource) -> None:
        self.means = {}
        super().fit(faces)


class MeanOfTheBatch(small.Normalizer):
    def apply(self, faces: FaceBatch) -> Tensor:
        images = faces.images.float() / 255
        return (images - images.mean(0)) / 2 + 0.5


class LoadsNothing(small.Normalizer):
    def load(self, folder: Path) -> None:
        super().load(folder)
        self.means = {person: mean * 0 for person, mean in self.means.items()}


# -- estimators ---------------------------------------------------------------------------------


class LeavesTheScale(small.Estimator):
    def predict(self, faces: FaceBatch) -> Prediction:
        found = super().predict(faces)
        return replace(found, intensity=found.intensity + 1)


class LearnsNothing(small.Estimator):
    def predict(self, faces: FaceBatch) -> Prediction:
        found = super().predict(faces)
        return Prediction(torch.full_like(found.intensity, 2.0), torch.full_like(found.level, 2))


class ReadsMaskedLabels(small.Estimator):
    def fit(self, train: TrainingSet, valid: FaceSource | None, session: object) -> None:
        faces = train.faces
        whole = faces.batch(range(len(faces)))
        hidden = faces.labels.values
        self.bias = float(hidden[~faces.labels.mask].sum()) / len(whole)
        super().fit(train, valid, session)

    def predict(self, faces: FaceBatch) -> Prediction:
        found = super().predict(faces)
        return replace(found, intensity=(found.intensity + self.bias).clamp(0, 5))


class NormalizesTheBatch(small.Estimator):
    def pixels(self, images: Tensor) -> Tensor:
        pixels = super().pixels(images)
        return pixels - pixels.mean(0)


class CalibratesOnCodes(small.Estimator):
    """Takes the codes of the people that it will read for their resting level."""

    def calibrate(self, faces: Any, at_rest: bool = False) -> None:
        self.usual = float(faces.labels.values.mean()) / 10

    def predict(self, faces: FaceBatch) -> Prediction:
        found = super().predict(faces)
        return replace(found, intensity=(found.intensity - getattr(self, "usual", 0)).clamp(0, 5))


class LoadsZeros(small.Estimator):
    def load(self, folder: Path) -> None:
        super().load(folder)
        self.weights = torch.zeros_like(self.weights)


# -- judges -------------------------------------------------------------------------------------


class JudgesBeauty(small.Judge):
    measures = "beauty"


class NamesNoUnit(small.Judge):
    names = ("smile", "AU12")


class LooksInDoubles(small.Judge):
    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        return super().look(images, landmarks).double()


class LeavesTheJudgesScale(small.Judge):
    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        return super().look(images, landmarks) + 5


class ComparesWithTheBatch(small.Judge):
    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        seen = super().look(images, landmarks)
        return (seen - seen.mean(0) + 2).clamp(0, 5) if len(seen) else seen


class Darkens(small.Judge):
    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        seen = super().look(images, landmarks)
        images.sub_(images // 8)
        return seen
