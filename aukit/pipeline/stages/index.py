"""The index stage: the frames of a dataset, their people and AU codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from aukit.au import LISTS
from aukit.config.choice import Choice, named
from aukit.config.options import ALL_AUS
from aukit.config.run import RunConfig
from aukit.contracts.dataset import Dataset, KnowsSources
from aukit.data.kinds import au_kinds
from aukit.data.records import check_index, only_in_some
from aukit.errors import ConfigError, DataError
from aukit.pipeline.stage import Stage
from aukit.pipeline.work import Work
from aukit.registry.states import state_of_files
from aukit.runs.names import INDEX
from aukit.store.files import write_table


@dataclass(frozen=True)
class Index(Stage):
    """The frames of a dataset.

    Attributes:
        data: the dataset.
        sources: state of the files it reads; empty if it does not list them.
    """

    name: ClassVar[str] = "index"
    data: Choice
    sources: str = ""

    def compute(self, folder: Path, work: Work) -> None:
        """Write `index.parquet` in `records.index_schema`."""
        dataset: Dataset = work.make(self.data)
        with work.progress.start("index"), named(self.data, "index"):
            table = dataset.index()
            check_index(table)
        write_table(folder / INDEX, table, row_group=65536)


def sources_of(choice: Choice, dataset: Dataset) -> str:
    """The state of the files a dataset reads; empty if it does not list them."""
    if not isinstance(dataset, KnowsSources):
        return ""
    with named(choice, "index"):
        return state_of_files(dataset.sources())


def coding_roles(config: RunConfig) -> list[str]:
    """The roles whose data must code an AU; faces used only as sources may lack codes."""
    fitted = ["synth-fit"] if config.components["synth"] is not None else []
    return ["train", "test", *fitted]


def refuse_mixed_kinds(indices: Mapping[str, pa.Table], aus: Sequence[str]) -> None:
    """Refuse roles that code an AU differently, one as an intensity and one as an occurrence.

    Args:
        indices: role -> index of its frames. Roles that are only scored may differ: presence is
            compared.
        aus: the AUs of the run.

    Raises:
        DataError: an AU has both kinds.
    """
    found: dict[str, tuple[str, str]] = {}
    for role, index in indices.items():
        for name, kind in au_kinds(index).items():
            first, known = found.setdefault(name, (role, kind))
            if name in aus and kind != known:
                raise DataError(
                    f"{name} is an {known} in the data of role {first}, and an {kind} in those of "
                    f"{role}",
                    "make both datasets give the same kind, or leave the AU out of --aus",
                )


def choose_aus(
    asked: tuple[str, ...], coded: Sequence[tuple[str, ...]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The AUs to estimate, and the AUs left out because only some of the datasets code them.

    AUs requested one by one must be coded in every dataset. Of a named list (`fera17`), the AUs
    coded in all are taken; if there are none of the list, all common AUs are.

    Args:
        asked: names of AUs, or of a list.
        coded: AUs coded in each dataset that is learned from or scored.

    Raises:
        ConfigError: a requested AU is not coded in all of them.
        DataError: no AU is coded in all of them.
    """
    common = tuple(au for au in coded[0] if all(au in others for others in coded))
    if asked == (ALL_AUS,) or asked[0] in LISTS:
        named_list = LISTS.get(asked[0], common)
        wanted = tuple(au for au in common if au in named_list) or common
    else:
        wanted = asked
    if missing := [au for au in wanted if au not in common]:
        raise ConfigError(
            f"{', '.join(missing)} not coded in both the training and the test data",
            f"coded in both: {', '.join(common) or 'none'}",
        )
    if not wanted:
        raise DataError("training and test data have no coded AU in common")
    return wanted, only_in_some(coded)
