"""Softmax heads without a margin, and what all softmax heads share: one vector a class.

All arithmetic is float32 or better, whatever the embeddings come in: margins near cosine 1 and
angles near pi need the digits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import nn
from torch.nn import functional as F

from training.distances import full_precision, unit_rows
from training.heads.registry import HEADS


class ClassVectors(nn.Module, ABC):
    """What all softmax heads share: the class vectors and the cross-entropy.

    Attributes:
        weight: (n_classes * n_centers, embedding_dim).
        n_classes: C.
    """

    def __init__(self, *, embedding_dim: int, n_classes: int, n_centers: int = 1) -> None:
        """Draw class vectors from N(0, 0.01)."""
        super().__init__()
        self.n_classes, self.n_centers = n_classes, n_centers
        self.weight = nn.Parameter(torch.empty(n_classes * n_centers, embedding_dim))
        nn.init.normal_(self.weight, std=0.01)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute the mean cross-entropy: (B, D), (B,) labels 0..C-1 -> scalar."""
        if not len(labels):
            return full_precision(embeddings).sum() + self.weight.sum() * 0
        return F.cross_entropy(self.logits(embeddings, labels), labels)

    @abstractmethod
    def logits(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute (B, C) logits, the margin applied to each item's own class."""

    def cosines(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Cosines (B, C) with each class; of several centres the nearest counts."""
        x = unit_rows(embeddings)
        cosines = x @ unit_rows(self.weight.to(x.dtype)).T
        if self.n_centers > 1:
            cosines = cosines.view(len(x), self.n_classes, self.n_centers).amax(dim=2)
        return cosines.clamp(-1, 1)


def with_own(logits: torch.Tensor, labels: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """Put (B,) values in place of each row's own class."""
    return logits.scatter(1, labels[:, None], own[:, None].to(logits.dtype))


def own_of(values: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Take (B,) values of each row's own class."""
    return values.gather(1, labels[:, None])[:, 0]


@HEADS.register("softmax")
class SoftmaxHead(ClassVectors):
    r"""Plain softmax, :math:`z_j = w_j^\top x`, without bias."""

    def logits(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute (B, C) logits."""
        x = full_precision(embeddings)
        return x @ self.weight.to(x.dtype).T


@HEADS.register("normalized-softmax")
class NormalizedSoftmaxHead(ClassVectors):
    r"""Softmax over scaled cosines, :math:`z_j = s \cos\theta_j`.

    Attributes:
        scale: s.

    Reference:
        Wang et al. 2017, "NormFace: L2 Hypersphere Embedding for Face Verification", eq. 5.
    """

    def __init__(self, *, embedding_dim: int, n_classes: int, scale: float = 30.0) -> None:
        super().__init__(embedding_dim=embedding_dim, n_classes=n_classes)
        self.scale = scale

    def logits(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute (B, C) logits."""
        return self.scale * self.cosines(embeddings)
