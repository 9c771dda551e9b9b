"""MobileFaceNet: under a million parameters, for phones."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn
from torchvision.ops import Conv2dNormActivation

from training.nets.lean import WholeMapConvolution

# Table 1 of the paper: expansion t, channels c, repeats n, stride s of the bottlenecks.
BOTTLENECKS = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
STEM_CHANNELS = 64
HEAD_CHANNELS = 512
# The stem and three bottlenecks halve: 112 px become 7 px.
TOTAL_STRIDE = 16
# Channels are rounded to a multiple of this, as in the MobileNets.
CHANNEL_STEP = 8


def _convolution(
    channels_in: int, channels: int, *, kernel: int, stride: int = 1, groups: int = 1
) -> Conv2dNormActivation:
    return Conv2dNormActivation(
        channels_in,
        channels,
        kernel,
        stride,
        groups=groups,
        activation_layer=partial(nn.PReLU, channels),
        inplace=None,
    )


class Bottleneck(nn.Module):
    """Widen, filter each channel, narrow without activation; a shortcut where the shape stays.

    Reference:
        Sandler et al. 2018, "MobileNetV2", section 3.3, with PReLU.
    """

    def __init__(self, channels_in: int, channels: int, *, expansion: int, stride: int) -> None:
        super().__init__()
        inner = channels_in * expansion
        self.has_shortcut = stride == 1 and channels_in == channels
        self.layers = nn.Sequential(
            _convolution(channels_in, inner, kernel=1),
            _convolution(inner, inner, kernel=3, stride=stride, groups=inner),
            nn.Conv2d(inner, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, C_in, H, W) to (B, C, H / stride, W / stride)."""
        narrowed: torch.Tensor = self.layers(x)
        return x + narrowed if self.has_shortcut else narrowed


class MobileFaceNet(nn.Module):
    """Inverted residual bottlenecks with a whole-map depthwise head.

    Attributes:
        embedding_dim: length of the output vector; 128 in the paper.

    Reference:
        Chen et al. 2018, "MobileFaceNets: Efficient CNNs for Accurate Real-time Face Verification
        on Mobile Devices", table 1.
    """

    def __init__(
        self, *, width: float = 1.0, embedding_dim: int = 512, crop_size_px: int = 112
    ) -> None:
        """Build the net.

        Args:
            width: factor on the channels of every layer, rounded to multiples of 8.
            embedding_dim: length of the output vector.
            crop_size_px: side of the Crop; smaller ones go in too (see ``WholeMapConvolution``).
        """
        super().__init__()
        self.embedding_dim = embedding_dim

        def scaled(channels: int) -> int:
            return max(CHANNEL_STEP, round(channels * width / CHANNEL_STEP) * CHANNEL_STEP)

        channels, head = scaled(STEM_CHANNELS), scaled(HEAD_CHANNELS)
        layers: list[nn.Module] = [
            _convolution(3, channels, kernel=3, stride=2),
            _convolution(channels, channels, kernel=3, groups=channels),
        ]
        for expansion, unscaled, n_blocks, stride in BOTTLENECKS:
            for block in range(n_blocks):
                layers.append(
                    Bottleneck(
                        channels,
                        scaled(unscaled),
                        expansion=expansion,
                        stride=stride if block == 0 else 1,
                    )
                )
                channels = scaled(unscaled)
        self.stages = nn.Sequential(*layers)
        self.head = nn.Sequential(
            _convolution(channels, head, kernel=1),
            WholeMapConvolution(head, -(-crop_size_px // TOTAL_STRIDE)),
            nn.BatchNorm1d(head),
            nn.Linear(head, embedding_dim, bias=False),
            nn.BatchNorm1d(embedding_dim),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map crops to embeddings, not yet normalised.

        Args:
            x: (B, 3, S, S) float, (pixel - 127.5) / 127.5, RGB.

        Returns:
            (B, embedding_dim) float.
        """
        features: torch.Tensor = self.stages(x)
        return self.head(features)  # type: ignore[no-any-return]
