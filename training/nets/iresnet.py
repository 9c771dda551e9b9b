"""IResNet: the residual nets that face recognition is most often compared on."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.fx
from torch import nn
from torchvision.ops import SqueezeExcitation

from facerec.errors import ConfigError, ShapeError

# Layers -> blocks of each stage (Duta et al. 2020; 18 and 34 as He et al. 2016, table 1).
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 14, 3), 100: (3, 13, 30, 3)}
N_STAGES = 4
# One halving a stage takes 112 px to 7 px.
TOTAL_STRIDE = 16
# Hu et al. 2018, section 6.1: channels of the gate's inner layer are a sixteenth.
SQUEEZE_RATIO = 16


class ImprovedBlock(nn.Module):
    """Norm, convolution, norm, PReLU, convolution, norm around a shortcut.

    The second convolution has the stride; where the shape changes, the shortcut is a 1x1
    convolution.

    Reference:
        The first version of Deng et al. 2019 (arXiv 1801.07698v1), section 3.2; with a gate: Hu et
        al. 2018, "Squeeze-and-Excitation Networks", section 3.
    """

    def __init__(
        self, channels_in: int, channels: int, *, stride: int, squeeze_excite: bool
    ) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.BatchNorm2d(channels_in),
            nn.Conv2d(channels_in, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        if squeeze_excite:
            self.inner.append(SqueezeExcitation(channels, max(1, channels // SQUEEZE_RATIO)))
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, C_in, H, W) to (B, C, H / stride, W / stride)."""
        shortcut: torch.Tensor = self.shortcut(x)
        inner: torch.Tensor = self.inner(x)
        return shortcut + inner


class IResNet(nn.Module):
    """Improved residual blocks, the first at full resolution, and a BN-Dropout-FC-BN head.

    Attributes:
        embedding_dim: length of the output vector.
        crop_size_px: side of the Crops; the linear layer sees the whole map, so it is fixed.

    Reference:
        Deng et al. 2019, "ArcFace: Additive Angular Margin Loss for Deep Face Recognition",
        section 3.1; Duta et al. 2020, "Improved Residual Networks for Image and Video Recognition".
    """

    def __init__(
        self,
        *,
        blocks: tuple[int, ...] = BLOCKS[50],
        widths: tuple[int, ...] = (64, 128, 256, 512),
        squeeze_excite: bool = False,
        dropout: float = 0.4,
        embedding_dim: int = 512,
        crop_size_px: int = 112,
    ) -> None:
        """Build the net.

        Args:
            blocks: residual blocks of each of the four stages, one or more.
            widths: channels of each stage; the stem has those of the first.
            squeeze_excite: a gate on the channels at the end of each unit.
            dropout: share of the last map that is dropped in training.
            embedding_dim: length of the output vector.
            crop_size_px: side of the Crop; a multiple of 16.

        Raises:
            ConfigError: other than four stages, an empty one, or another side.
        """
        super().__init__()
        if len(blocks) != N_STAGES or len(widths) != N_STAGES or min(blocks) < 1:
            raise ConfigError(
                f"IResNet has {N_STAGES} stages of one block or more; got blocks {blocks} and "
                f"widths {widths}.",
                remedy=f"Give {N_STAGES} numbers each.",
            )
        if crop_size_px < TOTAL_STRIDE or crop_size_px % TOTAL_STRIDE:
            raise ConfigError(
                f"IResNet takes crops of a multiple of {TOTAL_STRIDE} px; got {crop_size_px}.",
                remedy="Set net.crop_size_px=112.",
            )
        self.embedding_dim = embedding_dim
        self.crop_size_px = crop_size_px
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, 1, 1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.PReLU(widths[0]),
        )
        stages: list[nn.Module] = []
        channels = widths[0]
        for width, n_blocks in zip(widths, blocks, strict=True):
            for block in range(n_blocks):
                stride = 2 if block == 0 else 1
                stages.append(
                    ImprovedBlock(channels, width, stride=stride, squeeze_excite=squeeze_excite)
                )
                channels = width
        self.stages = nn.Sequential(*stages)
        map_size = (crop_size_px // TOTAL_STRIDE) ** 2
        self.head = nn.Sequential(
            OrderedDict(
                norm=nn.BatchNorm2d(channels),
                dropout=nn.Dropout(dropout),
                flatten=nn.Flatten(),
                linear=nn.Linear(channels * map_size, embedding_dim, bias=False),
                embedding_norm=nn.BatchNorm1d(embedding_dim),
            )
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map crops to embeddings, not yet normalised.

        Args:
            x: (B, 3, S, S) float, (pixel - 127.5) / 127.5, RGB; S is ``crop_size_px``.

        Returns:
            (B, embedding_dim) float.

        Raises:
            ShapeError: the crops have another side.
        """
        _check_side(x, self.crop_size_px)
        features: torch.Tensor = self.stages(self.stem(x))
        return self.head(features)  # type: ignore[no-any-return]


def _check_side(x: torch.Tensor, side: int) -> None:
    if not torch.onnx.is_in_onnx_export() and x.shape[-1] != side:
        raise ShapeError(
            f"This IResNet takes crops of {side} px and got {x.shape[-1]} px.",
            remedy="Set net.crop_size_px to the side of the pack's crops, and "
            "loop.small_fraction=0.",
        )


# Graphs of the net (training.net_info) hold the check as one node.
torch.fx.wrap("_check_side")
