"""Learning from a teacher's vectors."""

from __future__ import annotations

import torch
from torch import nn

from training.distances import full_precision, unit_rows


class DistillationLoss(nn.Module):
    r"""Imitate target vectors, and the similarities between them.

    .. math:: L = \frac1B \sum_i (1 - \cos(z_i, t_i))
                + w \frac1{B^2} \sum_{i,j} (\cos(z_i, z_j) - \cos(t_i, t_j))^2

    Attributes:
        similarity_weight: w, the share of the second term.

    Reference:
        The second term: Tung & Mori 2019, "Similarity-Preserving Knowledge Distillation", eq. 4,
        here on cosines.
    """

    def __init__(self, similarity_weight: float = 5.0) -> None:
        super().__init__()
        self.similarity_weight = similarity_weight

    def forward(self, embeddings: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Compute the loss, in float32 or better.

        Args:
            embeddings: (B, D), any length and floating type.
            targets: (B, D), unit length.

        Returns:
            Scalar; 0 of an empty batch.
        """
        if not len(embeddings):
            return full_precision(embeddings).sum()
        z = unit_rows(embeddings)
        t = targets.to(z.dtype)
        direct = (1 - (z * t).sum(dim=1)).mean()
        between = (z @ z.T - t @ t.T).square().mean()
        return direct + self.similarity_weight * between
