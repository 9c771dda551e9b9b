"""Losses on triplets and quadruplets: a positive nearer than a negative, by a margin."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from training.losses.metric import MetricLoss
from training.losses.registry import LOSSES
from training.miners.triplets import TRIPLET_MINERS


@LOSSES.register("triplet")
class TripletLoss(MetricLoss):
    r"""Keep each negative farther than each positive.

    .. math:: L = [d_{ap} - d_{an} + m]_+ \quad\text{or, softly,}\quad \ln(1 + e^{d_{ap} - d_{an}})

    Attributes:
        margin: m, in units of the distance.
        soft: the second form, which has no margin.

    Reference:
        Schroff et al. 2015, "FaceNet", eq. 3; soft form and mining: Hermans et al. 2017, "In
        Defense of the Triplet Loss", sect. 2.
    """

    def __init__(
        self,
        *,
        margin: float = 0.2,
        soft: bool = False,
        miner: str = "batch-hard",
        distance: str = "unit-squared-euclidean",
        reducer: str = "mean",
    ) -> None:
        super().__init__(distance=distance, reducer=reducer)
        self.margin, self.soft = margin, soft
        self._mine = TRIPLET_MINERS.get(miner)

    def of_pairs(
        self, distances: torch.Tensor, same: torch.Tensor, different: torch.Tensor
    ) -> torch.Tensor:
        """Compute the loss of (B, C) distances -> scalar; 0 where a batch has no triplet."""
        anchor, positive, negative = self._mine(distances.detach(), same, different, self.margin)
        gap = distances[anchor, positive] - distances[anchor, negative]
        return self._reduce(F.softplus(gap) if self.soft else torch.relu(gap + self.margin))


@LOSSES.register("improved-triplet")
class ImprovedTripletLoss(MetricLoss):
    r"""Triplet loss that also bounds the distance of same pairs.

    .. math:: L = [d_{ap} - d_{an} + m]_+ + \beta\,[d_{ap} - m_p]_+

    Attributes:
        margin: m, between positive and negative.
        positive_margin: m_p, the distance that same pairs may keep.
        beta: share of the second term.

    Reference:
        Cheng et al. 2016, "Person Re-Identification by Multi-Channel Parts-Based CNN with Improved
        Triplet Loss Function", eq. 3 (there as maxima, which differ by a constant).
    """

    def __init__(
        self,
        *,
        margin: float = 1.0,
        positive_margin: float = 0.01,
        beta: float = 0.002,
        miner: str = "batch-all",
        distance: str = "unit-squared-euclidean",
        reducer: str = "mean",
    ) -> None:
        super().__init__(distance=distance, reducer=reducer)
        self.margin, self.positive_margin, self.beta = margin, positive_margin, beta
        self._mine = TRIPLET_MINERS.get(miner)

    def of_pairs(
        self, distances: torch.Tensor, same: torch.Tensor, different: torch.Tensor
    ) -> torch.Tensor:
        """Compute the loss of (B, C) distances -> scalar; 0 where a batch has no triplet."""
        anchor, positive, negative = self._mine(distances.detach(), same, different, self.margin)
        near, far = distances[anchor, positive], distances[anchor, negative]
        between = torch.relu(near - far + self.margin)
        within = torch.relu(near - self.positive_margin)
        return self._reduce(between + self.beta * within)


@LOSSES.register("quadruplet")
class QuadrupletLoss(MetricLoss):
    r"""Triplet loss that also keeps same pairs nearer than pairs of two other people.

    .. math:: L = \overline{[d_{ij} - d_{ik} + \alpha_1]_+}
        + \overline{[d_{ij} - d_{lk} + \alpha_2]_+}, \quad
        y_i = y_j,\ y_l \ne y_k,\ y_i \ne y_l,\ y_i \ne y_k

    Attributes:
        margin: alpha 1.
        second_margin: alpha 2, smaller than the first.

    Reference:
        Chen et al. 2017, "Beyond Triplet Loss: A Deep Quadruplet Network for Person
        Re-Identification", eq. 6, over all quadruplets of the batch.
    """

    def __init__(
        self,
        *,
        margin: float = 1.0,
        second_margin: float = 0.5,
        distance: str = "unit-squared-euclidean",
        reducer: str = "mean",
    ) -> None:
        super().__init__(distance=distance, reducer=reducer)
        self.margin, self.second_margin = margin, second_margin

    def of_pairs(
        self, distances: torch.Tensor, same: torch.Tensor, different: torch.Tensor
    ) -> torch.Tensor:
        """Compute the loss of (B, C) distances -> scalar; 0 where a batch has no such set."""
        anchor, positive = same.nonzero(as_tuple=True)
        near = distances[anchor, positive]
        gaps = near[:, None] - distances[anchor] + self.margin
        first = torch.relu(gaps[different[anchor]])
        left, right = different.nonzero(as_tuple=True)
        apart = different[anchor][:, left] & different[anchor][:, right]
        gaps = near[:, None] - distances[left, right] + self.second_margin
        return self._reduce(first) + self._reduce(torch.relu(gaps[apart]))


@LOSSES.register("margin-sample-mining")
class MarginSampleMiningLoss(MetricLoss):
    r"""The batch's farthest same pair against its nearest different pair, whoever they are.

    .. math:: L = [\max_{y_i = y_j} d_{ij} - \min_{y_l \ne y_k} d_{lk} + m]_+

    Attributes:
        margin: m.

    Reference:
        Xiao et al. 2017, "Margin Sample Mining Loss", eq. 6.
    """

    def __init__(self, *, margin: float = 0.3, distance: str = "unit-euclidean") -> None:
        super().__init__(distance=distance)
        self.margin = margin

    def of_pairs(
        self, distances: torch.Tensor, same: torch.Tensor, different: torch.Tensor
    ) -> torch.Tensor:
        """Compute the loss of (B, C) distances -> scalar; 0 where a kind of pair is missing."""
        if not (same.any() and different.any()):
            return distances.sum() * 0
        return torch.relu(distances[same].max() - distances[different].min() + self.margin)
