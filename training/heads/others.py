"""Heads that are no softmax: class centres, and the same-or-different classifier of pairs."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from training.distances import full_precision
from training.heads.registry import HEADS


@HEADS.register("centre")
class CentreLoss(nn.Module):
    r"""Pull each embedding to the centre of its class; goes beside a softmax head.

    .. math:: L = \frac{1}{2B} \sum_i \|x_i - c_{y_i}\|^2

    Centres are parameters and move by their gradient, so their rate is the optimiser's.

    Attributes:
        centers: (n_classes, embedding_dim).

    Reference:
        Wen et al. 2016, "A Discriminative Feature Learning Approach for Deep Face Recognition",
        eq. 2.
    """

    def __init__(self, *, embedding_dim: int, n_classes: int) -> None:
        super().__init__()
        self.centers = nn.Parameter(torch.randn(n_classes, embedding_dim))

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute the loss: (B, D), (B,) -> scalar."""
        x = full_precision(embeddings)
        gaps = x - self.centers.to(x.dtype)[labels]
        return gaps.square().sum() / (2 * max(len(labels), 1))


@HEADS.register("siamese")
class SiameseHead(nn.Module):
    r"""Say of each pair whether it is one person, from the absolute difference of the embeddings.

    .. math:: p_{ij} = \sigma(w^\top |x_i - x_j| + b), \quad
        L = \overline{\mathrm{BCE}(p_{ij}, [y_i = y_j])}

    The two kinds of pair weigh the same, however many there are of each.

    Attributes:
        scorer: the linear layer.

    Reference:
        Koch et al. 2015, "Siamese Neural Networks for One-Shot Image Recognition", sect. 3.1-3.2.
    """

    def __init__(self, *, embedding_dim: int, n_classes: int = 0) -> None:
        """Build the scorer; classes play no part."""
        super().__init__()
        self.scorer = nn.Linear(embedding_dim, 1)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute the loss over all pairs of the batch: (B, D), (B,) -> scalar."""
        x = full_precision(embeddings)
        first, second = torch.triu_indices(len(x), len(x), offset=1, device=x.device)
        same = labels[first] == labels[second]
        difference = (x[first] - x[second]).abs()
        logits = F.linear(difference, self.scorer.weight.to(x.dtype), self.scorer.bias.to(x.dtype))[
            :, 0
        ]
        losses = F.binary_cross_entropy_with_logits(logits, same.to(x.dtype), reduction="none")
        kinds = [losses[mask].mean() for mask in (same, ~same) if mask.any()]
        return torch.stack(kinds).mean() if kinds else losses.sum()
