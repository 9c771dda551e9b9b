"""What all losses on embeddings and labels share: distances, who is whom, and past embeddings."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import nn

from training.distances import DISTANCES, full_precision, same_and_different
from training.reducers import REDUCERS


class MetricLoss(nn.Module, ABC):
    """A loss of the distances between the items of a batch, or from these to past ones too."""

    def __init__(self, *, distance: str, reducer: str = "mean") -> None:
        """Take the parts.

        Args:
            distance: a name of ``training.distances``.
            reducer: a name of ``training.reducers``.
        """
        super().__init__()
        self._distance, self._reduce = DISTANCES.get(distance), REDUCERS.get(reducer)

    def forward(
        self,
        embeddings: torch.Tensor,
        labels: torch.Tensor,
        past: torch.Tensor | None = None,
        past_labels: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Compute the loss.

        Args:
            embeddings: (B, D); each is an anchor.
            labels: (B,).
            past: (M, D) embeddings that the batch is compared with beside its own.
            past_labels: (M,).

        Returns:
            Scalar; 0 where a batch has nothing to compare.
        """
        x = full_precision(embeddings)
        others, other_labels = x, labels
        if past is not None and past_labels is not None:
            others = torch.cat([x, past.to(x.dtype)])
            other_labels = torch.cat([labels, past_labels])
        return self.of_pairs(self._distance(x, others), *same_and_different(labels, other_labels))

    @abstractmethod
    def of_pairs(
        self, distances: torch.Tensor, same: torch.Tensor, different: torch.Tensor
    ) -> torch.Tensor:
        """Compute the scalar loss of (B, C) distances.

        Columns begin with the B items of the rows. ``same`` and ``different`` are (B, C) masks of
        the pairs with one label, an item with itself left out, and of those with two.
        """
