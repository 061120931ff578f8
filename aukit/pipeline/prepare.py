"""The stages before any fit: index the datasets, register the faces, choose the AUs, plan."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from aukit.au import LISTS
from aukit.config.choice import Choice, make, named
from aukit.config.options import ALL_AUS
from aukit.config.run import Role, RunConfig
from aukit.contracts.balancer import Balancer
from aukit.contracts.executor import Executor
from aukit.data.folds import parse as parse_fold
from aukit.data.records import TRAIN, VALID, check_index, partition_rows
from aukit.errors import ConfigError, DataError
from aukit.faces.registration import Registration
from aukit.faces.shards import align_rows
from aukit.faces.stored import StoredFaces, read_rows
from aukit.pipeline.stages.fit_synth import SynthFaces
from aukit.pipeline.stages.fold import (
    division,
    is_divided,
    partitions_of,
    pick_people,
    refuse_shared_people,
)
from aukit.pipeline.stages.training_set import check_plan, label_table
from aukit.runs.names import INDEX, PLAN
from aukit.store.files import read_table, write_table
from aukit.store.models import differences

if TYPE_CHECKING:
    from aukit.pipeline.work import Work


@dataclass(frozen=True)
class Prepared:
    """What the stages before the fits leave.

    Attributes:
        aus: AUs that every role codes, in FACS order.
        left_out: AUs that only some of the data code.
        train, valid, test: stage folders of registered faces; `valid` may be absent.
        synth_fit, synth_paint: the same for a synthesizer; absent without one.
        plan: stage folder of the balancer's plan.
        reference: with a synthesizer, stage folder of the plan of a run without one.
        alignment: what the training faces' aligner says of itself.
    """

    aus: tuple[str, ...]
    left_out: tuple[str, ...]
    train: Path
    valid: Path | None
    test: Path
    synth_fit: Path | None
    synth_paint: Path | None
    plan: Path
    reference: Path | None
    alignment: dict[str, Any]


class PrepareStages:
    """Runs these stages.

    Args:
        work: what the stages of the run share.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.config = work.config
        self._registrations: list[Registration] = []

    def run(self) -> Prepared:
        """Everything up to the plan."""
        roles = self.config.roles
        aus, left_out = self._aus()
        train = self._faces("train", roles["train"], TRAIN)
        valid = self._faces("valid", roles["train"], VALID, optional=True)
        test = self._faces("test", roles["test"], roles["test"].partition)
        fit = paint = None
        if self.config.components["synth"] is not None:
            self._require_one_alignment()
            fit = self._faces("synth-fit", roles["synth-fit"], TRAIN)
            paint = self._faces("synth-paint", roles["synth-paint"], TRAIN)
        assert train is not None
        assert test is not None
        if self._division:
            tested = (roles["test"].partition, test)
            refuse_shared_people([(TRAIN, train), (VALID, valid), tested, (TRAIN, fit)])
        return Prepared(
            aus=aus,
            left_out=left_out,
            train=train,
            valid=valid,
            test=test,
            synth_fit=fit,
            synth_paint=paint,
            plan=self._plan("plan", self.config.need("balancer"), aus, train, paint or train),
            reference=self._reference(aus, train),
            alignment=self._registration(roles["train"]).describe(),
        )

    def synth_faces(self) -> SynthFaces:
        """Only what a synthesizer is fitted on: the stages of `run`, but no others."""
        roles = self.config.roles
        aus, _ = self._aus()
        valid = self._faces("valid", roles["train"], VALID, optional=True)
        fit = self._faces("synth-fit", roles["synth-fit"], TRAIN)
        assert fit is not None
        return SynthFaces(aus, fit, valid, self._registration(roles["train"]).describe())

    @functools.cached_property
    def _executor(self) -> Executor:
        executor: Executor = make(self.config.need("executor"), self.work.context)
        return executor

    def _registration(self, role: Role) -> Registration:
        """How a role's faces are registered; roles that agree share one."""
        wanted = Registration(role.data, role.landmarker, role.aligner, self.work.context)
        if wanted not in self._registrations:
            self._registrations.append(wanted)
        return self._registrations[self._registrations.index(wanted)]

    def _require_one_alignment(self) -> None:
        """Refuse, before the long fit, faces that the synthesizer would refuse after it.

        Raises:
            DataError: faces that it is fitted on, paints, or stands beside are aligned otherwise.
        """
        alignment = self._registration(self.config.roles["synth-fit"]).describe()
        for name in ("synth-paint", "train"):
            other = self._registration(self.config.roles[name]).describe()
            if details := differences(alignment, other):
                raise DataError(
                    f"the faces of synth-fit and {name} are aligned otherwise: {details}",
                    "a synthesizer paints faces that are aligned as its training faces were",
                )

    def _aus(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The AUs to estimate, and those that only some of the data code."""
        roles = (self.config.roles[name] for name in coding_roles(self.config))
        coded = [self._registration(role).dataset.aus for role in roles]
        return choose_aus(self.config.options.aus, *coded)

    def _index(self, label: str, role: Role) -> pa.Table:
        def compute(folder: Path) -> None:
            with self.work.progress.start(f"index {label}"), named(role.data, "index"):
                table = self._registration(role).dataset.index()
                check_index(table)
            write_table(folder / INDEX, table, row_group=65536)

        document = {"data": role.data.to_json(), "seed": self._registration(role).context.seed}
        folder = self.work.stage("index", f"index-{label}", document, compute)
        return read_table(folder / INDEX)

    def _faces(
        self, label: str, role: Role, partition: str, *, optional: bool = False
    ) -> Path | None:
        """The stage folder of a role's registered faces."""
        index = self._index(label, role)
        if self._division and is_divided(index, self._division, label):
            return self._faces_of_fold(label, role, partition, index)
        rows = partition_rows(index, partition)
        if rows.num_rows == 0:
            if optional:
                return None
            raise DataError(
                f"dataset '{role.data.component.name}' has no frame in partition '{partition}'",
                f"role {label} needs some",
            )
        return self._align(f"align-{label}", role, partition, rows)

    def _align(self, label: str, role: Role, partition: str | None, rows: pa.Table) -> Path:
        """The stage folder of the registered faces of a partition of the dataset."""
        registration = self._registration(role)

        def compute(folder: Path) -> None:
            align_rows(registration, rows, folder, self._executor, self.work.progress)

        document = {**registration.to_json(), "partition": partition}
        return self.work.stage("align", label, document, compute)

    @functools.cached_property
    def _division(self) -> dict[str, str]:
        """Person -> partition in the run's fold; empty without folds.

        Raises:
            DataError: the fold does not fit the people, or would test none of them.
        """
        options, roles = self.config.options, self.config.roles
        if (fold := parse_fold(options.fold)) is None:
            return {}
        divided = division(self._index("train", roles["train"]), fold, options.fold_seed)
        if not is_divided(self._index("test", roles["test"]), divided, "test"):
            raise ConfigError(
                f"fold {options.fold} divides the people of role train; role test has others",
                "leave out --fold: people of another dataset are all new",
            )
        return divided

    def _faces_of_fold(
        self, label: str, role: Role, partition: str, index: pa.Table
    ) -> Path | None:
        """The stage folder of the faces that the fold gives to a partition.

        All partitions of the dataset are aligned, in stages that every fold and every run without
        folds shares; which people are whose is decided afterwards.
        """
        sources = [
            self._align(
                f"align-{label}-of-{part or 'none'}", role, part, partition_rows(index, part)
            )
            for part in partitions_of(index)
        ]
        people = sorted(name for name, part in self._division.items() if part == partition)

        def compute(folder: Path) -> None:
            pick_people(sources, people, folder)

        document = {"faces": [source.name for source in sources], "people": people}
        return self.work.stage("fold", f"align-{label}", document, compute) if people else None

    def _reference(self, aus: tuple[str, ...], train: Path) -> Path | None:
        choice = self.config.reference
        return None if choice is None else self._plan("plan-real", choice, aus, train, train)

    def _plan(
        self, label: str, choice: Choice, aus: tuple[str, ...], train: Path, paint: Path
    ) -> Path:
        def compute(folder: Path) -> None:
            balancer: Balancer = make(choice, self.work.context)
            labels = label_table(read_rows(train), aus)
            sources = labels if paint == train else label_table(read_rows(paint), aus)
            with self.work.progress.start("plan"), named(choice, "plan"):
                plan = balancer.plan(labels, sources, aus, self.work.context.seed)
            ids = [table.column("id").to_pylist() for table in (labels, sources)]
            check_plan(plan, aus, *ids)
            write_table(folder / PLAN, plan, row_group=65536)

        document = {
            "balancer": choice.to_json(),
            "faces": train.name,
            "paint": paint.name,
            "aus": list(aus),
            "seed": self.work.context.seed,
        }
        return self.work.stage("plan", label, document, compute)


def coding_roles(config: RunConfig) -> list[str]:
    """The roles whose data must code an AU: faces that are only painted may come without codes."""
    fitted = ["synth-fit"] if config.components["synth"] is not None else []
    return ["train", "test", *fitted]


def choose_aus(
    asked: tuple[str, ...], *coded: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The AUs to estimate, and those that only some of the data code.

    AUs that were asked for one by one must be there; of a named list (`fera17`) those are
    taken that all data code, and all that they code if the list has none.

    Args:
        asked: names of AUs, or of a list.
        *coded: AUs of the data that are learned from and scored.

    Raises:
        ConfigError: an AU that was asked for is not coded in all of them.
        DataError: no AU is.
    """
    common = tuple(au for au in coded[0] if all(au in others for others in coded))
    if asked == (ALL_AUS,) or asked[0] in LISTS:
        named_list = LISTS.get(asked[0], common)
        wanted = tuple(au for au in common if au in named_list) or common
    else:
        wanted = asked
    if missing := [au for au in wanted if au not in common]:
        raise ConfigError(
            f"{', '.join(missing)} not coded in both training and test data",
            f"coded in both: {', '.join(common) or 'none'}",
        )
    if not wanted:
        raise DataError("training and test data have no coded AU in common")
    return wanted, tuple(sorted({au for some in coded for au in some} - set(common)))


def stored(folder: Path | None, aus: tuple[str, ...]) -> StoredFaces | None:
    """The usable faces of a stage folder; None without a folder."""
    return None if folder is None else StoredFaces([folder], aus)
