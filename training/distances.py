"""Distances between all rows of a batch, as (B, B) matrices: parts that losses and miners take."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F

from facerec.registry import Registry

# (B, D) embeddings -> (B, B) distances.
Distance = Callable[[torch.Tensor], torch.Tensor]
DISTANCES: Registry[Distance] = Registry("distance")

# Below this squared distance the root is taken as flat: its slope has no bound at 0.
_FLAT = 1e-12


def full_precision(x: torch.Tensor) -> torch.Tensor:
    """Bring half-precision values to float32; others stay as they are."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


@DISTANCES.register("squared-euclidean")
def squared_euclidean(embeddings: torch.Tensor) -> torch.Tensor:
    """Squared Euclidean distances of embeddings (B, D) as they are."""
    x = full_precision(embeddings)
    return (x[:, None] - x[None]).square().sum(dim=-1)


@DISTANCES.register("euclidean")
def euclidean(embeddings: torch.Tensor) -> torch.Tensor:
    """Euclidean distances of embeddings (B, D) as they are; equal rows have slope 0."""
    squared = squared_euclidean(embeddings)
    apart = squared > _FLAT
    return torch.where(apart, squared, squared.new_ones(())).sqrt() * apart


@DISTANCES.register("unit-squared-euclidean")
def unit_squared_euclidean(embeddings: torch.Tensor) -> torch.Tensor:
    """Squared Euclidean distances after normalisation, 2 - 2 cos, in 0..4."""
    return squared_euclidean(F.normalize(full_precision(embeddings), dim=1))


@DISTANCES.register("unit-euclidean")
def unit_euclidean(embeddings: torch.Tensor) -> torch.Tensor:
    """Euclidean distances after normalisation, in 0..2."""
    return euclidean(F.normalize(full_precision(embeddings), dim=1))


@DISTANCES.register("cosine")
def cosine(embeddings: torch.Tensor) -> torch.Tensor:
    """One minus the cosine, in 0..2."""
    unit = F.normalize(full_precision(embeddings), dim=1)
    return 1 - unit @ unit.T


def same_and_different(labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Masks (B, B) of pairs with one label, an item with itself left out, and of pairs with two."""
    same = labels[:, None] == labels[None]
    return same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device), ~same
