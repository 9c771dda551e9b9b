"""The nets a recipe can name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from facerec.registry import Registry
from training.nets.inception_resnet import InceptionResnet
from training.nets.iresnet import BLOCKS, IResNet
from training.nets.lean import LeanNet
from training.nets.mobilefacenet import MobileFaceNet
from training.nets.torchvision_backbone import TorchvisionBackbone

# Each takes embedding_dim, crop_size_px and its settings by keyword; its module maps crops
# (B, 3, S, S), (pixel - 127.5) / 127.5, RGB, to (B, embedding_dim) embeddings, not yet normalised.
NETS: Registry[Callable[..., nn.Module]] = Registry("net")
# What the first recipes and checkpoints mean by it; newer ones name their own shape.
NETS.register("lean")(partial(LeanNet, widths=(32, 48, 96, 192), blocks=(0, 2, 3, 1)))
for depth, blocks in BLOCKS.items():
    NETS.register(f"iresnet{depth}")(partial(IResNet, blocks=blocks))
NETS.register("mobilefacenet")(MobileFaceNet)
NETS.register("inception-resnet-v1")(InceptionResnet)
NETS.register("torchvision")(TorchvisionBackbone)


def settings_of(name: str) -> dict[str, Any]:
    """Return the settings a net takes, with their types.

    Raises:
        ConfigError: no such net.
    """
    parameters = inspect.signature(NETS.get(name), eval_str=True).parameters
    shared = ("embedding_dim", "crop_size_px")
    return {key: each.annotation for key, each in parameters.items() if key not in shared}
