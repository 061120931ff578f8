"""The true picture behind a registered face."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import torch

from aukit.config.resolve import nest, resolve
from aukit.contracts.context import Context
from aukit.contracts.labels import Labels
from aukit.data.records import labels_of
from aukit.errors import DataError, PluginError
from aukit.faces import truth as truth_module
from aukit.faces.pictures import decode
from aukit.faces.registration import Registration
from aukit.faces.truth import Truth

sys.path.insert(0, str(Path(__file__).parents[1] / "end_to_end"))
import tiny_plugin

AUS = tiny_plugin.AUS


@pytest.fixture
def registration() -> Registration:
    settings = {"data": "drawn", "aligner": "centre", "data.people": 2, "data.frames": 12}
    role = resolve(tiny_plugin.registry(), [("test", nest(settings))], "quick").roles["test"]
    return Registration(role.data, role.landmarker, role.aligner, Context())


def faces(registration: Registration) -> pa.Table:
    return pa.concat_tables(registration.faces_of(registration.dataset.index().slice(3, 20)))


def asked(rows: pa.Table, level: float, *, masked: bool = False) -> Labels:
    values = torch.full((rows.num_rows, 1), level)
    return Labels(("AU12",), values, torch.full(values.shape, not masked))


def test_asking_for_nothing_shows_the_face_itself(registration: Registration) -> None:
    rows = faces(registration)
    shown = Truth(registration).paint(rows, asked(rows, 0, masked=True))
    assert shown.ok.all()
    assert shown.images.equal(decode(rows.column("image").to_pylist()))
    assert shown.valid.all()
    expected = torch.tensor(rows.column("landmarks").to_pylist()).view(-1, 68, 2)
    torch.testing.assert_close(shown.landmarks, expected)


def test_the_truth_has_the_targets_and_keeps_the_rest(
    registration: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(truth_module, "RENDER_BATCH", 7)
    rows = faces(registration).take(list(range(19, -1, -1)))
    shown = Truth(registration).paint(rows, asked(rows, 4))
    levels = labels_of(rows, AUS).values
    levels[:, 1] = 4
    assert shown.images.equal(tiny_plugin.draw(rows.column("subject").to_pylist(), levels))


def test_a_synthetic_row_stands_for_the_frame_of_its_parent(registration: Registration) -> None:
    rows = faces(registration)
    parents = rows.column("id").to_pylist()
    painted = rows.set_column(
        rows.column_names.index("parent"), "parent", pa.array(parents, pa.string())
    )
    changed = pa.array([f"{name}#1" for name in parents], pa.string())
    painted = painted.set_column(rows.column_names.index("id"), "id", changed)
    lied = pa.array([5.0] * rows.num_rows, pa.float32())
    painted = painted.set_column(rows.column_names.index("AU01"), "AU01", lied)
    found = Truth(registration).paint(painted, asked(rows, 2))
    assert found.images.equal(Truth(registration).paint(rows, asked(rows, 2)).images)


def test_frames_of_another_dataset_are_refused(registration: Registration) -> None:
    rows = faces(registration)
    stray = pa.array([f"other/{n}" for n in range(rows.num_rows)], pa.string())
    rows = rows.set_column(rows.column_names.index("id"), "id", stray)
    with pytest.raises(DataError, match=r"20 faces are not frames .* 'drawn', e\.g\. other/0"):
        Truth(registration).paint(rows, asked(rows, 1))


def test_a_dataset_that_cannot_render_says_so(
    registration: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = faces(registration)
    drawn = tiny_plugin.Drawn

    class Mute:
        landmarks = drawn.landmarks
        __init__, index, read, _frames = drawn.__init__, drawn.index, drawn.read, drawn._frames

    monkeypatch.setattr(tiny_plugin, "Drawn", Mute)
    truth = Truth(registration)
    assert not truth.known
    with pytest.raises(DataError, match="dataset 'drawn' cannot render the truth"):
        truth.paint(rows, asked(rows, 1))


def test_a_dataset_that_renders_too_few_is_named(
    registration: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = faces(registration)
    render = tiny_plugin.Drawn.render

    def short(self: tiny_plugin.Drawn, rows: pa.Table, targets: Labels) -> object:
        frames = render(self, rows, targets)
        return replace(frames, images=frames.images[1:])

    monkeypatch.setattr(tiny_plugin.Drawn, "render", short)
    with pytest.raises(PluginError, match="render returned tuple of 19 as images, expected 20"):
        Truth(registration).paint(rows, asked(rows, 1))


def test_a_frame_that_cannot_be_registered_has_no_truth(
    registration: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = faces(registration)
    render = tiny_plugin.Drawn.render

    def unlucky(self: tiny_plugin.Drawn, rows: pa.Table, targets: Labels) -> object:
        frames = render(self, rows, targets)
        reasons = ("the camera slipped", *frames.reasons[1:])
        return replace(frames, images=(None, *frames.images[1:]), reasons=reasons)

    monkeypatch.setattr(tiny_plugin.Drawn, "render", unlucky)
    shown = Truth(registration).paint(rows, asked(rows, 1))
    assert shown.ok.tolist() == [False] + [True] * 19
