"""Examples on disk: what is stored, resumed, refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_meshes import SmallMeshes

from aukit.errors import ConfigError, DataError
from aukit.progress import Silent
from aukit_prnet import examples
from aukit_prnet.examples import Examples, render


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "SHARD", 4)


def test_examples_come_back_as_they_were(tmp_path: Path) -> None:
    data = SmallMeshes(10)
    stored = render(data, data.index(), tmp_path, Silent())
    assert len(stored) == 10
    assert len(list(tmp_path.glob("*.safetensors"))) == 3
    (truth,) = data.meshes(data.index())
    order = [9, 0, 5]
    found = stored.batch(order)
    assert torch.equal(found.images, truth.images[order])
    torch.testing.assert_close(found.vertices, truth.vertices[order], atol=1 / 128, rtol=0)
    torch.testing.assert_close(found.landmarks, truth.landmarks[order])
    assert torch.equal(found.cover == 255, truth.cover[order] == 1)


def test_rendering_goes_on_where_it_was_left(tmp_path: Path) -> None:
    data = SmallMeshes(10)
    render(data, data.index(), tmp_path, Silent())
    (tmp_path / "00001.safetensors").unlink()
    data.rendered.clear()
    render(data, data.index(), tmp_path, Silent())
    assert data.rendered == ["small/4", "small/5", "small/6", "small/7"]


def test_examples_of_other_data_are_refused(tmp_path: Path) -> None:
    data = SmallMeshes(10)
    render(data, data.index(), tmp_path, Silent())
    with pytest.raises(ConfigError, match="holds examples of other data"):
        render(data, data.index().slice(1), tmp_path, Silent())


def test_processes_share_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.distributed, "barrier", lambda: None)
    data = SmallMeshes(10)
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(DataError, match="1 of 3 files are missing"):
        render(data, data.index(), tmp_path, Silent())
    monkeypatch.setenv("RANK", "1")
    assert len(render(data, data.index(), tmp_path, Silent())) == 10
    assert len(data.rendered) == 10


def test_damage_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no examples"):
        Examples(tmp_path)
    data = SmallMeshes(4)
    stored = render(data, data.index(), tmp_path, Silent())
    (tmp_path / "00000.safetensors").write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read"):
        stored.batch([0])
