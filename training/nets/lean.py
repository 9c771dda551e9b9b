"""The lean net: plain 3x3 convolutions, batch norm and ReLU, made for CPUs.

Standard convolutions with ReLU are what CPU libraries do best: depthwise convolutions starve their
multiply units and PReLU is not fused by every runtime. The head is MobileFaceNet's: a 1x1
convolution, one depthwise convolution over the whole map, a linear layer and a batch norm.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

# Four halvings (stem and three stages) take 112 px to 7 px.
TOTAL_STRIDE = 16


def conv_norm(
    channels_in: int, channels_out: int, *, kernel: int = 3, stride: int = 1
) -> nn.Sequential:
    """Build a convolution without bias, followed by batch norm."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out),
    )


class WholeMapConvolution(nn.Module):
    """A depthwise convolution as large as its map: one weighted sum a channel.

    Where the map is smaller than the kernel, because smaller crops go in, the kernel is averaged
    down to it and scaled so that its sum stays the same. So a net can begin its training on small,
    cheap crops and end it on full ones with the same weights.

    Attributes:
        side: of the map of full-sized crops.

    Reference:
        Chen et al. 2018, "MobileFaceNets", section 3.1 (global depthwise convolution).
    """

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.weight = nn.Parameter(torch.empty(channels, 1, side, side))
        nn.init.normal_(self.weight, 1 / side**2, 1 / side)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, C, h, w) with h, w <= side to (B, C)."""
        weight: torch.Tensor = self.weight
        if not torch.onnx.is_in_onnx_export() and x.shape[-1] != self.side:
            weight = F.adaptive_avg_pool2d(weight, (x.shape[-2], x.shape[-1]))
            weight = weight * (self.side**2 / (x.shape[-2] * x.shape[-1]))
        return F.conv2d(x, weight, groups=weight.shape[0]).flatten(1)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut.

    Reference:
        He et al. 2016, "Deep Residual Learning for Image Recognition", fig. 2 left.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv_norm(channels, channels)
        self.second = conv_norm(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, C, H, W) to (B, C, H, W)."""
        inner = torch.relu(self.first(x))
        return torch.relu(x + self.second(inner))


class LeanNet(nn.Module):
    """Plain residual net with a whole-map depthwise head.

    Attributes:
        embedding_dim: length of the output vector.
    """

    def __init__(
        self,
        *,
        widths: tuple[int, ...] = (24, 48, 96, 192),
        blocks: tuple[int, ...] = (1, 2, 3, 2),
        head_width: int = 512,
        embedding_dim: int = 512,
        crop_size_px: int = 112,
    ) -> None:
        """Build the net.

        Args:
            widths: channels of the four stages, at 1/2, 1/4, 1/8 and 1/16 of the Crop's side.
            blocks: residual blocks of each stage.
            head_width: channels before the whole-map convolution.
            embedding_dim: length of the output vector.
            crop_size_px: side of the Crop; a multiple of 16.
        """
        super().__init__()
        self.embedding_dim = embedding_dim
        layers: list[nn.Module] = []
        channels = 3
        for width, n_blocks in zip(widths, blocks, strict=True):
            layers += [conv_norm(channels, width, stride=2), nn.ReLU(inplace=True)]
            layers += [ResidualBlock(width) for _ in range(n_blocks)]
            channels = width
        self.stages = nn.Sequential(*layers)
        self.head = nn.Sequential(
            conv_norm(channels, head_width, kernel=1),
            nn.ReLU(inplace=True),
            WholeMapConvolution(head_width, crop_size_px // TOTAL_STRIDE),
            nn.BatchNorm1d(head_width),
            nn.Linear(head_width, embedding_dim, bias=False),
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
