"""The import and the forward pass against TensorFlow itself, where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from aukit_prnet import checkpoint

WIDTH, SIDE = 4, 64


def test_tensorflow_computes_the_same_from_its_own_checkpoint(tmp_path: Path) -> None:
    tensorflow = pytest.importorskip("tensorflow", reason="the test needs TensorFlow")
    tf = tensorflow.compat.v1
    pictures = np.random.default_rng(5).random((2, SIDE, SIDE, 3), np.float32)
    with tensorflow.Graph().as_default(), tf.Session() as session:
        seen = tf.placeholder(tf.float32, (None, SIDE, SIDE, 3))
        maps = _Graph(tf).network(seen)
        session.run(tf.global_variables_initializer())
        tf.train.Saver(write_version=tf.train.SaverDef.V2).save(
            session, str(tmp_path / "256_256_resfcn256_weight")
        )
        expected = session.run(maps, {seen: pictures})

    found = checkpoint.read(tmp_path / "256_256_resfcn256_weight", SIDE).network

    assert found.width == WIDTH
    with torch.inference_mode():
        computed = found(torch.from_numpy(pictures.transpose(0, 3, 1, 2))).numpy()
    assert np.abs(computed.transpose(0, 2, 3, 1) - expected).max() < 1e-6


class _Graph:
    """The published network out of TensorFlow's plain operations, with slim's variable names."""

    def __init__(self, tf: Any) -> None:
        self.tf = tf
        self.random = np.random.default_rng(6)

    def network(self, x: Any) -> Any:
        with self.tf.variable_scope("resfcn256"):
            x = self.tf.nn.relu(self.norm(self.conv(x, WIDTH, 4, 1, "Conv"), "Conv"))
            for number, level in enumerate((2, 2, 4, 4, 8, 8, 16, 16, 32, 32)):
                x = self.block(x, level * WIDTH, 2 - number % 2, _name("resBlock", number))
            plan = [(32, 1), (16, 2), (16, 1), (16, 1), (8, 2), (8, 1), (8, 1), (4, 2), (4, 1)]
            plan += [(4, 1), (2, 2), (2, 1), (1, 2), (1, 1)]
            for number, (level, stride) in enumerate(plan):
                x = self.up(x, level * WIDTH, stride, number, self.tf.nn.relu)
            for number in (14, 15, 16):
                x = self.up(x, 3, 1, number, self.tf.sigmoid if number == 16 else self.tf.nn.relu)
        return x

    def block(self, x: Any, out: int, stride: int, name: str) -> Any:
        with self.tf.variable_scope(name):
            plain = stride == 1 and x.shape[-1] == out
            shortcut = x if plain else self.conv(x, out, 1, stride, "shortcut")
            x = self.tf.nn.relu(self.norm(self.conv(x, out // 2, 1, 1, "Conv"), "Conv"))
            x = self.tf.nn.relu(self.norm(self.conv(x, out // 2, 4, stride, "Conv_1"), "Conv_1"))
            x = self.conv(x, out, 1, 1, "Conv_2") + shortcut
            return self.tf.nn.relu(self.norm(x, ""))

    def conv(self, x: Any, out: int, side: int, stride: int, name: str) -> Any:
        kernel = self.variable(f"{name}/weights", (side, side, int(x.shape[-1]), out))
        return self.tf.nn.conv2d(x, kernel, [1, stride, stride, 1], "SAME")

    def up(self, x: Any, out: int, stride: int, number: int, activation: Any) -> Any:
        name = _name("Conv2d_transpose", number)
        kernel = self.variable(f"{name}/weights", (4, 4, out, int(x.shape[-1])))
        size = int(x.shape[1]) * stride
        shape = self.tf.stack([self.tf.shape(x)[0], size, size, out])
        grown = self.tf.nn.conv2d_transpose(x, kernel, shape, [1, stride, stride, 1], "SAME")
        return activation(self.norm(self.tf.reshape(grown, (-1, size, size, out)), name))

    def norm(self, x: Any, name: str) -> Any:
        scope = f"{name}/BatchNorm" if name else "BatchNorm"
        shape = (int(x.shape[-1]),)
        gamma, beta, mean, variance = (
            self.variable(f"{scope}/{part}", shape)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return self.tf.nn.batch_normalization(x, mean, variance, beta, gamma, 0.001)

    def variable(self, name: str, shape: tuple[int, ...]) -> Any:
        kernel = len(shape) == 4
        spread = 1 / np.sqrt(shape[0] * shape[1] * shape[2]) if kernel else 0.3
        values = (
            self.random.normal(0, spread, shape) if kernel else self.random.uniform(0.5, 1.5, shape)
        )
        initial = self.tf.constant_initializer(values.astype(np.float32))
        return self.tf.get_variable(name, shape, initializer=initial)


def _name(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name
