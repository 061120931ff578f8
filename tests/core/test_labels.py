"""Labels of two kinds on their way: what stays, and what is on which scale."""

from __future__ import annotations

import torch

from aukit.contracts.labels import Labels
from aukit.data.kinds import OCCURRENCE, au_kinds, kinds_of, with_kinds
from aukit.data.records import face_schema, labels_of, with_labels


def labels() -> Labels:
    values = torch.tensor([[5.0, 1.0], [2.5, 0.0]])
    return Labels(("AU06", "AU07"), values, torch.ones(2, 2).bool(), frozenset({"AU07"}))


def test_shares_put_both_kinds_on_one_scale() -> None:
    assert labels().tops == (5, 1)
    assert labels().shares.tolist() == [[1, 1], [0.5, 0]]


def test_the_kind_stays_with_the_column() -> None:
    known = labels()
    for other in (known.take([1]), known.hidden(), known.to("cpu"), known.select(("AU07",))):
        assert other.occurrence == {"AU07"}
    assert known.select(("AU06", "AU12")).occurrence == set()


def test_tables_and_labels_say_the_same() -> None:
    known = labels()
    empty = face_schema(known.aus).empty_table().select(["id"])
    table = with_labels(with_kinds(empty, {}).slice(0, 0), known.take([]))
    assert au_kinds(table) == kinds_of(known) == {"AU06": "intensity", "AU07": "occurrence"}
    assert labels_of(table, ("AU07", "AU06")).occurrence == {"AU07"}
    faces = face_schema(("AU06", "AU07"), {"AU06": OCCURRENCE})
    assert labels_of(faces.empty_table(), ("AU06",)).tops == (1,)
