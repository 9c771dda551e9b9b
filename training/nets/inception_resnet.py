"""Inception-ResNet-v1, the net of FaceNet's open reimplementations, from facenet-pytorch."""

from __future__ import annotations

import torch
from facenet_pytorch import InceptionResnetV1
from torch import nn

from facerec.errors import ConfigError

# Below this no position is left after the last unpadded convolution.
SMALLEST_CROP_PX = 75
# Batches are (pixel - 127.5) / 127.5; the net was published for (pixel - 127.5) / 128.
RESCALE = 127.5 / 128


class InceptionResnet(nn.Module):
    """facenet-pytorch's InceptionResnetV1 without weights of others, on (pixel - 127.5) / 128.

    It ends before the package's own L2 norm, as every net here does: heads and the exported model
    normalise, and a plain softmax needs lengths.

    Attributes:
        embedding_dim: length of the output vector.

    Reference:
        Szegedy et al. 2017, "Inception-v4, Inception-ResNet and the Impact of Residual Connections
        on Learning", section 3.2; 160-px crops: Sandberg's facenet.
    """

    def __init__(
        self, *, dropout: float = 0.6, embedding_dim: int = 512, crop_size_px: int = 160
    ) -> None:
        """Build the net.

        Args:
            dropout: share of the 1792 pooled features that is dropped in training.
            embedding_dim: length of the output vector.
            crop_size_px: side of the Crop, 75 px or more; any such side goes in.

        Raises:
            ConfigError: a smaller side.
        """
        super().__init__()
        if crop_size_px < SMALLEST_CROP_PX:
            raise ConfigError(
                f"Inception-ResNet takes crops of {SMALLEST_CROP_PX} px or more; got "
                f"{crop_size_px}.",
                remedy="Set net.crop_size_px=160.",
            )
        self.embedding_dim = embedding_dim
        self.backbone = InceptionResnetV1(classify=False, dropout_prob=dropout)
        n_features = self.backbone.last_linear.in_features
        self.backbone.last_linear = nn.Linear(n_features, embedding_dim, bias=False)
        self.backbone.last_bn = nn.BatchNorm1d(embedding_dim, eps=1e-3)
        # The package returns its logits un-normalised; these are the embeddings themselves.
        self.backbone.logits = nn.Identity()
        self.backbone.classify = True

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map crops to embeddings, not yet normalised.

        Args:
            x: (B, 3, S, S) float, (pixel - 127.5) / 127.5, RGB.

        Returns:
            (B, embedding_dim) float.
        """
        return self.backbone(x * RESCALE)  # type: ignore[no-any-return]
