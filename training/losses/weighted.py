"""Losses that weight pairs by how hard they are, instead of choosing some."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from training.distances import DISTANCES, full_precision, same_and_different
from training.losses.registry import LOSSES
from training.reducers import mean


@LOSSES.register("weighted-triplet")
class WeightedTripletLoss(nn.Module):
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
        super().__init__()
        self.margin = margin
        self._distance = DISTANCES.get(distance)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute the loss: (B, D), (B,) -> scalar; 0 where no anchor has both kinds of pair."""
        distances = self._distance(embeddings)
        same, different = same_and_different(labels)
        anchors = same.any(dim=1) & different.any(dim=1)
        distances, same, different = distances[anchors], same[anchors], different[anchors]
        pull = torch.softmax(distances.masked_fill(~same, -torch.inf), dim=1)
        push = torch.softmax((-distances).masked_fill(~different, -torch.inf), dim=1)
        gap = (pull * distances).sum(dim=1) - (push * distances).sum(dim=1)
        if self.margin is None:
            return mean(F.softplus(gap))
        return mean(torch.relu(gap + self.margin))


@LOSSES.register("multi-similarity")
class MultiSimilarityLoss(nn.Module):
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
        super().__init__()
        self.alpha, self.beta, self.base, self.epsilon = alpha, beta, base, epsilon

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute the loss: (B, D), (B,) -> scalar."""
        unit = F.normalize(full_precision(embeddings), dim=1)
        cosines = unit @ unit.T
        positive, negative = same_and_different(labels)
        if not len(labels):
            return cosines.sum()
        if self.epsilon is not None:
            hardest_negative = cosines.masked_fill(~negative, -torch.inf).amax(dim=1, keepdim=True)
            hardest_positive = cosines.masked_fill(~positive, torch.inf).amin(dim=1, keepdim=True)
            positive = positive & (cosines < hardest_negative + self.epsilon)
            negative = negative & (cosines > hardest_positive - self.epsilon)
        pull = _log_one_plus_sum(-self.alpha * (cosines - self.base), positive) / self.alpha
        push = _log_one_plus_sum(self.beta * (cosines - self.base), negative) / self.beta
        return mean(pull + push)


@LOSSES.register("circle")
class CircleLoss(nn.Module):
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
        super().__init__()
        self.margin, self.gamma = margin, gamma

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute the loss: (B, D), (B,) -> scalar, the mean over all anchors."""
        unit = F.normalize(full_precision(embeddings), dim=1)
        cosines = unit @ unit.T
        positive, negative = same_and_different(labels)
        pull = torch.relu(1 + self.margin - cosines.detach())
        push = torch.relu(cosines.detach() + self.margin)
        positive_logits = -self.gamma * pull * (cosines - (1 - self.margin))
        negative_logits = self.gamma * push * (cosines - self.margin)
        anchors = positive.any(dim=1) & negative.any(dim=1)
        joint = _log_sum(positive_logits[anchors], positive[anchors])
        joint = joint + _log_sum(negative_logits[anchors], negative[anchors])
        return F.softplus(joint).sum() / max(len(labels), 1)


def _log_sum(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Logarithm of the sum of exponentials over the masked entries of each row."""
    return torch.logsumexp(values.masked_fill(~mask, -torch.inf), dim=1)


def _log_one_plus_sum(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Logarithm of one plus the sum of exponentials over the masked entries of each row."""
    kept = values.masked_fill(~mask, -torch.inf)
    return torch.logsumexp(F.pad(kept, (0, 1)), dim=1)  # (the padding is the one)
