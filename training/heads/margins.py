"""Softmax heads that add a margin to the own class's angle or cosine."""

from __future__ import annotations

import math

import torch

from training.distances import full_precision
from training.heads.registry import HEADS
from training.heads.softmax import ClassVectors, NormalizedSoftmaxHead, own_of, with_own

# Sines below this are taken as flat: the slope of the root has no bound at 0.
_FLAT_SINE_SQUARED = 1e-12
# How near to 0 and pi an angle may come where arccos cannot be avoided.
_ANGLE_EDGE = 1e-3


@HEADS.register("cosface")
class CosFaceHead(NormalizedSoftmaxHead):
    r"""A margin on the cosine: :math:`z_y = s(\cos\theta_y - m)`.

    Attributes:
        margin_cosine: m.

    Reference:
        Wang et al. 2018, "CosFace: Large Margin Cosine Loss for Deep Face Recognition", eq. 4.
    """

    def __init__(
        self,
        *,
        embedding_dim: int,
        n_classes: int,
        scale: float = 64.0,
        margin_cosine: float = 0.35,
    ) -> None:
        super().__init__(embedding_dim=embedding_dim, n_classes=n_classes, scale=scale)
        self.margin_cosine = margin_cosine

    def logits(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute (B, C) logits."""
        cosines = self.cosines(embeddings)
        return self.scale * with_own(cosines, labels, own_of(cosines, labels) - self.margin_cosine)


def added_angle_cosine(cosines: torch.Tensor, margin_rad: float) -> torch.Tensor:
    r"""Cosine of the angle plus a margin; beyond pi it goes on falling in a straight line.

    .. math:: \cos(\theta + m) \text{ for } \theta \le \pi - m, \quad
        \cos\theta - m \sin m \text{ beyond}

    Written with the sine instead of arccos, whose slope has no bound at +-1.

    Args:
        cosines: of theta, in [-1, 1].
        margin_rad: m, in 0..pi.
    """
    sine_squared = 1 - cosines.square()
    bent = sine_squared > _FLAT_SINE_SQUARED
    sines = torch.where(bent, sine_squared, torch.ones_like(cosines)).sqrt() * bent
    added = cosines * math.cos(margin_rad) - sines * math.sin(margin_rad)
    straight = cosines - margin_rad * math.sin(margin_rad)
    return torch.where(cosines >= math.cos(math.pi - margin_rad), added, straight)


def angles_of(cosines: torch.Tensor) -> torch.Tensor:
    """Angles in radians, held a little away from 0 and pi, where the slope has no bound."""
    edge = math.cos(_ANGLE_EDGE)
    return cosines.clamp(-edge, edge).acos()


@HEADS.register("arcface")
class ArcFaceHead(ClassVectors):
    r"""A margin on the angle: :math:`z_y = s \cos(\theta_y + m)`.

    Of several centres a class the nearest counts.

    Attributes:
        scale: s.
        margin_rad: m, in radians (0.5 are 28.6 degrees).

    Reference:
        Deng et al. 2019, "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", eq. 3;
        several centres: Deng et al. 2020, "Sub-center ArcFace", eq. 4.
    """

    def __init__(
        self,
        *,
        embedding_dim: int,
        n_classes: int,
        scale: float = 64.0,
        margin_rad: float = 0.5,
        n_centers: int = 1,
    ) -> None:
        super().__init__(embedding_dim=embedding_dim, n_classes=n_classes, n_centers=n_centers)
        self.scale, self.margin_rad = scale, margin_rad

    def logits(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute (B, C) logits."""
        cosines = self.cosines(embeddings)
        own = added_angle_cosine(own_of(cosines, labels), self.margin_rad)
        return self.scale * with_own(cosines, labels, own)


@HEADS.register("sub-centre-arcface")
class SubCentreArcFaceHead(ArcFaceHead):
    """ArcFace with three centres a class, so that wrong labels gather apart.

    Reference:
        Deng et al. 2020, "Sub-center ArcFace: Boosting Face Recognition by Large-Scale Noisy Web
        Faces", eq. 4.
    """

    def __init__(
        self,
        *,
        embedding_dim: int,
        n_classes: int,
        scale: float = 64.0,
        margin_rad: float = 0.5,
        n_centers: int = 3,
    ) -> None:
        super().__init__(
            embedding_dim=embedding_dim,
            n_classes=n_classes,
            scale=scale,
            margin_rad=margin_rad,
            n_centers=n_centers,
        )


@HEADS.register("combined-margin")
class CombinedMarginHead(ClassVectors):
    r"""All three margins: :math:`z_y = s(\cos(m_1 \theta_y + m_2) - m_3)`.

    Angles beyond pi are held at pi, where the slope ends.

    Attributes:
        scale: s.
        factor: m1.
        margin_rad: m2, in radians.
        margin_cosine: m3.

    Reference:
        Deng et al. 2019, "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", eq. 4.
    """

    def __init__(
        self,
        *,
        embedding_dim: int,
        n_classes: int,
        scale: float = 64.0,
        factor: float = 1.0,
        margin_rad: float = 0.3,
        margin_cosine: float = 0.2,
    ) -> None:
        super().__init__(embedding_dim=embedding_dim, n_classes=n_classes)
        self.scale, self.factor = scale, factor
        self.margin_rad, self.margin_cosine = margin_rad, margin_cosine

    def logits(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute (B, C) logits."""
        cosines = self.cosines(embeddings)
        angle = angles_of(own_of(cosines, labels))
        moved = (self.factor * angle + self.margin_rad).clamp(max=math.pi)
        return self.scale * with_own(cosines, labels, moved.cos() - self.margin_cosine)


@HEADS.register("adaface")
class AdaFaceHead(ClassVectors):
    r"""The margin follows the length of the embedding, which follows the image's quality.

    .. math:: z_y = s(\cos(\theta_y + g_a) - g_c),\quad g_a = -m \hat z,\ g_c = m \hat z + m,\quad
        \hat z = \Big[\frac{\|x\| - \mu}{\sigma / h}\Big]_{-1}^{1}

    mu and sigma are running statistics of the lengths; no gradient goes through the quality.

    Attributes:
        scale: s.
        margin: m.
        concentration: h.
        momentum: share of the new batch in the running statistics.

    Reference:
        Kim et al. 2022, "AdaFace: Quality Adaptive Margin for Face Recognition", eq. 7-9.
    """

    length_mean: torch.Tensor
    length_std: torch.Tensor

    def __init__(
        self,
        *,
        embedding_dim: int,
        n_classes: int,
        scale: float = 64.0,
        margin: float = 0.4,
        concentration: float = 0.333,
        momentum: float = 0.01,
    ) -> None:
        super().__init__(embedding_dim=embedding_dim, n_classes=n_classes)
        self.scale, self.margin = scale, margin
        self.concentration, self.momentum = concentration, momentum
        self.register_buffer("length_mean", torch.tensor(20.0))
        self.register_buffer("length_std", torch.tensor(100.0))

    def logits(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute (B, C) logits; in training mode the running statistics move."""
        quality = self._quality(embeddings)
        cosines = self.cosines(embeddings)
        angle = angles_of(own_of(cosines, labels))
        moved = (angle - self.margin * quality).clamp(_ANGLE_EDGE, math.pi - _ANGLE_EDGE)
        own = moved.cos() - (self.margin * quality + self.margin)
        return self.scale * with_own(cosines, labels, own)

    @torch.no_grad()
    def _quality(self, embeddings: torch.Tensor) -> torch.Tensor:
        lengths = full_precision(embeddings).norm(dim=1).clamp(1e-3, 100)
        if self.training:
            spread = lengths.std() if len(lengths) > 1 else self.length_std
            self.length_mean.lerp_(lengths.mean().to(self.length_mean.dtype), self.momentum)
            self.length_std.lerp_(spread.to(self.length_std.dtype), self.momentum)
        standard = (lengths - self.length_mean) / (self.length_std + 1e-3)
        quality: torch.Tensor = (standard * self.concentration).clamp(-1, 1)
        return quality
