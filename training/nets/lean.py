"""The lean net: plain 3x3 convolutions, batch norm and ReLU, made for CPUs.

Standard convolutions with ReLU are what CPU libraries do best: depthwise convolutions starve their
multiply units and PReLU is not fused by every runtime. The head is MobileFaceNet's: a 1x1
convolution, one depthwise convolution over the whole map, a linear layer and a batch norm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

# Four halvings (stem and three stages) take 112 px to 7 px.
TOTAL_STRIDE = 16
DEFAULT_WIDTHS = (24, 48, 96, 192)
DEFAULT_BLOCKS = (1, 2, 3, 2)
# A stage begins with a convolution that halves, and a ReLU.
LAYERS_BEFORE_BLOCKS = 2


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
        if self.training:
            # One product and one sum: the gradient of the convolution is made ten times slower.
            weight = self._fitting(weight, x)
            return (x * weight[:, 0]).sum(dim=(2, 3))
        if not torch.onnx.is_in_onnx_export():
            weight = self._fitting(weight, x)
        return F.conv2d(x, weight, groups=weight.shape[0]).flatten(1)

    def _fitting(self, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        if x.shape[-1] == self.side:
            return weight
        weight = F.adaptive_avg_pool2d(weight, (x.shape[-2], x.shape[-1]))
        return weight * (self.side**2 / (x.shape[-2] * x.shape[-1]))


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
        widths: channels of the four stages.
        blocks: residual blocks of each stage.
    """

    def __init__(
        self,
        *,
        widths: tuple[int, ...] = DEFAULT_WIDTHS,
        blocks: tuple[int, ...] = DEFAULT_BLOCKS,
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
        self.widths, self.blocks = tuple(widths), tuple(blocks)
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

    def grown_state(
        self, state: Mapping[str, torch.Tensor], settings: Mapping[str, Any]
    ) -> dict[str, torch.Tensor] | None:
        """Carry the weights of a net with fewer blocks over, so that both give the same output.

        Each stage's own blocks come first; those it has more begin as the identity: the scale of
        their last batch norm is 0, and a ReLU leaves what a ReLU has given.

        Args:
            state: weights of the shallower net.
            settings: of the shallower net.

        Returns:
            Weights for this net; None where the other is no shallower net of the same widths.

        Reference:
            Chen et al. 2016, "Net2Net: Accelerating Learning via Knowledge Transfer", section 2.3;
            the scale of 0: Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 5.1.
        """
        blocks = tuple(settings.get("blocks", DEFAULT_BLOCKS))
        widths = tuple(settings.get("widths", DEFAULT_WIDTHS))
        if widths != self.widths or len(blocks) != len(self.blocks):
            return None
        if any(was > now for was, now in zip(blocks, self.blocks, strict=True)):
            return None
        grown = dict(self.state_dict())
        place = {}
        theirs, ours = 0, 0
        for was, now in zip(blocks, self.blocks, strict=True):
            place.update({theirs + n: ours + n for n in range(was + LAYERS_BEFORE_BLOCKS)})
            for n in range(was + LAYERS_BEFORE_BLOCKS, now + LAYERS_BEFORE_BLOCKS):
                scale = f"stages.{ours + n}.second.1.weight"
                grown[scale] = torch.zeros_like(grown[scale])
            theirs, ours = theirs + was + LAYERS_BEFORE_BLOCKS, ours + now + LAYERS_BEFORE_BLOCKS
        for name, value in state.items():
            part, _, rest = name.partition(".")
            if part == "stages":
                number, _, rest = rest.partition(".")
                name = f"stages.{place[int(number)]}.{rest}"
            grown[name] = value
        return grown

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map crops to embeddings, not yet normalised.

        Args:
            x: (B, 3, S, S) float, (pixel - 127.5) / 127.5, RGB.

        Returns:
            (B, embedding_dim) float.
        """
        features: torch.Tensor = self.stages(x)
        return self.head(features)  # type: ignore[no-any-return]
