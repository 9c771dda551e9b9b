"""Losses that weight pairs by how hard they are, instead of choosing some."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from training.losses.metric import MetricLoss
from training.losses.registry import LOSSES


@LOSSES.register("weighted-triplet")
class WeightedTripletLoss(MetricLoss):
    r"""Softmax weights over an anchor's positives, softmin weights over its negatives.

    .. math:: L_a = \Big[m + \sum_p w_p d_{ap} - \sum_n w_n d_{an}\Big]_+,\quad
        w_p = \frac{e^{d_{ap}}}{\sum_{p'} e^{d_{ap'}}},\quad
        w_n = \frac{e^{-d_{an}}}{\sum_{n'} e^{-d_{an'}}}

    Without a margin the hinge becomes ln(1 + exp(.)), the weighted regularised triplet loss.
    Weights take part in the gradient.

    Attributes:
        margin: m, or None.

    Reference:
        Ristani & Tomasi 2018, "Features for Multi-Target Multi-Camera Tracking and
        Re-Identification", eq. 2 and 4; Ye et al. 2021, "Deep Learning for Person
        Re-Identification: A Survey and Outlook", eq. 5 and 6.
    """

    def __init__(self, *, margin: float | None = None, distance: str = "euclidean") -> None:
        super().__init__(distance=distance)
        self.margin = margin

    def of_pairs(
        self, distances: torch.Tensor, same: torch.Tensor, different: torch.Tensor
    ) -> torch.Tensor:
        """Compute the loss of (B, C) distances -> scalar; 0 where no anchor has both kinds."""
        anchors = same.any(dim=1) & different.any(dim=1)
        distances, same, different = distances[anchors], same[anchors], different[anchors]
        pull = torch.softmax(distances.masked_fill(~same, -torch.inf), dim=1)
        push = torch.softmax((-distances).masked_fill(~different, -torch.inf), dim=1)
        gap = (pull * distances).sum(dim=1) - (push * distances).sum(dim=1)
        if self.margin is None:
            return self._reduce(F.softplus(gap))
        return self._reduce(torch.relu(gap + self.margin))


@LOSSES.register("multi-similarity")
class MultiSimilarityLoss(MetricLoss):
    r"""Weight each pair by its own and its neighbours' cosines.

    .. math:: L = \frac1B \sum_i
        \frac1\alpha \ln\Big[1 + \sum_{k \in P_i} e^{-\alpha(S_{ik} - \lambda)}\Big]
        + \frac1\beta \ln\Big[1 + \sum_{k \in N_i} e^{\beta(S_{ik} - \lambda)}\Big]

    With ``epsilon`` only pairs within it of the hardest pair of the other kind count.

    Attributes:
        alpha: sharpness on positives.
        beta: sharpness on negatives.
        base: lambda, a cosine.
        epsilon: of the mining, or None for all pairs.

    Reference:
        Wang et al. 2019, "Multi-Similarity Loss with General Pair Weighting for Deep Metric
        Learning", eq. 11, 12 and 15.
    """

    def __init__(
        self,
        *,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
        epsilon: float | None = 0.1,
    ) -> None:
        super().__init__(distance="cosine")
        self.alpha, self.beta, self.base, self.epsilon = alpha, beta, base, epsilon

    def of_pairs(
        self, distances: torch.Tensor, same: torch.Tensor, different: torch.Tensor
    ) -> torch.Tensor:
        """Compute the loss of (B, C) distances -> scalar."""
        cosines = 1 - distances
        if not distances.numel():
            return cosines.sum()
        if self.epsilon is not None:
            hardest_negative = cosines.masked_fill(~different, -torch.inf).amax(dim=1, keepdim=True)
            hardest_positive = cosines.masked_fill(~same, torch.inf).amin(dim=1, keepdim=True)
            same = same & (cosines < hardest_negative + self.epsilon)
            different = different & (cosines > hardest_positive - self.epsilon)
        pull = _log_one_plus_sum(-self.alpha * (cosines - self.base), same) / self.alpha
        push = _log_one_plus_sum(self.beta * (cosines - self.base), different) / self.beta
        return self._reduce(pull + push)


@LOSSES.register("circle")
class CircleLoss(MetricLoss):
    r"""Each cosine is pushed the harder, the farther it is from where it should be.

    .. math:: L_i = \ln\Big[1 + \sum_n e^{\gamma \alpha_n (s_n - m)}
        \sum_p e^{-\gamma \alpha_p (s_p - 1 + m)}\Big], \quad
        \alpha_p = [1 + m - s_p]_+,\ \alpha_n = [s_n + m]_+

    Anchors without a pair of either kind count as 0. The weights alpha carry no gradient.

    Attributes:
        margin: m, a cosine.
        gamma: scale.

    Reference:
        Sun et al. 2020, "Circle Loss: A Unified Perspective of Pair Similarity Optimization",
        eq. 6-8.
    """

    def __init__(self, *, margin: float = 0.25, gamma: float = 256.0) -> None:
        super().__init__(distance="cosine")
        self.margin, self.gamma = margin, gamma

    def of_pairs(
        self, distances: torch.Tensor, same: torch.Tensor, different: torch.Tensor
    ) -> torch.Tensor:
        """Compute the loss of (B, C) distances -> scalar, the mean over all anchors."""
        cosines = 1 - distances
        pull = torch.relu(1 + self.margin - cosines.detach())
        push = torch.relu(cosines.detach() + self.margin)
        positive_logits = -self.gamma * pull * (cosines - (1 - self.margin))
        negative_logits = self.gamma * push * (cosines - self.margin)
        anchors = same.any(dim=1) & different.any(dim=1)
        joint = _log_sum(positive_logits[anchors], same[anchors])
        joint = joint + _log_sum(negative_logits[anchors], different[anchors])
        return F.softplus(joint).sum() / max(len(distances), 1)


def _log_sum(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Logarithm of the sum of exponentials over the masked entries of each row."""
    return torch.logsumexp(values.masked_fill(~mask, -torch.inf), dim=1)


def _log_one_plus_sum(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Logarithm of one plus the sum of exponentials over the masked entries of each row."""
    kept = values.masked_fill(~mask, -torch.inf)
    return torch.logsumexp(F.pad(kept, (0, 1)), dim=1)  # (the padding is the one)
