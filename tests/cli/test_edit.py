"""`aukit edit`: photos with other AUs, and everything that is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import av
import pytest
import torch
from PIL import Image
from torch import Tensor

from aukit.cli.commands.edit import intensities
from aukit.cli.main import main
from aukit.errors import ConfigError
from aukit.runs.results import read_stages
from aukit.vision.images import encode, read

SIZE = 48
Capture = pytest.CaptureFixture[str]


def cartoon(seed: int = 0) -> Tensor:
    """A smooth picture, in which the landmarker `everywhere` finds a face."""
    random = torch.Generator().manual_seed(seed)
    corners = torch.randint(60, 200, (1, 3, 2, 2), generator=random).float()
    whole = torch.nn.functional.interpolate(corners, (SIZE, SIZE), mode="bilinear")
    return whole[0].round().to(torch.uint8)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "me.png"
    path.write_bytes(encode(cartoon()[None])[0])
    return path


@pytest.fixture
def edit(tiny: None, painted_run: Path) -> Callable[..., int]:
    def run(*arguments: str | Path) -> int:
        fixed = ["edit", "--synth", str(painted_run), "--device", "cpu"]
        return main([*fixed, *map(str, arguments)])

    return run


def pixels(path: Path) -> Tensor:
    picture = read(path)
    assert picture.image is not None, picture.reason
    return picture.image


def test_a_picture_with_the_wished_aus(
    edit: Callable[..., int], photo: Path, tmp_path: Path, capsys: Capture
) -> None:
    low, high = tmp_path / "low.png", tmp_path / "sub" / "high.png"
    assert edit(photo, "--au", "12=1", "-o", low) == 0
    assert edit(photo, "--au", "AU12=5", "--au", "1=2.5", "-o", high) == 0
    assert capsys.readouterr().out.splitlines() == [str(low), str(high)]
    original, one, five = cartoon().float(), pixels(low).float(), pixels(high).float()
    assert tuple(one.shape) == (3, SIZE, SIZE)
    assert 0 < (one - original).abs().mean() < (five - original).abs().mean()


def test_a_model_that_travels_paints_as_its_run(
    edit: Callable[..., int], photo: Path, painted_run: Path, tmp_path: Path
) -> None:
    assert main(["export", str(painted_run), "-o", str(tmp_path / "made")]) == 0
    model = (tmp_path / "made").rename(tmp_path / "model")
    own, travelled = tmp_path / "own.png", tmp_path / "travelled.png"
    assert edit(photo, "--au", "12=5", "-o", own) == 0
    assert edit(photo, "--synth", model, "--au", "12=5", "-o", travelled) == 0
    assert (pixels(own).int() - cartoon().int()).abs().max() > 20
    assert torch.equal(pixels(own), pixels(travelled))


def test_a_model_without_a_synthesizer_cannot_edit(
    edit: Callable[..., int], photo: Path, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "out.png"
    assert edit(photo, "--synth", "strangers", "--au", "12=5", "-o", out) == 4
    assert "strangers has no synth" in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


def test_json_names_what_was_written(
    edit: Callable[..., int], photo: Path, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "out.jpg"
    assert edit(photo, "--au", "12=3", "-o", out, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"photos": [{"input": str(photo), "output": str(out), "reason": None}]}
    assert Image.open(out).format == "JPEG"


def test_a_strip_has_the_face_and_six_levels(
    edit: Callable[..., int], photo: Path, tmp_path: Path
) -> None:
    single, strip = tmp_path / "single.png", tmp_path / "strip.png"
    assert edit(photo, "--strip", "12", "--au", "1=2", "-o", strip) == 0
    assert edit(photo, "--au", "12=3", "--au", "1=2", "-o", single) == 0
    sheet = pixels(strip)
    assert tuple(sheet.shape[1:]) == (SIZE + 14 + 8, 7 * (SIZE + 4) + 4)
    tiles = [sheet[:, 4 : 4 + SIZE, 4 + k * (SIZE + 4) :][:, :, :SIZE] for k in range(7)]
    assert torch.equal(tiles[0], cartoon())
    assert torch.equal(tiles[4], pixels(single))


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_a_film_goes_there_and_back(
    suffix: str, edit: Callable[..., int], photo: Path, tmp_path: Path
) -> None:
    film = tmp_path / f"film{suffix}"
    wish = ["--au", "12=5", "--from", "12=1", "--frames", "4"]
    assert edit(photo, *wish, "-o", film) == 0
    with av.open(str(film)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 6
    shown = [torch.from_numpy(frame).permute(2, 0, 1).float() for frame in frames]
    for level, frame in zip((1, 5), (shown[0], shown[3]), strict=True):
        still = tmp_path / f"{level}.png"
        assert edit(photo, "--au", f"12={level}", "-o", still) == 0
        # The untrained painter makes noise, which a palette keeps better than compression does.
        assert (pixels(still).float() - frame).abs().mean() < (12 if suffix == ".gif" else 45)
    steps = [float((frame - shown[0]).abs().mean()) for frame in shown]
    assert steps[0] < steps[1] < steps[2] < steps[3]


def test_a_folder_of_photos_becomes_a_folder(
    edit: Callable[..., int], tmp_path: Path, capsys: Capture
) -> None:
    photos = tmp_path / "photos"
    (photos / "more").mkdir(parents=True)
    for number, name in enumerate(("a.png", "b.png", "more/a.png")):
        (photos / name).write_bytes(encode(cartoon(number)[None])[0])
    black = torch.zeros((1, 3, SIZE, SIZE), dtype=torch.uint8)
    (photos / "black.png").write_bytes(encode(black)[0])
    (photos / "broken.png").write_bytes(b"nothing of the kind")
    out = tmp_path / "out"
    assert edit(photos, "--au", "12=4", "-o", out) == 0
    captured = capsys.readouterr()
    assert sorted(path.name for path in out.glob("[!.]*")) == ["a-2.png", "a.png", "b.png"]
    assert "black.png: no face" in captured.err
    assert "broken.png: not an image" in captured.err
    single = tmp_path / "one.png"
    assert edit(photos / "b.png", "--au", "12=4", "-o", single) == 0
    assert torch.equal(pixels(single), pixels(out / "b.png"))


def test_registered_faces_need_no_landmarker(
    edit: Callable[..., int], photo: Path, tmp_path: Path, capsys: Capture
) -> None:
    whole, given = tmp_path / "whole.png", tmp_path / "given.png"
    assert edit(photo, "--au", "12=4", "-o", whole) == 0
    assert edit(photo, "--au", "12=4", "--aligned", "-o", given) == 0
    assert torch.equal(pixels(whole), pixels(given))
    large = tmp_path / "large.png"
    large.write_bytes(encode(torch.zeros((1, 3, 50, 64), dtype=torch.uint8))[0])
    assert edit(large, "--au", "12=4", "--aligned", "-o", tmp_path / "x.png") == 4
    assert "64x50 is not the size of registered faces, 48x48" in capsys.readouterr().err


def test_the_face_can_be_pasted_back(edit: Callable[..., int], photo: Path, tmp_path: Path) -> None:
    face, pasted = tmp_path / "face.png", tmp_path / "pasted.png"
    assert edit(photo, "--au", "12=5", "-o", face) == 0
    assert edit(photo, "--au", "12=5", "--paste", "-o", pasted) == 0
    # The aligner `centre` leaves the picture in its place, so inside the border both agree.
    inner = (slice(None), slice(8, -8), slice(8, -8))
    difference = (pixels(face)[inner].float() - pixels(pasted)[inner].float()).abs()
    assert difference.max() <= 1
    border = (pixels(pasted)[:, 0].float() - cartoon()[:, 0].float()).abs()
    assert border.max() < 0.1 * difference_of(face) + 1


def difference_of(path: Path) -> float:
    """The largest change of a pixel of the cartoon."""
    return float((pixels(path).float() - cartoon().float()).abs().max())


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--au", "12=7"], 2, "--au 12=7: intensities range from 0 to 5"),
        (["--au", "12=-1"], 2, "intensities range from 0 to 5"),
        (["--au", "12=nan"], 2, "intensities range from 0 to 5"),
        (["--au", "12"], 2, "expected AU=LEVEL, e.g. --au 12=4"),
        (["--au", "12=much"], 2, "expected AU=LEVEL"),
        (["--au", "smile=2"], 2, "'smile' is not a known action unit"),
        (["--au", "3=2"], 2, "'3' is not a known action unit"),
        (["--au", "12=1", "--au", "AU12=2"], 2, "--au names AU12 twice"),
        (["--au", "6=2"], 2, "the synthesizer does not know AU06 (it was fitted on AU01, AU12)"),
        (["--strip", "6"], 2, "the synthesizer does not know AU06"),
        ([], 2, "nothing to change"),
        (["--strip", "12", "--au", "12=1"], 2, "both a strip and a target"),
        (["--au", "12=1", "--from", "12=0"], 2, "--from is for animations"),
        (["--au", "12=1", "--paste", "--aligned"], 2, "no photo to be pasted into"),
        (["--au", "12=1", "--landmarker", "nobody"], 2, "unknown landmarker 'nobody'"),
        (["--au", "12=1", "--landmarker", "none"], 2, "photos come without landmarks"),
        # An option alone means the default landmarker, not that of the run.
        (["--au", "12=1", "--landmarker.weights", "/absent"], 4, "/absent"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    arguments: list[str],
    code: int,
    expected: str,
    edit: Callable[..., int],
    photo: Path,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    out = tmp_path / "out.png"
    assert edit(photo, *arguments, "-o", out) == code
    told = " ".join(capsys.readouterr().err.split())
    assert expected.partition(" (")[0] in told
    assert not out.exists()


def test_films_and_strips_do_not_mix(
    edit: Callable[..., int], photo: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert edit(photo, "--strip", "12", "-o", tmp_path / "x.gif") == 2
    assert "a strip is a picture, not an animation" in capsys.readouterr().err
    assert edit(photo, "--au", "12=1", "--from", "1=2", "-o", tmp_path / "x.gif") == 2
    assert "--from has AU01, which --au has not" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["smile.webp", "smile.TIFF", "smile.mov"])
def test_a_kind_of_file_that_is_not_written_is_no_folder(
    name: str, edit: Callable[..., int], photo: Path, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / name
    assert edit(photo, "--au", "12=3", "-o", out) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "unsupported format" in told
    assert not out.exists()


def test_a_folder_in_the_place_of_a_picture_is_told(
    edit: Callable[..., int], photo: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "x.png").mkdir()
    assert edit(photo, "--au", "12=3", "-o", tmp_path / "x.png") == 2
    assert "is a folder, not a file" in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.glob(".x.png*")) == []


def test_inputs_that_are_no_photos_are_told(
    edit: Callable[..., int], photo: Path, tmp_path: Path, capsys: Capture
) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"")
    wish = ["--au", "12=3"]
    assert edit(film, *wish, "-o", tmp_path / "x.png") == 2
    assert "is a video, not a photo" in capsys.readouterr().err
    assert edit(tmp_path / "absent.png", *wish, "-o", tmp_path / "x.png") == 4
    assert "no such file or folder" in capsys.readouterr().err
    other = tmp_path / "other.png"
    shutil.copy(photo, other)
    assert edit(photo, other, *wish, "-o", tmp_path / "x.png") == 2
    assert "2 photos cannot go into one file" in capsys.readouterr().err
    assert edit(photo, *wish, "-o", photo) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert torch.equal(pixels(photo), cartoon())
    black = tmp_path / "black.png"
    black.write_bytes(encode(torch.zeros((1, 3, SIZE, SIZE), dtype=torch.uint8))[0])
    assert edit(black, *wish, "-o", tmp_path / "x.png") == 4
    assert "black.png: no face" in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_told(
    tiny: None, photo: Path, tmp_path: Path, capsys: Capture
) -> None:
    call = ["edit", str(photo), "--au", "12=3", "-o", str(tmp_path / "x.png"), "--synth"]
    assert main([*call, str(tmp_path / "nowhere")]) == 2
    assert "is not a run folder" in capsys.readouterr().err


def _broken(run: Path, target: Path) -> tuple[Path, Path]:
    """A copy of a run and of its stages; the copy, and the folder of the saved synthesizer."""
    shutil.copytree(run.parent, target)
    copy = target / run.name
    return copy, read_stages(copy)["fit-synth"].folder / "model"


def test_a_model_cut_in_half_is_told(
    tiny: None, painted_run: Path, photo: Path, tmp_path: Path, capsys: Capture
) -> None:
    run, model = _broken(painted_run, tmp_path / "copy")
    content = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(content[: len(content) // 2])
    call = ["edit", str(photo), "--au", "12=3", "-o", str(tmp_path / "x.png"), "--synth", str(run)]
    assert main(call) == 4
    assert "cannot be read" in capsys.readouterr().err
    shutil.rmtree(model)
    assert main(call) == 4
    assert "holds no model" in capsys.readouterr().err


def test_a_model_for_faces_aligned_otherwise_is_refused(
    tiny: None, painted_run: Path, photo: Path, tmp_path: Path, capsys: Capture
) -> None:
    run, model = _broken(painted_run, tmp_path / "copy")
    card = json.loads((model / "card.json").read_text())
    card["alignment"]["size"] = 64
    (model / "card.json").write_text(json.dumps(card))
    call = ["edit", str(photo), "--au", "12=3", "-o", str(tmp_path / "x.png"), "--synth", str(run)]
    assert main(call) == 4
    told = capsys.readouterr().err
    assert "aligned differently" in told
    assert "size 64 / 48" in told


def test_intensities_are_read_as_people_write_them() -> None:
    assert intensities(("12=4", "au6=2.5", "AU01 = 0"), "--au") == {
        "AU12": 4.0, "AU06": 2.5, "AU01": 0.0,
    }  # fmt: skip
    with pytest.raises(ConfigError):
        intensities(("=4",), "--au")
