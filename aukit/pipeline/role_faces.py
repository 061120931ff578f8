"""The registered faces of a run's roles: which frames each role has, in a fold or without folds."""

from __future__ import annotations

import functools

import pyarrow as pa

from aukit.config.run import Role
from aukit.data.folds import parse as parse_fold
from aukit.data.records import partition_rows, view_rows
from aukit.errors import ConfigError, DataError
from aukit.faces.registration import Registration
from aukit.pipeline.runner import Runner
from aukit.pipeline.stages.align import Align
from aukit.pipeline.stages.fold import PeopleOfFold, division, is_divided, partitions_of
from aukit.pipeline.stages.index import (
    Index,
    choose_aus,
    coding_roles,
    refuse_mixed_kinds,
    sources_of,
)
from aukit.runs.names import INDEX
from aukit.store.files import read_table
from aukit.store.models import differences
from aukit.store.stages import Result


class RoleFaces:
    """Registers the faces of the roles of a run.

    Args:
        runner: runs the stages.
    """

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.config = runner.run.config
        self._registrations: list[Registration] = []

    @functools.cached_property
    def aus(self) -> tuple[str, ...]:
        """The AUs to estimate, in FACS order."""
        roles = (self.config.roles[name] for name in coding_roles(self.config))
        coded = [self.registration(role).dataset.aus for role in roles]
        return choose_aus(self.config.options.aus, coded)[0]

    def registration(self, role: Role) -> Registration:
        """The registration of a role's faces; roles with the same settings share one."""
        context = self.runner.work.context()
        wanted = Registration(role.data, role.landmarker, role.aligner, context)
        if wanted not in self._registrations:
            self._registrations.append(wanted)
        return self._registrations[self._registrations.index(wanted)]

    def require_one_kind(self) -> None:
        """Refuse, before anything is registered, roles that code an AU differently.

        Raises:
            DataError: an AU is an intensity in one role and an occurrence in another.
        """
        fitted = [name for name in coding_roles(self.config) if name != "test"]
        indices = {name: self._index(name, self.config.roles[name])[1] for name in fitted}
        refuse_mixed_kinds(indices, self.aus)

    def require_one_alignment(self) -> None:
        """Refuse, before the long fit, faces that the synthesizer would refuse afterwards.

        Raises:
            DataError: faces that are synthesized or trained on are aligned differently from the
                faces the synthesizer is fitted on.
        """
        alignment = self.registration(self.config.roles["synth-fit"]).describe()
        for name in ("synth-paint", "train"):
            other = self.registration(self.config.roles[name]).describe()
            if details := differences(alignment, other):
                raise DataError(
                    f"the faces of synth-fit and {name} are aligned differently: {details}",
                    "use one aligner for both: a synthesizer needs faces aligned like its "
                    "training faces",
                )

    def need(self, label: str, role: str, partition: str) -> Result:
        """The registered faces of a role in a partition.

        Raises:
            DataError: the partition has no frames.
        """
        found = self.find(label, role, partition)
        if found is None:
            data = self.config.roles[role].data.component.name
            views = self.config.roles[role].views
            raise DataError(
                f"dataset '{data}' has no frame in partition '{partition}'",
                f"role {label} needs some" + (f" in view {' '.join(views)}" if views else ""),
            )
        return found

    def find(self, label: str, role: str, partition: str) -> Result | None:
        """The registered faces of a role in a partition; None if there are none."""
        chosen = self.config.roles[role]
        made, index = self._index(label, chosen)
        if self.division and is_divided(index, self.division, label):
            return self._of_fold(label, chosen, partition, made, index)
        if view_rows(partition_rows(index, partition), chosen.views).num_rows == 0:
            return None
        return self._align(f"align-{label}", chosen, made, partition)

    def _index(self, label: str, role: Role) -> tuple[Result, pa.Table]:
        dataset = self.registration(role).dataset
        stage = Index(role.data, sources_of(role.data, dataset))
        made = self.runner.result(stage, f"index-{label}")
        return made, read_table(made.folder / INDEX)

    def _align(self, label: str, role: Role, index: Result, partition: str | None) -> Result:
        stage = Align(role.data, role.landmarker, role.aligner, index, partition, role.views)
        return self.runner.result(stage, label)

    @functools.cached_property
    def division(self) -> dict[str, str]:
        """Person -> partition in the run's fold; empty without folds.

        Raises:
            DataError: the fold does not fit the people, or its test partition is empty.
        """
        options, roles = self.config.options, self.config.roles
        if (fold := parse_fold(options.fold)) is None:
            return {}
        divided = division(self._index("train", roles["train"])[1], fold, options.fold_seed)
        if not is_divided(self._index("test", roles["test"])[1], divided, "test"):
            raise ConfigError(
                f"fold {options.fold} divides the people of role train, but role test has other "
                f"people",
                "leave out --fold: all people of another dataset are unseen",
            )
        return divided

    def _of_fold(
        self, label: str, role: Role, partition: str, made: Result, index: pa.Table
    ) -> Result | None:
        """The faces that the fold assigns to a partition.

        All partitions of the dataset are aligned in stages shared by every fold and by runs
        without folds; people are assigned afterwards.
        """
        sources = tuple(
            self._align(f"align-{label}-of-{part or 'none'}", role, made, part)
            for part in partitions_of(index)
        )
        people = sorted(name for name, part in self.division.items() if part == partition)
        if not people:
            return None
        return self.runner.result(PeopleOfFold(sources, tuple(people)), f"align-{label}")
