"""From one loss an item to one number: parts that losses take. Nothing to reduce gives 0."""

from __future__ import annotations

from collections.abc import Callable

import torch

from facerec.registry import Registry

# (N,) losses, N >= 0 -> scalar.
Reducer = Callable[[torch.Tensor], torch.Tensor]
REDUCERS: Registry[Reducer] = Registry("reducer")


@REDUCERS.register("mean")
def mean(losses: torch.Tensor) -> torch.Tensor:
    """Mean over all items."""
    return losses.sum() / max(losses.numel(), 1)


@REDUCERS.register("mean-nonzero")
def mean_nonzero(losses: torch.Tensor) -> torch.Tensor:
    """Mean over the items that are not satisfied yet."""
    return losses.sum() / max(int((losses > 0).sum()), 1)


@REDUCERS.register("sum")
def total(losses: torch.Tensor) -> torch.Tensor:
    """Sum over all items."""
    return losses.sum()
