"""Build the weights that `features` uses by default: `data/backbone/mobilenet_v2.safetensors`.

Usage: python build_backbone.py MOBILENET.pth OUT.safetensors

MOBILENET.pth is torchvision's MobileNetV2 of ImageNet: `aukit weights fetch mobilenet-v2-imagenet`.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from aukit.store.models import read_weights, save_tensors
from aukit_features.trunk import Trunk

SIZE, STRIDES = 160, (8, 16)


def main() -> None:
    source, out = map(Path, sys.argv[1:3])
    trunk = Trunk("mobilenet_v2", read_weights(source), SIZE, STRIDES, cells=1)
    # `features` rounds any weights to half precision, so nothing more is lost.
    tensors = {
        key: value.half() if value.is_floating_point() else value
        for key, value in trunk.net.state_dict().items()
    }
    save_tensors(out, tensors)
    content = out.read_bytes()
    print(hashlib.sha256(content).hexdigest(), len(content))


if __name__ == "__main__":
    main()
