"""The lean net: plain 3x3 convolutions, batch norm and ReLU, made for CPUs.

Standard convolutions with ReLU are what CPU libraries do best: depthwise convolutions starve their
multiply units and PReLU is not fused by every runtime. The head is MobileFaceNet's: a 1x1
convolution, one depthwise convolution over the whole map, a linear layer and a batch norm.
"""

from __future__ import annotations

import torch
from torch import nn

# Four halvings (stem and three stages) take 112 px to 7 px.
TOTAL_STRIDE = 16


def conv_norm(
    channels_in: int, channels_out: int, *, kernel: int = 3, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Build a convolution without bias, followed by batch norm."""
    padding = 1 if kernel == 3 else 0  # 1x1 and whole-map kernels take none
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(channels_out),
    )


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
        map_side = crop_size_px // TOTAL_STRIDE
        self.head = nn.Sequential(
            conv_norm(channels, head_width, kernel=1),
            nn.ReLU(inplace=True),
            conv_norm(head_width, head_width, kernel=map_side, groups=head_width),
            nn.Flatten(),
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
