"""`aukit predict`: what a run has learned, on the same pictures as files of anybody."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas
import pytest
import torch
from PIL import Image
from torch import Tensor

from aukit import api
from aukit.cli.main import main
from aukit.contracts.landmarker import Faces
from aukit.errors import ConfigError, DataError
from aukit.estimation.estimator import NetworkEstimator
from aukit.media import predict as engine
from aukit.registry.loading import Registry
from aukit.runs.models import load_from_run
from aukit.vision.images import encode

TINY = Path(__file__).parents[1] / "end_to_end" / "tiny_plugin.py"
SMALL = {
    "preset": "quick", "device": "cpu", "data": "drawn", "landmarker": "everywhere",
    "aligner": "centre", "data.people": 2, "data.frames": 12, "balancer.per_level": 3, "draws": 20,
    "card": 0, "executor": "inline", "estimator.size": 32, "estimator.width": 0.125,
    "estimator.epochs": 1, "estimator.ticks": 1, "normalizer": "mean-texture",
}  # fmt: skip
Capture = pytest.CaptureFixture[str]
Shown = dict[tuple[str, int], Tensor]


def finished(output: Path, **changes: object) -> Path:
    """The folder of a run with the tiny components."""
    from aukit.config.resolve import nest, resolve
    from aukit.pipeline.execute import execute

    sys.path.insert(0, str(TINY.parent))
    import tiny_plugin

    registry = tiny_plugin.registry()
    settings = {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}}
    return execute(resolve(registry, [("test", nest(settings))]), output, registry).folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that takes the mean of a person away."""
    return finished(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that knows no person."""
    return finished(tmp_path_factory.mktemp("runs"), normalizer="none")


@pytest.fixture(scope="module")
def shown() -> Shown:
    """(subject, frame) -> the pictures of the test people of those runs."""
    sys.path.insert(0, str(TINY.parent))
    import tiny_plugin

    from aukit.contracts.context import Context

    config = tiny_plugin.DrawnConfig(people=2, frames=12)
    dataset: Any = tiny_plugin.Drawn(config, Context())
    found = {}
    for frames in dataset.read(dataset.index()):
        for row, image in zip(frames.rows.to_pylist(), frames.images, strict=True):
            if row["partition"] == "test":
                found[row["subject"], row["frame"]] = image
    return found


def save_picture(path: Path, image: Tensor) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(image[None])[0])
    return path


def save_pictures(folder: Path, shown: Shown) -> Path:
    """A folder of pictures for each person."""
    for (subject, frame), image in shown.items():
        save_picture(folder / subject / f"{frame:03d}.png", image)
    return folder


def save_video(path: Path, images: list[Tensor]) -> Path:
    """A video that loses nothing."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = images[0].shape[1:]
        stream.pix_fmt = "bgr0"
        for image in images:
            pixels = image.permute(1, 2, 0).contiguous().numpy()
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def save_videos(folder: Path, shown: Shown) -> list[Path]:
    """A video for each person."""
    folder.mkdir(exist_ok=True)
    people = sorted({subject for subject, _ in shown})
    return [
        save_video(folder / f"{who}.mkv", [i for (name, _), i in shown.items() if name == who])
        for who in people
    ]


def call(output: Path, *words: object) -> int:
    return main(["predict", "-o", str(output), "--device", "cpu", *map(str, words)])


def predict(output: Path, *words: object) -> pandas.DataFrame:
    assert call(output, *words) == 0
    return pandas.read_parquet(output / "predictions.parquet")


def of_pictures(table: pandas.DataFrame) -> pandas.DataFrame:
    """Estimates by person and frame, which the names of the files tell."""
    paths = table["file"].map(Path)
    frames = paths.map(lambda path: int(path.stem))
    return table.assign(subject=paths.map(lambda path: path.parent.name), frame=frames)


def of_videos(table: pandas.DataFrame) -> pandas.DataFrame:
    return table.assign(subject=table["file"].map(lambda name: Path(name).stem))


def assert_as_in_the_run(table: pandas.DataFrame, run: Path) -> None:
    found = table.set_index(["subject", "frame"])
    own = pandas.read_parquet(run / "predictions.parquet").set_index(["subject", "frame"])
    assert len(found) == len(own) == 24
    for au in ("AU01", "AU12"):
        wanted = own.loc[found.index]
        np.testing.assert_allclose(found[f"{au}_predicted"], wanted[f"{au}_predicted"], atol=1e-5)
        assert (found[f"{au}_level"] == wanted[f"{au}_level"]).all()


def test_pictures_get_the_estimates_that_the_run_gave_them(
    tiny: None, run: Path, shown: Shown, tmp_path: Path
) -> None:
    photos = save_pictures(tmp_path / "photos", shown)
    table = predict(tmp_path / "out", photos, "--run", run, "--people", "folder")
    assert_as_in_the_run(of_pictures(table), run)
    text = pandas.read_csv(tmp_path / "out" / "predictions.csv")
    assert list(text.columns) == list(table.columns)
    np.testing.assert_allclose(text.AU12_predicted, table.AU12_predicted, rtol=1e-6)
    assert not (tmp_path / "out" / ".aukit" / "predict").exists()


def test_videos_get_them_too(tiny: None, run: Path, shown: Shown, tmp_path: Path) -> None:
    table = predict(tmp_path / "out", *save_videos(tmp_path, shown), "--run", run)
    assert_as_in_the_run(of_videos(table), run)
    np.testing.assert_allclose(table.time_s, table.frame / 25, atol=1e-3)
    assert set(table.status) == {"ok"}


def test_a_kill_and_the_same_command_give_the_same_bytes(
    tiny: None, run: Path, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aukit.faces import shards

    monkeypatch.setattr(shards, "CHUNK", 8)
    words = [*save_videos(tmp_path, shown), "--run", run]
    predict(tmp_path / "whole", *words)
    done = []

    def killed(*arguments: Any) -> Any:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(estimated(*arguments))
        return done[-1]

    estimated = engine.estimated
    monkeypatch.setattr(engine, "estimated", killed)
    assert call(tmp_path / "out", *words) != 0
    assert not (tmp_path / "out" / "predictions.parquet").exists()
    monkeypatch.setattr(engine, "estimated", lambda *a: done.append(0) or estimated(*a))
    predict(tmp_path / "out", *words)
    assert len(done) == 3  # of three shards, two were there
    for name in ("predictions.parquet", "predictions.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_neutral_frame_takes_the_place_of_the_mean(
    tiny: None, run: Path, shown: Shown, tmp_path: Path
) -> None:
    first, _ = save_videos(tmp_path, shown)
    rest = save_picture(tmp_path / "rest.png", shown["P00", 3])
    numbered = predict(tmp_path / "one", first, "--run", run, "--neutral", 3)
    pictured = predict(tmp_path / "two", first, "--run", run, "--neutral", rest)
    mean = predict(tmp_path / "three", first, "--run", run)
    pandas.testing.assert_frame_equal(numbered, pictured)
    assert (numbered.AU12_predicted - mean.AU12_predicted).abs().max() > 1e-4


def test_columns_of_openface(tiny: None, plain_run: Path, shown: Shown, tmp_path: Path) -> None:
    black = torch.zeros_like(shown["P00", 0])
    video = save_video(tmp_path / "a.mkv", [shown["P00", 0], black, shown["P00", 2]])
    table = predict(tmp_path / "out", video, "--run", plain_run, "--columns", "openface")
    text = pandas.read_csv(tmp_path / "out" / "predictions.csv")
    assert list(text.columns[:6]) == [
        *("file", "frame", "face_id", "timestamp", "confidence", "success"),
    ]  # fmt: skip
    assert list(text.columns[6:]) == ["AU01_r", "AU12_r", "AU01_c", "AU12_c"]
    assert list(text.frame) == [1, 2, 3]
    assert list(text.success) == [1, 0, 1]
    assert list(table.reason.fillna("")) == ["", "no face", ""]
    assert list(text.AU12_r.isna()) == [False, True, False]
    assert set(text.AU12_c.dropna()) <= {0, 1}


def refused(capsys: Capture, output: Path, *words: object) -> str:
    """The one line, and perhaps a hint, that is told instead of a result."""
    assert call(output, *words) in (2, 4)
    lines = [line for line in capsys.readouterr().err.splitlines() if "done" not in line]
    assert len(lines) <= 2, lines
    return " ".join(lines)


def test_nothing_of_others_is_overwritten(
    tiny: None, plain_run: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    photo = save_picture(tmp_path / "me.png", shown["P00", 0])
    mine = tmp_path / "thesis"
    mine.mkdir()
    (mine / "predictions.csv").write_text("years of work", encoding="utf-8")
    assert "aukit did not make it" in refused(capsys, mine, photo, "--run", plain_run)
    assert [path.name for path in mine.iterdir()] == ["predictions.csv"]
    assert (mine / "predictions.csv").read_text(encoding="utf-8") == "years of work"
    assert call(photo, photo, "--run", plain_run) == 6
    assert "cannot write to" in capsys.readouterr().err
    predict(tmp_path / "own", photo, "--run", plain_run)
    predict(tmp_path / "own", photo, "--run", plain_run)  # its own is made anew


def test_bad_input_is_told_in_one_line(
    tiny: None, run: Path, plain_run: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    photo = save_picture(tmp_path / "me.png", shown["P00", 0])
    black = save_picture(tmp_path / "black.png", torch.zeros_like(shown["P00", 0]))
    (video,) = save_videos(tmp_path, {key: shown[key] for key in (("P00", 0), ("P00", 1))})
    out = tmp_path / "out"
    assert "no face was found in 1 frames" in refused(capsys, out, black, "--run", plain_run)
    assert "is not a run folder" in refused(capsys, out, photo, "--run", tmp_path)
    assert "compares a face with no other" in refused(
        capsys, out, photo, "--run", plain_run, "--neutral", 0
    )
    assert "has no face that could be used" in refused(
        capsys, out, photo, "--run", run, "--neutral", black
    )
    assert "the neutral frame 7 has no face of" in refused(
        capsys, out, video, "--run", run, "--neutral", 7
    )
    assert "no such file" in refused(capsys, out, tmp_path / "nobody.png", "--run", plain_run)


def test_models_that_do_not_fit_are_refused(
    tiny: None, plain_run: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    photo = save_picture(tmp_path / "me.png", shown["P00", 0])
    copy = tmp_path / "runs"
    shutil.copytree(plain_run.parent, copy)
    run = copy / plain_run.name
    model = load_from_run("estimator", run, Registry(), "cpu").folder
    card = json.loads((model / "card.json").read_text())
    changed = {**card, "alignment": {**card["alignment"], "template": "square"}}
    (model / "card.json").write_text(json.dumps(changed))
    message = refused(capsys, tmp_path / "out", photo, "--run", run)
    assert "aligned otherwise (model / given): template square / round" in message
    (model / "card.json").write_text(json.dumps(card))
    weights = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    assert "cannot be read" in refused(capsys, tmp_path / "out", photo, "--run", run)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def model(tiny: None, run: Path, tmp_path: Path) -> Path:
    """The exported model, far from its run."""
    made = tmp_path / "made"
    assert main(["export", str(run), "-o", str(made)]) == 0
    moved = tmp_path / "another" / "machine" / "model"
    moved.parent.mkdir(parents=True)
    made.rename(moved)
    return moved


def test_an_exported_model_estimates_as_its_run_did(
    model: Path, run: Path, shown: Shown, tmp_path: Path
) -> None:
    table = predict(tmp_path / "out", *save_videos(tmp_path, shown), "--run", model)
    assert_as_in_the_run(of_videos(table), run)


def test_the_card_of_a_model(model: Path, run: Path) -> None:
    card = json.loads((model / "card.json").read_text())
    assert card["aus"] == ["AU01", "AU12"]
    assert card["kinds"] == {"AU01": "intensity", "AU12": "intensity"}
    assert card["test people"] == card["training people"] == 2
    assert card["alignment"]["template"] == "round"
    scores = json.loads((run / "scores.json").read_text())
    assert card["scores"]["AU12"] == scores["AU12"]
    text = (model / "README.md").read_text()
    assert f"{scores['AU12']['mae']['value']:.3f}" in text
    assert "On 2 people of tiny-faces/drawn" in text
    names = sorted(path.relative_to(model).as_posix() for path in model.rglob("*"))
    assert names == [
        *("README.md", "card.json", "estimator", "estimator/card.json"),
        *("estimator/model.safetensors", "model.toml"),
    ]  # fmt: skip


def test_models_of_the_future_and_half_models_are_refused(
    model: Path, run: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    photo = save_picture(tmp_path / "me.png", shown["P00", 0])
    text = (model / "model.toml").read_text()
    (model / "model.toml").write_text(text.replace("format = 1", "format = 2"))
    message = refused(capsys, tmp_path / "out", photo, "--run", model)
    assert "has format 2; this aukit reads up to 1" in message
    (model / "model.toml").write_text(text[: text.index("[estimator]")])
    assert "does not say estimator" in refused(capsys, tmp_path / "out", photo, "--run", model)
    assert main(["export", str(run), "-o", str(model)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_from_python_in_one_line(tiny: None, run: Path, shown: Shown, tmp_path: Path) -> None:
    images = [image for (subject, _), image in shown.items() if subject == "P00"]
    (video,) = save_videos(tmp_path, {k: v for k, v in shown.items() if k[0] == "P00"})
    expected = api.predict(run, video).to_pandas()
    arrays = np.stack([image.permute(1, 2, 0).numpy() for image in images])
    stack = torch.stack(images)
    for pictures in (images, arrays, list(map(Image.fromarray, arrays)), stack, stack / 255):
        found = api.predict(run, pictures).to_pandas()
        np.testing.assert_allclose(found.AU12_predicted, expected.AU12_predicted, atol=1e-5)
    assert api.predict(run, images[0], neutral=0).num_rows == 1
    with pytest.raises(ConfigError, match="give PIL pictures"):
        api.predict(run, [images[0].int()])
    with pytest.raises(ConfigError, match=r"floats from .* to .* \(floats must be 0..1\)"):
        api.predict(run, [images[0].float()])


def test_from_python_other_faces_are_refused(tiny: None, model: Path, run: Path) -> None:
    other = api.choose("aligner", "centre", template="square")
    for folder in (run, model):
        with pytest.raises(DataError, match="template round / square"):
            api.load("estimator", folder, aligner=other)
        fitting = api.choose("aligner", "centre")
        assert api.load("estimator", folder, aligner=fitting).aus == ("AU01", "AU12")


def test_an_onnx_model_estimates_as_its_run_did(
    tiny: None, run: Path, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxscript")
    made = tmp_path / "made"
    assert main(["export", str(run), "-o", str(made), "--onnx"]) == 0
    model = made.rename(tmp_path / "model")
    card = json.loads((model / "card.json").read_text())
    assert card["onnx"]["estimator"]["largest difference from torch"] <= 1e-4
    assert list(card["onnx"]["estimator"]["inputs"]) == ["images"]
    monkeypatch.setattr(NetworkEstimator, "_estimated", None)  # torch computes nothing
    videos = save_videos(tmp_path, shown)
    table = predict(tmp_path / "out", *videos, "--run", model, "--onnx")
    assert_as_in_the_run(of_videos(table), run)
    (model / "estimator" / "model.onnx").write_bytes(b"half")
    assert call(tmp_path / "out", *videos, "--run", model, "--onnx") == 4


def test_onnx_is_refused_where_there_is_none(
    model: Path, run: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    photo = save_picture(tmp_path / "me.png", shown["P00", 0])
    out = tmp_path / "out"
    assert "has no ONNX form" in refused(capsys, out, photo, "--run", model, "--onnx")
    assert "is a run, not an ONNX model" in refused(capsys, out, photo, "--run", run, "--onnx")
    assert not out.exists()


def test_a_report_of_videos_and_photos(tiny: None, run: Path, shown: Shown, tmp_path: Path) -> None:
    black = torch.zeros_like(shown["P00", 0])
    frames = [shown["P00", frame] for frame in range(12)]
    video = save_video(tmp_path / "a.mkv", [*frames[:5], black, *frames[5:]])
    photo = save_picture(tmp_path / "me.png", shown["P01", 0])
    page = tmp_path / "page.html"
    table = predict(tmp_path / "out", video, photo, "--run", run, "--report", page)
    text = page.read_text(encoding="utf-8")
    strongest = table[table.file == str(video)].AU12_predicted.max()
    assert f"AU12 {strongest:.1f}" in text
    assert "12 frames with an estimate, of 13." in text
    assert '<td data-name="reason">no face</td>' in text
    assert "me.png: " in text
    assert "data:image/jpeg;base64," in text
    assert "AU estimator of run" in text  # the card
    assert "Scores of the model" in text
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org", "")
    mine = tmp_path / "mine.html"
    mine.write_text("years of work", encoding="utf-8")
    assert call(tmp_path / "out", video, "--run", run, "--report", mine) == 2
    assert call(tmp_path / "out", video, "--run", run, "--report", tmp_path / "page.pdf") == 2
    assert mine.read_text(encoding="utf-8") == "years of work"


def test_a_killed_command_goes_on_to_the_same_bytes(
    tiny: None, run: Path, shown: Shown, tmp_path: Path
) -> None:
    """SIGKILL between the shards of registered faces, through the command line."""
    frames = [shown["P00", frame % 12] for frame in range(200)]
    video = save_video(tmp_path / "long.mkv", frames)
    words = ["predict", str(video), "--run", str(run), "--device", "cpu", "--executor", "inline"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert main([*words, "-o", str(whole)]) == 0
    command = [sys.executable, "-m", "aukit.cli.main", *words, "-o", str(cut)]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    work = cut / ".aukit" / "predict"
    while not list(work.glob("*/part-*.parquet")) and child.poll() is None:
        time.sleep(0.002)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert not (cut / "predictions.parquet").exists()
    before = {path: path.stat().st_mtime_ns for path in work.rglob("part-00000.parquet")}
    assert before
    assert main([*words, "-o", str(cut)]) == 0
    for name in ("predictions.parquet", "predictions.csv"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()


def serve(content: bytes) -> int:
    """The port of a server that sends some bytes to the first who comes."""
    server = socket.create_server(("127.0.0.1", 0))

    def send() -> None:
        with server, server.accept()[0] as client, contextlib.suppress(OSError):
            client.sendall(content)

    threading.Thread(target=send, daemon=True).start()
    port: int = server.getsockname()[1]
    return port


def test_a_stream_is_recorded_and_read(
    tiny: None, plain_run: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "sent.ts"
    with av.open(str(file), "w", format="mpegts") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.width = stream.height = 48
        stream.bit_rate = 2_000_000
        for frame in range(12):
            pixels = shown["P00", frame].permute(1, 2, 0).contiguous().numpy()
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    sent = predict(tmp_path / "sent", file, "--run", plain_run)
    address = f"tcp://127.0.0.1:{serve(file.read_bytes())}"
    out = tmp_path / "out"
    assert call(out, "--stream", address, "--run", plain_run) == 0
    table = pandas.read_parquet(out / "predictions.parquet")
    assert set(table.file) == {str(out / "recording.mkv")}
    assert len(table) == len(sent) == 12
    np.testing.assert_array_equal(table.AU12_predicted, sent.AU12_predicted)
    address = f"tcp://127.0.0.1:{serve(file.read_bytes())}"
    assert call(out, "--stream", address, "--seconds", 0.2, "--run", plain_run) == 0
    # Packets are counted in the order of decoding, which is a frame ahead where there are B-frames.
    assert len(pandas.read_parquet(out / "predictions.parquet")) in (5, 6)
    assert call(out, address, "--run", plain_run) == 4  # a name of a file is no address
    assert "no such file" in capsys.readouterr().err


def test_what_is_no_live_source_is_told(
    tiny: None, plain_run: Path, tmp_path: Path, capsys: Capture
) -> None:
    out, model = tmp_path / "out", ("--run", plain_run)
    assert "or --camera, or --stream" in refused(capsys, out, *model)
    message = refused(capsys, out, "a.mp4", "--camera", 0, *model)
    assert "or --camera, or --stream" in message
    assert "--seconds is of" in refused(capsys, out, "a.mp4", "--seconds", 1, *model)
    assert "cannot be opened" in refused(capsys, out, "--camera", 97, *model)
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    message = refused(capsys, out, "--stream", f"tcp://127.0.0.1:{port}", *model)
    assert "cannot be opened: Connection refused" in message
    assert not (out / "recording.mkv").exists()


def test_videos_without_faces_and_without_pictures(
    tiny: None, plain_run: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    black = save_video(tmp_path / "black.mkv", [torch.zeros_like(shown["P00", 0])] * 3)
    out, model = tmp_path / "out", ("--run", plain_run)
    message = refused(capsys, out, black, *model)
    assert "no face was found in 3 frames (no face: 3)" in message
    table = pandas.read_parquet(out / "predictions.parquet")
    assert list(table.reason) == ["no face"] * 3
    sound = tmp_path / "sound.mkv"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), layout="mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    message = refused(capsys, tmp_path / "other", sound, *model)
    assert "cannot read video: it has no video stream" in message
    page = tmp_path / "page.html"
    assert "no face was found" in refused(capsys, out, black, *model, "--report", page)
    assert "Nothing was estimated" in page.read_text(encoding="utf-8")


def test_ten_faces_in_a_frame(
    tiny: None, plain_run: Path, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = save_video(tmp_path / "choir.mkv", [shown["P00", frame] for frame in range(3)])
    words = (video, "--run", plain_run, "--executor", "inline")
    predict(tmp_path / "one", *words)  # imports the components
    landmarker = sys.modules["tiny_distribution"].Everywhere
    alone = landmarker.detect

    def choir(self: Any, images: list[Tensor]) -> list[Faces]:
        return [ten(face) for face in alone(self, images)]

    def ten(face: Faces) -> Faces:
        shifts = 40.0 * torch.arange(10)[:, None]
        points = {name: each.expand(10, -1, -1) for name, each in face.landmarks.items()}
        return Faces(face.boxes + shifts, torch.linspace(1, 0.5, 10), points)

    monkeypatch.setattr(landmarker, "detect", choir)
    every = predict(tmp_path / "all", *words, "--faces", "all")
    assert every.groupby("frame").face.apply(list).to_list() == [list(range(10))] * 3
    best = predict(tmp_path / "best", *words)
    assert list(best.face) == [0, 0, 0]


def test_exported_models_that_do_not_fit_are_refused(
    model: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    photo = save_picture(tmp_path / "me.png", shown["P00", 0])
    card = model / "estimator" / "card.json"
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace('"round"', '"square"'), encoding="utf-8")
    out = tmp_path / "out"
    assert "template square / round" in refused(capsys, out, photo, "--run", model)
    card.write_text(text, encoding="utf-8")
    weights = model / "estimator" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    assert "cannot be read" in refused(capsys, out, photo, "--run", model)
    weights.unlink()
    assert "cannot be read" in refused(capsys, out, photo, "--run", model)
    assert not out.exists()
