"""Losses on pairs: together when the label is the same, apart when it is not."""

from __future__ import annotations

import torch

from training.losses.metric import MetricLoss
from training.losses.registry import LOSSES


@LOSSES.register("contrastive")
class ContrastiveLoss(MetricLoss):
    r"""Pull same pairs within one margin, push different pairs beyond another.

    .. math:: L = \overline{[d_{ij} - m_+]_+^p}\ (y_i = y_j)
        + \overline{[m_- - d_{ij}]_+^p}\ (y_i \ne y_j)

    Attributes:
        positive_margin: m+, the distance below which a same pair is left alone.
        negative_margin: m-, the distance beyond which a different pair is left alone.
        power: p; 2 as in the paper, 1 for the plain hinge.

    Reference:
        Hadsell et al. 2006, "Dimensionality Reduction by Learning an Invariant Mapping", eq. 4
        (there without m+ and with a factor of one half).
    """

    def __init__(
        self,
        *,
        positive_margin: float = 0.0,
        negative_margin: float = 1.0,
        power: int = 2,
        distance: str = "unit-euclidean",
        reducer: str = "mean",
    ) -> None:
        super().__init__(distance=distance, reducer=reducer)
        self.positive_margin, self.negative_margin = positive_margin, negative_margin
        self.power = power

    def of_pairs(
        self, distances: torch.Tensor, same: torch.Tensor, different: torch.Tensor
    ) -> torch.Tensor:
        """Compute the loss of (B, C) distances -> scalar; 0 where a batch has no pair of a kind."""
        pulled = torch.relu(distances[same] - self.positive_margin).pow(self.power)
        pushed = torch.relu(self.negative_margin - distances[different]).pow(self.power)
        return self._reduce(pulled) + self._reduce(pushed)
