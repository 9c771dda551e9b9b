"""Embeddings of past batches, which a metric loss compares the present one with."""

from __future__ import annotations

import torch
from torch import nn

# Label of a place that holds nothing yet.
_EMPTY = -1


class EmbeddingMemory(nn.Module):
    """A ring of the newest embeddings and their labels; it is saved with the objective.

    Attributes:
        embeddings: (N, D) float32, without gradient.
        labels: (N,); -1 where nothing lies yet.
        place: where the next one goes.
        n_batches: how many batches were put in.

    Reference:
        Wang et al. 2020, "Cross-Batch Memory for Embedding Learning", alg. 1. There the newest
        batch is compared with itself twice, as batch and as memory; here once, as batch.
    """

    embeddings: torch.Tensor
    labels: torch.Tensor
    place: torch.Tensor
    n_batches: torch.Tensor

    def __init__(self, size: int, embedding_dim: int) -> None:
        """Begin empty.

        Args:
            size: N.
            embedding_dim: D.
        """
        super().__init__()
        self.register_buffer("embeddings", torch.zeros(size, embedding_dim))
        self.register_buffer("labels", torch.full((size,), _EMPTY))
        self.register_buffer("place", torch.tensor(0))
        self.register_buffer("n_batches", torch.tensor(0))

    def past(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what lies in it: (M, D) embeddings and (M,) labels, M <= N."""
        filled = self.labels != _EMPTY
        return self.embeddings[filled], self.labels[filled]

    @torch.no_grad()
    def put(self, embeddings: torch.Tensor, labels: torch.Tensor) -> None:
        """Put a batch, (B, D) and (B,) labels >= 0, in the place of the oldest embeddings.

        Of a batch larger than the memory the last N are kept.
        """
        size = len(self.labels)
        newest = embeddings[-size:].to(self.embeddings.dtype)
        places = (self.place + torch.arange(len(newest), device=labels.device)) % size
        self.embeddings[places] = newest
        self.labels[places] = labels[-size:]
        self.place.copy_((self.place + len(newest)) % size)
        self.n_batches.add_(1)
