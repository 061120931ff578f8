"""Commands that read from a store give what they give for a copy of the same files."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas
import pyarrow as pa
import pytest
import torch
from s3_server import S3

from aukit.cli.main import main
from aukit.python.components import build
from aukit.remote import listing
from aukit.vision.images import encode
from aukit.vision.movie import write_movie
from aukit_avatars.actions import AUS
from aukit_corpora.actors import Cast, Take
from aukit_corpora.imitate import BUILDERS, imitate

Capture = pytest.CaptureFixture[str]


def noise(cast: Cast) -> Iterator[Take]:
    """Takes of noise with random codes: readers do not look at faces."""
    random = torch.Generator().manual_seed(cast.seed)
    for person in range(cast.people):
        for task in range(cast.tasks):
            for view in range(9 if cast.views == "fera17" else 1):
                shape = cast.frames, 3, cast.size, cast.size
                yield Take(
                    person, task, view,
                    torch.randint(0, 256, shape, dtype=torch.uint8, generator=random),
                    torch.randint(0, 6, (cast.frames, len(AUS)), generator=random).float().numpy(),
                    torch.rand(cast.frames, 68, 2, generator=random) * cast.size,
                    AUS,
                )  # fmt: skip


def uploaded(folder: Path, s3: S3, prefix: str) -> str:
    """The URL of a copy of a folder in the store."""
    for path in folder.rglob("*"):
        if path.is_file():
            key = f"{prefix}/{path.relative_to(folder).as_posix()}"
            s3.buckets["lab"][key] = path.read_bytes()
    return f"s3://lab/{prefix}"


def run(root: Path | str, output: Path) -> Path:
    """The stages of a run on an imitation of DISFA with the landmarks of the corpus."""
    line = [
        "run", "--data", "disfa", "--data.root", str(root), "--data.landmarks", "true",
        "--landmarker", "none", "--aligner", "2d", "--aligner.size", "32", "--synth", "none",
        "--balancer", "none", "--estimator", "landmarks", "--preset", "quick", "--device", "cpu",
        "--draws", "20", "--executor", "inline", "-o", str(output),
    ]  # fmt: skip
    assert main(line) == 0
    return output / ".stages"


def results(stages: Path) -> list[tuple[str, bytes]]:
    """The tables of all stages, as stored: name of the stage and content."""
    tables = stages.glob("*/*.parquet")
    return sorted((path.parent.name.split("-")[0], path.read_bytes()) for path in tables)


def test_a_run_on_a_store_has_the_same_bytes(s3: S3, tmp_path: Path) -> None:
    root = imitate("disfa", tmp_path / "disfa", Cast(6, frames=8, size=32), actors=noise)
    expected = results(run(root, tmp_path / "here"))
    found = results(run(uploaded(root, s3, "disfa"), tmp_path / "there"))
    assert found == expected
    assert {"index", "align", "predict"} <= {stage for stage, _ in found}


@pytest.mark.parametrize("corpus", sorted({*BUILDERS} - {"bp4d-plus", "disfa", "fera17", "table"}))
def test_every_reader_reads_from_a_store(corpus: str, tmp_path: Path) -> None:
    import fsspec

    folder = imitate(corpus, tmp_path / corpus, Cast(3, frames=6, size=16), actors=noise)
    system = fsspec.filesystem("memory")
    system.put(str(folder), f"/{corpus}", recursive=True)
    listing.forget()
    found = []
    for root in (str(folder), f"memory://{corpus}"):
        dataset = build("data", corpus, root=f"{root}/list.csv" if corpus == "emotionet" else root)
        index = dataset.index()
        pictures = [image for frames in dataset.read(index) for image in frames.images]
        names = sorted(str(path).replace(root, "") for path in dataset.sources())
        found.append((index, [p if p is None else p.tolist() for p in pictures], names))
    system.rm(f"/{corpus}", recursive=True)
    assert found[0][0].equals(found[1][0])
    assert found[0][1:] == found[1][1:]
    assert any(found[0][1])


@pytest.fixture
def photos(tmp_path: Path, s3: S3) -> str:
    """The URL of three photos and a video, of which copies lie in `photos`."""
    folder = tmp_path / "photos"
    folder.mkdir()
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (70, 3, 48, 48), dtype=torch.uint8, generator=random)
    for number, png in enumerate(encode(images[:3])):
        (folder / f"{number}.png").write_bytes(png)
    write_movie(folder / "film.mp4", iter(images[3:]))
    return uploaded(folder, s3, "photos")


def align(capsys: Capture, *words: object) -> tuple[int, str]:
    """Exit code and complaints of `aukit align`."""
    line = ["align", "--landmarker", "everywhere", "--aligner", "centre", "--device", "cpu"]
    code = main([*line, *map(str, words)])
    return code, capsys.readouterr().err


def faces(folder: Path) -> pa.Table:
    return pandas.read_parquet(folder / "faces.parquet")


def test_two_workers_register_photos_and_videos_from_a_store(
    tiny: None, s3: S3, photos: str, copies: Path, tmp_path: Path, capsys: Capture
) -> None:
    kept: list[int] = []
    s3.fault = lambda method, path: kept.append(len(list(copies.glob("aukit-copy-*"))))
    assert align(capsys, tmp_path / "photos", "-o", tmp_path / "here")[0] == 0
    workers = ("--executor", "processes", "--executor.workers", "2")
    assert align(capsys, photos, "-o", tmp_path / "there", *workers)[0] == 0
    assert 1 <= max(kept) <= 3  # a video for each process
    deadline = time.monotonic() + 30  # the workers end after the command
    while len(list(copies.glob("aukit-copy-*"))) > 1 and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.1)
    assert len(list(copies.glob("aukit-copy-*"))) == 1  # that of this process
    here, there = faces(tmp_path / "here"), faces(tmp_path / "there")
    assert len(there) == 70
    assert list(there.subject) == [f"{photos}/{Path(name).name}" for name in here.subject]
    for column in ("image", "frame", "time_s", "status", "width"):
        assert there[column].equals(here[column])
    # A single file, and what was stored for it is used again until it changes.
    one = f"{photos}/0.png"
    assert align(capsys, one, "-o", tmp_path / "one")[0] == 0
    s3.buckets["lab"]["photos/0.png"] = s3.buckets["lab"]["photos/1.png"]
    assert align(capsys, one, "-o", tmp_path / "one")[0] == 0
    np.testing.assert_array_equal(faces(tmp_path / "one").image, here.image[1:2])


def test_a_file_that_vanishes_is_dropped_with_a_reason(
    tiny: None, s3: S3, photos: str, tmp_path: Path, capsys: Capture
) -> None:
    def vanish(method: str, path: str) -> None:
        if method != "LIST" and path.endswith("/1.png"):
            s3.buckets["lab"].pop("photos/1.png", None)

    s3.fault = vanish
    assert align(capsys, photos, "-o", tmp_path / "out")[0] == 0
    found = faces(tmp_path / "out")
    dropped = found[found.status == "dropped"]
    assert list(dropped.subject) == [f"{photos}/1.png"]
    assert list(dropped.reason) == ["unreadable file"]


@pytest.mark.parametrize("name", ["1.png", "film.mp4"])
def test_a_lost_connection_ends_the_command_which_continues_later(
    tiny: None, s3: S3, photos: str, name: str, tmp_path: Path, capsys: Capture
) -> None:
    def lost(method: str, path: str) -> int | None:
        return 500 if method == "GET" and path.endswith(name) else None

    s3.fault = lost
    code, said = align(capsys, photos, "-o", tmp_path / "out")
    assert code == 7
    assert f"error: {photos}/{name}: no answer after 3 attempts" in said
    assert "Traceback" not in said
    s3.fault = lambda method, path: None
    assert align(capsys, photos, "-o", tmp_path / "out")[0] == 0
    assert set(faces(tmp_path / "out").status) == {"ok"}


def test_what_cannot_be_read_is_told_in_one_line(
    tiny: None, s3: S3, photos: str, tmp_path: Path, capsys: Capture
) -> None:
    out = ("-o", tmp_path / "out")
    assert align(capsys, "s3://nowhere/x", *out) == (
        4, "error: no such file or folder: s3://nowhere/x\n"
    )  # fmt: skip
    assert align(capsys, "rtsp://x/y", *out)[0] == 2
    s3.fault = lambda method, path: 403
    code, said = align(capsys, photos, *out)
    assert code == 7
    assert said.startswith(f"error: {photos}: access refused (PermissionError: ")
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_table_and_its_pictures_may_lie_in_different_places(
    s3: S3, photos: str, tmp_path: Path, capsys: Capture
) -> None:
    rows = "file,frame,person,AU12\n1.png,,a,2\nfilm.mp4,3,b,0\nmissing.png,,c,1\n"
    (tmp_path / "labels.csv").write_text(rows)
    s3.buckets["lab"]["photos/labels.csv"] = rows.encode()
    check = ["data", "check", "table", "--decode", "2", "--data.root"]
    said = []
    for words in (
        [str(tmp_path / "labels.csv"), "--data.pictures", str(tmp_path / "photos")],
        [str(tmp_path / "labels.csv"), "--data.pictures", photos],
        [f"{photos}/labels.csv"],
    ):
        assert main([*check, *words]) == 1
        said.append(capsys.readouterr().out.splitlines()[-1])
    assert said[0].startswith("Not usable: missing files")
    assert said[1] == said[2] == said[0].replace(str(tmp_path / "photos"), photos)
