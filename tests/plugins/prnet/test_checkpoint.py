"""Importing what others published, from files in their formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tf_bundles
import torch
from hypothesis import given
from hypothesis import strategies as st
from public_files import write_public_layout
from torch import Tensor, nn

from aukit.cli.main import main
from aukit.errors import DataError
from aukit_prnet import bundle, checkpoint, weights
from aukit_prnet.layout import Layout
from aukit_prnet.network import PositionMapNet

State = dict[str, np.ndarray]


@pytest.fixture
def network() -> PositionMapNet:
    torch.manual_seed(3)
    network = PositionMapNet(width=2, resolution=256).eval()
    for value in network.state_dict().values():
        if value.is_floating_point() and value.ndim == 1:
            value.copy_(0.5 + torch.rand_like(value))
    return network


def test_a_tensorflow_checkpoint_comes_back_as_the_same_network(
    network: PositionMapNet, tmp_path: Path
) -> None:
    tf_bundles.write_bundle(tmp_path / "256_256_resfcn256_weight", published(network))
    pictures = torch.rand(1, 3, 256, 256)

    for name in ("", ".index", ".data-00000-of-00001"):
        found = checkpoint.read(tmp_path / f"256_256_resfcn256_weight{name}", 256)
        assert found.network.width == 2
        with torch.inference_mode():
            assert torch.equal(found.network(pictures), network(pictures))
    assert set(found.sha256) == {path.name for path in tmp_path.iterdir()}


def test_variables_are_called_as_slim_calls_them(network: PositionMapNet) -> None:
    names = set(published(PositionMapNet(16)))

    assert len(names) == 5 + 5 * (4 + 1 + 5 + 5 + 1) + 5 * (4 + 5 + 5 + 1) + 17 * 5
    assert {
        "resfcn256/Conv/weights",
        "resfcn256/Conv/BatchNorm/moving_variance",
        "resfcn256/resBlock/shortcut/weights",
        "resfcn256/resBlock_9/Conv_1/BatchNorm/gamma",
        "resfcn256/resBlock_9/BatchNorm/beta",
        "resfcn256/Conv2d_transpose/weights",
        "resfcn256/Conv2d_transpose_16/BatchNorm/gamma",
    } <= names
    assert "resfcn256/resBlock_1/shortcut/weights" not in names


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_port_to_pytorch_comes_back_as_the_same_network(
    network: PositionMapNet, tmp_path: Path, prefix: str
) -> None:
    port = {prefix + name: value for name, value in ported(network).items()}
    torch.save({"state_dict": port} if prefix else port, tmp_path / "net.pth")
    pictures = torch.rand(1, 3, 256, 256)

    found = checkpoint.read(tmp_path / "net.pth", 256)

    with torch.inference_mode():
        assert torch.equal(found.network(pictures), network(pictures))


def test_the_command_makes_weights_that_the_aligner_can_load(
    network: PositionMapNet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tf_bundles.write_bundle(tmp_path / "net", published(network))
    uv = write_public_layout(tmp_path / "uv-data")
    out = tmp_path / "prnet-public.safetensors"

    line = ["prnet", "import", str(tmp_path / "net"), "--layout", str(uv), "-o", str(out)]
    assert main(line) == 0

    told = capsys.readouterr().out
    assert "excludes commercial use" in told
    assert f"--aligner.weights {out}" in told
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["layout"] == "prnet-public"
    assert "excludes commercial use" in card["licence"]
    assert set(card["imported_from"]) == {"net.index", "net.data-00000-of-00001"}
    found, theirs = weights.load(out), Layout.public(uv)
    pictures = torch.rand(1, 3, 256, 256)
    with torch.inference_mode():
        assert torch.allclose(found.network(pictures), network(pictures), atol=1e-6)
    assert found.layout.depth == theirs.depth == -1
    for name in ("texels", "canonical", "landmarks", "landmark_weights", "triangles"):
        assert torch.equal(getattr(found.layout, name), getattr(theirs, name)), name


def test_the_command_refuses_other_bytes_than_expected(
    network: PositionMapNet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tf_bundles.write_bundle(tmp_path / "net", published(network))
    uv = write_public_layout(tmp_path / "uv-data")
    line = ["prnet", "import", str(tmp_path / "net"), "--layout", str(uv), "--sha256", "ab" * 32]

    assert main([*line, "-o", str(tmp_path / "out.safetensors")]) == 4

    assert "has the sha256 abab" in capsys.readouterr().err
    assert not (tmp_path / "out.safetensors").exists()


def _without_first_layer(state: State) -> State:
    return {name: value for name, value in state.items() if "resfcn256/Conv/" not in name}


def _with_another_kernel(state: State) -> State:
    name = "resfcn256/resBlock_2/Conv_1/weights"
    return {**state, name: state[name][:3, :3]}


def _without_a_shortcut(state: State) -> State:
    return {name: value for name, value in state.items() if "resBlock_4/shortcut" not in name}


def _doubles(state: State) -> State:
    return {name: value.astype(np.float64) for name, value in state.items()}


def _broken_numbers(state: State) -> State:
    name = "resfcn256/Conv2d_transpose_3/BatchNorm/gamma"
    return {**state, name: state[name] * np.float32("nan")}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_without_first_layer, "no resfcn256/Conv/weights"),
        (_with_another_kernel, r"encoder.3.mix.layer.weight is \(4, 4, 3, 3\)"),
        (_without_a_shortcut, "resfcn256/resBlock_4/shortcut/weights is missing"),
        (_doubles, "not an array of 32-bit floats"),
        (_broken_numbers, "decoder.3.norm.weight is not finite"),
    ],
)
def test_another_architecture_is_one_clear_error(
    network: PositionMapNet, tmp_path: Path, change: Callable[[State], State], told: str
) -> None:
    tf_bundles.write_bundle(tmp_path / "net", change(published(network)))

    with pytest.raises(DataError, match=told):
        checkpoint.read(tmp_path / "net", 256)


def test_another_architecture_of_a_port_is_one_clear_error(
    network: PositionMapNet, tmp_path: Path
) -> None:
    state = ported(network)
    swapped = dict(sorted(state.items(), reverse=True))
    short = dict(list(state.items())[:-2])
    for other, told in ((swapped, "up_conv_5.main.9"), (short, "instead of"), ({}, "0 tensors")):
        torch.save(other, tmp_path / "net.pth")
        with pytest.raises(DataError, match=told):
            checkpoint.read(tmp_path / "net.pth", 256)


def test_a_whole_pickled_module_is_not_loaded(network: PositionMapNet, tmp_path: Path) -> None:
    torch.save(network, tmp_path / "net.pth")

    with pytest.raises(DataError, match="does not hold only tensors"):
        checkpoint.read(tmp_path / "net.pth", 256)


@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001"])
def test_files_that_are_cut_short_are_told(
    network: PositionMapNet, tmp_path: Path, suffix: str
) -> None:
    tf_bundles.write_bundle(tmp_path / "net", published(network))
    path = tmp_path / f"net{suffix}"
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(DataError, match=f"net{suffix}"):
        checkpoint.read(tmp_path / "net", 256)


@pytest.mark.parametrize("name", ["net", "net.pth"])
def test_missing_files_are_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"cannot (be )?read"):
        checkpoint.read(tmp_path / name, 256)


ROWS = st.dictionaries(st.binary(min_size=1, max_size=40), st.binary(max_size=200), max_size=300)


@given(ROWS, st.booleans())
def test_tables_of_any_content_are_read(rows: dict[bytes, bytes], compress: bool) -> None:
    data = tf_bundles.table(sorted(rows.items()), compress)

    assert dict(bundle.read_table(data)) == rows


@given(st.data())
def test_a_flipped_bit_in_a_table_never_goes_unnoticed(data: st.DataObject) -> None:
    rows = [(f"variable/{n}".encode(), b"value" * n) for n in range(40)]
    table = bytearray(tf_bundles.table(rows))
    place = data.draw(st.integers(0, len(table) - 49))
    table[place] ^= 1 << data.draw(st.integers(0, 7))

    try:
        found = list(bundle.read_table(bytes(table)))
    except bundle.Damaged:
        return
    # Nobody reads the block of metadata: it alone may be wrong.
    assert found == rows


def test_the_checksum_is_castagnoli_s() -> None:
    assert bundle.crc32c(b"123456789") == 0xE3069283


def published(network: PositionMapNet) -> State:
    """The variables of the network as TensorFlow has them: kernels (H, W, in, out)."""
    state = network.state_dict()
    found = {}
    for name, value in state.items():
        if not name.endswith("num_batches_tracked"):
            array = value.numpy()
            found[checkpoint.variable(name)] = (
                array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
            )
    return found


def ported(network: PositionMapNet) -> dict[str, Tensor]:
    """The state dict of the port that users meet most, built from its module tree."""
    width = network.width
    modules: dict[str, nn.Module] = {"input_conv": _same_conv(3, width, 4, 1, [_norm(width)])}
    before = width
    for block in range(10):
        after, stride = 2 ** (block // 2 + 1) * width, 2 - block % 2
        modules[f"down_conv_{block + 1}"] = _port_block(before, after, stride)
        before = after
    modules["center_conv"] = _up(before, before, 1)
    for number, (multiple, extra) in enumerate(((16, 2), (8, 2), (4, 2), (2, 1), (1, 1))):
        after = multiple * width
        layers = [*_up(before, after, 2)]
        for _ in range(extra):
            layers += [*_up(after, after, 1)]
        modules[f"up_conv_{5 - number}"] = nn.ModuleDict({"main": nn.Sequential(*layers)})
        before = after
    modules["output_conv"] = nn.Sequential(*_up(width, 3, 1), *_up(3, 3, 1), *_up(3, 3, 1))
    state = nn.ModuleDict(modules).state_dict()
    ours = [v for k, v in network.state_dict().items()]
    assert len(ours) == len(state)
    return {name: value.clone() for name, value in zip(state, ours, strict=True)}


def _same_conv(a: int, b: int, kernel: int, stride: int, then: list[nn.Module]) -> nn.Sequential:
    pad: list[nn.Module] = [nn.ConstantPad2d((1, 2, 1, 2), 0)] if (kernel, stride) == (4, 1) else []
    return nn.Sequential(*pad, nn.Conv2d(a, b, kernel, stride, bias=False), *then)


def _norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels)


def _port_block(before: int, after: int, stride: int) -> nn.Module:
    half = after // 2
    parts: dict[str, nn.Module] = {}
    if before != after:
        parts["shortcut"] = nn.Conv2d(before, after, 1, stride, bias=False)
    parts["main"] = nn.Sequential(
        *_same_conv(before, half, 1, 1, [_norm(half), nn.ReLU()]),
        *_same_conv(half, half, 4, stride, [_norm(half), nn.ReLU()]),
        *_same_conv(half, after, 1, 1, []),
    )
    parts["activate"] = nn.Sequential(_norm(after), nn.ReLU())
    return nn.ModuleDict(parts)


def _up(before: int, after: int, stride: int) -> nn.Sequential:
    pad: list[nn.Module] = [nn.ConstantPad2d((2, 1, 2, 1), 0)] if stride == 1 else []
    up = nn.ConvTranspose2d(before, after, 4, stride, bias=False)
    return nn.Sequential(*pad, up, _norm(after), nn.ReLU())
