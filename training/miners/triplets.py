"""Which triplets of a batch are looked at: distances and masks -> anchor, positive, negative."""

from __future__ import annotations

from collections.abc import Callable

import torch

from facerec.registry import Registry

Triplets = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
# (B, C) distances, (B, C) masks of same and of different pairs, margin -> three (N,) index tensors.
TripletMiner = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, float], Triplets]
TRIPLET_MINERS: Registry[TripletMiner] = Registry("triplet miner")


@TRIPLET_MINERS.register("batch-all")
def batch_all(
    distances: torch.Tensor, same: torch.Tensor, different: torch.Tensor, margin: float
) -> Triplets:
    """Take every triplet.

    Reference:
        Hermans et al. 2017, "In Defense of the Triplet Loss", eq. 6.
    """
    anchor, positive, negative = (same[:, :, None] & different[:, None, :]).nonzero(as_tuple=True)
    return anchor, positive, negative


@TRIPLET_MINERS.register("semi-hard")
def semi_hard(
    distances: torch.Tensor, same: torch.Tensor, different: torch.Tensor, margin: float
) -> Triplets:
    """Take triplets whose negative is farther than the positive, but by no more than the margin.

    Reference:
        Schroff et al. 2015, "FaceNet", eq. 4.
    """
    anchor, positive, negative = batch_all(distances, same, different, margin)
    lead = distances[anchor, negative] - distances[anchor, positive]
    kept = (lead > 0) & (lead <= margin)
    return anchor[kept], positive[kept], negative[kept]


@TRIPLET_MINERS.register("batch-hard")
def batch_hard(
    distances: torch.Tensor, same: torch.Tensor, different: torch.Tensor, margin: float
) -> Triplets:
    """Take for each anchor its farthest positive and its nearest negative (TriHard).

    Reference:
        Hermans et al. 2017, "In Defense of the Triplet Loss", eq. 5.
    """
    anchor = (same.any(dim=1) & different.any(dim=1)).nonzero()[:, 0]
    far = distances.masked_fill(~same, -torch.inf)[anchor]
    near = distances.masked_fill(~different, torch.inf)[anchor]
    if not len(anchor):
        return anchor, anchor, anchor
    return anchor, far.argmax(dim=1), near.argmin(dim=1)
