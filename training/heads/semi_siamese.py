"""Prototypes instead of class vectors, where a person has hardly more than two images."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from training.distances import same_and_different, unit_rows
from training.heads.registry import HEADS
from training.heads.softmax import own_of, with_own
from training.memory import EmbeddingMemory


@HEADS.register("semi-siamese")
class SemiSiameseHead(nn.Module):
    r"""Classify each embedding among prototypes, which a slowly moving net made of other images.

    .. math:: L = -\overline{\ln \frac{e^{s(\cos(x_i, g_i) - m)}}
        {e^{s(\cos(x_i, g_i) - m)} + \sum_{y_j \ne y_i} e^{s \cos(x_i, g_j)}}}

    g_i is the gallery net's view of another image of the same person; the g_j of other people are
    this batch's and those in the queue. The gallery net is the moving average of the trained one.
    Items whose person has no other image in the batch count for nothing.

    Attributes:
        scale: s.
        margin_cosine: m.
        queue: the past prototypes.

    Reference:
        Du et al. 2020, "Semi-Siamese Training for Shallow Face Learning", sect. 3. There one image
        of a person is the probe's and the other the gallery's; here each is both.
    """

    def __init__(
        self,
        *,
        embedding_dim: int,
        n_classes: int = 0,
        scale: float = 30.0,
        margin_cosine: float = 0.0,
        queue: int = 16384,
    ) -> None:
        """Begin with an empty queue of ``queue`` places; the number of classes plays no part."""
        super().__init__()
        self.scale, self.margin_cosine = scale, margin_cosine
        self.queue = EmbeddingMemory(queue, embedding_dim)

    def forward(
        self,
        embeddings: torch.Tensor,
        labels: torch.Tensor,
        gallery: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Compute the loss; in training mode the batch's prototypes enter the queue.

        Args:
            embeddings: (B, D) of the trained net.
            labels: (B,).
            gallery: (B, D), what the gallery net makes of the same images; without it the trained
                net is its own gallery net, as without any inertia.

        Returns:
            Scalar, 0 where no person has two images in the batch.
        """
        gallery = unit_rows((embeddings if gallery is None else gallery).detach())
        past, past_labels = self.queue.past()
        prototypes = torch.cat([gallery, past.to(gallery.dtype)])
        same, different = same_and_different(labels, torch.cat([labels, past_labels]))
        same = same[:, : len(labels)]
        paired = same.any(dim=1)
        partner = same.int().argmax(dim=1)[paired] if len(labels) else labels
        logits = self.scale * (unit_rows(embeddings[paired]) @ prototypes.T)
        own = own_of(logits, partner) - self.scale * self.margin_cosine
        others = logits.masked_fill(~different[paired], -torch.inf)
        losses = F.cross_entropy(with_own(others, partner, own), partner, reduction="sum")
        if self.training:
            self.queue.put(gallery, labels)
        return losses / max(len(partner), 1)
