"""aukit from Python: pictures, data frames and runs in, tensors and tables out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow as pa
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from aukit import api
from aukit.errors import ConfigError, DataError
from aukit.runs.names import PREDICTIONS
from aukit.store.files import read_table
from aukit.vision.images import encode

SIZE = 48


def cartoon(seed: int = 0) -> Tensor:
    """A smooth picture, in which the landmarker `everywhere` finds a face."""
    random = torch.Generator().manual_seed(seed)
    corners = torch.randint(60, 200, (1, 3, 2, 2), generator=random).float()
    whole = torch.nn.functional.interpolate(corners, (SIZE, SIZE), mode="bilinear")
    return whole[0].round().to(torch.uint8)


def test_pictures_and_files_are_registered_alike(tiny: None, tmp_path: Path) -> None:
    pictures = [cartoon(0), cartoon(1)]
    for number, picture in enumerate(pictures):
        (tmp_path / f"{number}.png").write_bytes(encode(picture[None])[0])
    how = {"aligner": "centre", "landmarker": "everywhere"}
    found = api.register(pictures, **how)  # type: ignore[arg-type]
    files = api.register(tmp_path, **how)  # type: ignore[arg-type]
    assert found.faces.images.shape == (2, 3, *found.faces.images.shape[2:])
    assert torch.equal(found.faces.images, files.faces.images)
    assert found.rows.column("status").to_pylist() == ["ok", "ok"]


def test_pictures_without_a_face_say_so(tiny: None, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="no face in 1 pictures"):
        api.register(tmp_path / "broken.png", aligner="centre", landmarker="everywhere")


def test_a_float_picture_is_refused_by_a_landmarker(tiny: None) -> None:
    landmarker = api.build("landmarker", "everywhere")
    with pytest.raises(ConfigError, match="landmarkers take uint8"):
        landmarker.detect([cartoon() / 255])


def test_faces_are_edited(tiny: None, painted_run: Path, tmp_path: Path) -> None:
    (tmp_path / "me.png").write_bytes(encode(cartoon()[None])[0])
    ((one, two),) = api.edit(painted_run, cartoon(), [{12: 0}, {"AU12": 5.0}])
    assert not torch.equal(one, two)
    ((file,),) = api.edit(painted_run, tmp_path / "me.png", {12: 5})
    assert file.shape == two.shape
    ((whole,),) = api.edit(painted_run, cartoon(), {12: 5}, paste=True)
    assert whole.shape == (3, SIZE, SIZE)
    with pytest.raises(ConfigError, match="does not know AU17"):
        api.edit(painted_run, cartoon(), {17: 5})


@pytest.mark.parametrize("workers", [0, 2])
def test_faces_of_a_stage_are_a_dataset(tiny: None, painted_run: Path, workers: int) -> None:
    faces = api.faces(painted_run, "synthesize")
    loader: Any = DataLoader(faces, batch_size=4, num_workers=workers)
    batches = list(loader)
    assert sum(len(batch["id"]) for batch in batches) == len(faces) > 0
    assert batches[0]["image"].dtype == torch.uint8
    assert batches[0]["aus"].shape == (4, 2)
    assert torch.equal(batches[0]["image"][1], faces[1]["image"])
    assert torch.equal(faces[-1]["image"], faces[len(faces) - 1]["image"])
    with pytest.raises(IndexError):
        faces[len(faces)]
    with pytest.raises(DataError, match="no result of stage nothing"):
        api.faces(painted_run, "nothing")


FRAMES = {
    "pandas": lambda table: table.to_pandas(),
    "polars": polars.from_arrow,
    "arrow": lambda table: table,
}


@pytest.mark.parametrize("kind", FRAMES)
def test_data_frames_are_scored_as_the_run_scores_itself(
    tiny: None, painted_run: Path, kind: str
) -> None:
    found = read_table(painted_run / PREDICTIONS)
    keys = ["id", "dataset", "partition", "subject"]
    truth = found.select([*keys, "AU01", "AU12"])
    guess = found.select(["id", "AU01_predicted", "AU12_predicted"])
    guess = guess.rename_columns(["id", "AU01", "AU12"])
    frames = [FRAMES[kind](table) for table in (truth, guess)]
    scored = api.evaluate(*frames, draws=20)
    wrong = np.abs(np.subtract(*(table.column("AU12").to_numpy() for table in (truth, guess))))
    assert scored["scores"]["AU12"]["mae"]["value"] == pytest.approx(wrong.mean(), abs=1e-5)
    difference = api.evaluate(*frames, frames[1], draws=20)
    assert difference["scores"]["AU12"]["mae"]["value"] == 0


def test_what_is_no_table_is_told_in_one_line() -> None:
    with pytest.raises(ConfigError, match="list is not a table"):
        api.evaluate([1, 2], pandas.DataFrame({"AU12": [1.0]}))
    with pytest.raises(ConfigError, match="0 predictions were given"):
        api.evaluate(pa.table({"AU12": [1.0]}))


def test_a_comparison_runs_its_grid(tiny: None, tmp_path: Path) -> None:
    settings = {
        "preset": "quick", "device": "cpu", "data": "drawn", "landmarker": "everywhere",
        "aligner": "centre", "data.people": 2, "data.frames": 12, "balancer": "resample",
        "balancer.per_level": 2, "draws": 5, "executor": "inline", "estimator": "vgg16",
        "estimator.size": 32,
        "estimator.width": 0.125, "estimator.epochs": 1, "estimator.ticks": 1,
        "normalizer": ["none", "mean-texture"],
    }  # fmt: skip
    said: list[str] = []
    document = api.compare(settings, tmp_path, say=said.append)
    assert [cell["status"] for cell in document["cells"]] == ["finished", "finished"], said
    assert len(said) == 2
