"""Distances from the rows of one batch to those of another: parts that losses and miners take."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F

from facerec.registry import Registry

# (B, D) and (C, D) embeddings -> (B, C) distances.
Distance = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
DISTANCES: Registry[Distance] = Registry("distance")

# A row shorter than this has no direction: the slope of its direction has no bound at 0.
_NO_LENGTH = 1e-6


def full_precision(x: torch.Tensor) -> torch.Tensor:
    """Bring half-precision values to float32; others stay as they are."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def unit_rows(x: torch.Tensor) -> torch.Tensor:
    """Bring rows (B, D) to length one, in float32 or better; a row of no length stays 0."""
    x = full_precision(x)
    flat = x.detach().norm(dim=1, keepdim=True) < _NO_LENGTH
    return F.normalize(x.masked_fill(flat, 0), dim=1)


@DISTANCES.register("euclidean")
def euclidean(x: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Euclidean distances of embeddings as they are; equal rows have slope 0."""
    # (By differences, not by inner products, which lose the digits of small distances.)
    return torch.cdist(
        full_precision(x), full_precision(others), compute_mode="donot_use_mm_for_euclid_dist"
    )


@DISTANCES.register("squared-euclidean")
def squared_euclidean(x: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Squared Euclidean distances of embeddings as they are."""
    return euclidean(x, others).square()


@DISTANCES.register("unit-euclidean")
def unit_euclidean(x: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Euclidean distances after normalisation, in 0..2."""
    return euclidean(unit_rows(x), unit_rows(others))


@DISTANCES.register("unit-squared-euclidean")
def unit_squared_euclidean(x: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Squared Euclidean distances after normalisation, 2 - 2 cos, in 0..4."""
    return unit_euclidean(x, others).square()


@DISTANCES.register("cosine")
def cosine(x: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """One minus the cosine, in 0..2."""
    return 1 - unit_rows(x) @ unit_rows(others).T


def same_and_different(
    labels: torch.Tensor, others: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Masks (B, C) of pairs with one label, and of pairs with two.

    Args:
        labels: (B,).
        others: (C,), the B labels first; the pair of an item with itself is neither.
    """
    same = labels[:, None] == others[None]
    itself = torch.eye(*same.shape, dtype=torch.bool, device=labels.device)
    return same & ~itself, ~same
