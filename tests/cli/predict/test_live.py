"""`aukit predict` on cameras and streams."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

import av
import numpy as np
import pandas
from predicting import Capture, Shown, call, predict, refused


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
    assert call(out, address, "--run", plain_run) == 2  # it takes --stream to open an address
    assert "is a URL" in capsys.readouterr().err


def test_what_is_no_live_source_is_told(
    tiny: None, plain_run: Path, tmp_path: Path, capsys: Capture
) -> None:
    out, model = tmp_path / "out", ("--run", plain_run)
    assert "or --camera, or --stream" in refused(capsys, out, *model)
    message = refused(capsys, out, "a.mp4", "--camera", 0, *model)
    assert "or --camera, or --stream" in message
    assert "--seconds is for" in refused(capsys, out, "a.mp4", "--seconds", 1, *model)
    assert "cannot be opened" in refused(capsys, out, "--camera", 97, *model)
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    message = refused(capsys, out, "--stream", f"tcp://127.0.0.1:{port}", *model)
    assert "cannot be opened: Connection refused" in message
    assert not (out / "recording.mkv").exists()
