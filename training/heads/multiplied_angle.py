"""Softmax heads that multiply the own class's angle."""

from __future__ import annotations

import math

import torch

from training.distances import full_precision
from training.heads.registry import HEADS
from training.heads.softmax import ClassVectors, own_of, with_own


def multiplied_angle_cosine(cosines: torch.Tensor, m: int) -> torch.Tensor:
    r"""Fall steadily where :math:`\cos m\theta` would rise again.

    .. math:: \psi(\theta) = (-1)^k \cos m\theta - 2k, \quad \theta \in [k\pi/m, (k+1)\pi/m]

    Computed from the Chebyshev polynomial of the cosine: no arccos, so no slope without bound.

    Args:
        cosines: of theta, in [-1, 1].
        m: a whole number, 1 or more.

    Reference:
        Liu et al. 2016, "Large-Margin Softmax Loss for Convolutional Neural Networks", eq. 6.
    """
    before, current = torch.ones_like(cosines), cosines
    for _ in range(m - 1):
        before, current = current, 2 * cosines * current - before
    k = sum((cosines < math.cos(j * math.pi / m)).to(cosines.dtype) for j in range(1, m))
    if m == 1:
        return cosines
    return (1 - 2 * (k % 2)) * current - 2 * k


@HEADS.register("l-softmax")
class LargeMarginSoftmaxHead(ClassVectors):
    r"""The own class's angle is multiplied, lengths stay: :math:`z_y = \|w_y\|\|x\|\psi(\theta_y)`.

    Attributes:
        m: the factor, a whole number.
        blend: lambda; the own logit is the mean of plain (weight lambda) and margin (weight 1).

    Reference:
        Liu et al. 2016, "Large-Margin Softmax Loss for Convolutional Neural Networks", eq. 4-6; the
        blend: its section 5.1.
    """

    unit_weights = False

    def __init__(
        self, *, embedding_dim: int, n_classes: int, m: int = 4, blend: float = 0.0
    ) -> None:
        super().__init__(embedding_dim=embedding_dim, n_classes=n_classes)
        self.m, self.blend = m, blend

    def logits(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute (B, C) logits."""
        x = full_precision(embeddings)
        lengths = x.norm(dim=1, keepdim=True)
        if not self.unit_weights:
            lengths = lengths * self.weight.to(x.dtype).norm(dim=1)
        cosines = self.cosines(x)
        plain = lengths * cosines
        own_cosine = own_of(cosines, labels)
        own_length = lengths[:, 0] if self.unit_weights else own_of(lengths, labels)
        margin = own_length * multiplied_angle_cosine(own_cosine, self.m)
        own = (self.blend * own_length * own_cosine + margin) / (1 + self.blend)
        return with_own(plain, labels, own)


@HEADS.register("sphereface")
class SphereFaceHead(LargeMarginSoftmaxHead):
    r"""As L-Softmax with class vectors of length one: :math:`z_y = \|x\|\psi(\theta_y)`.

    Reference:
        Liu et al. 2017, "SphereFace: Deep Hypersphere Embedding for Face Recognition", eq. 7.
    """

    unit_weights = True
