"""A margin softmax whose class vectors are shared out to the processes of a run.

Each rank holds the vectors of its share of the classes and computes the logits of the whole batch
with these. What crosses the ranks is the embeddings and three numbers an item, never a logit.

Reference:
    An et al. 2021, "Partial FC: Training 10 Million Identities on a Single Machine", sect. 3; class
    sampling with all positives: An et al. 2022, "Killing Two Birds with One Stone: Efficient and
    Robust Training of Face Recognition CNNs by Partial FC", sect. 3.2. Own implementation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from facerec.errors import ConfigError
from training.distances import full_precision
from training.distributed import ALONE, ShardedParameter, World
from training.heads.softmax import NormalizedSoftmaxHead, class_cosines

# Rows whose initial values come from one generator, so that they do not depend on the ranks.
_ROWS_DRAWN_AT_ONCE = 4096
# Streams of random numbers under one seed.
_INITIAL, _SAMPLE = 11, 12
_INITIAL_SPREAD = 0.01


class ShardedHead(nn.Module):
    """One rank's share of a head; together the ranks give the loss of the whole head.

    Its class vectors stay out of ``state_dict``: see ``training.shards``.

    Attributes:
        held: the head of the classes held here; its margin counts where an item's own class lives.
        first_class: number of the first class held here.
        class_share: r, the share of the classes held here that take part in a step; the batch's own
            classes always do, also where these are more.
        n_draws: how often classes were sampled, so that a resumed run samples like an unbroken one.
    """

    n_draws: torch.Tensor

    def __init__(
        self,
        build: Callable[[int], nn.Module],
        *,
        n_classes: int,
        world: World = ALONE,
        seed: int = 0,
        class_share: float = 1.0,
    ) -> None:
        """Take this rank's share of the classes.

        Args:
            build: number of classes -> a softmax head over scaled cosines.
            n_classes: C, of all ranks together.
            world: the ranks.
            seed: of initial vectors and of class sampling.
            class_share: r, in (0, 1].

        Raises:
            ConfigError: another kind of head, or fewer classes than ranks.
        """
        super().__init__()
        if n_classes < world.size:
            raise ConfigError(
                f"{n_classes} people cannot be shared out to {world.size} processes.",
                remedy="Set head.sharded=false, or start fewer processes.",
            )
        self._world, self._seed, self.class_share = world, seed, class_share
        self.first_class = n_classes * world.rank // world.size
        n_held = n_classes * (world.rank + 1) // world.size - self.first_class
        # The numbers drawn depend on the rank, and must not move the others' common generator.
        with torch.random.fork_rng(devices=[]):
            held = build(n_held)
        if not isinstance(held, NormalizedSoftmaxHead):
            raise ConfigError(
                f"A {type(held).__name__} cannot be shared out.",
                remedy="Set head.sharded=false, or take normalized-softmax, cosface, arcface, "
                "sub-centre-arcface or combined-margin.",
            )
        first_row = self.first_class * held.n_centers
        n_rows, dimension = held.weight.shape
        weight = ShardedParameter(_initial_rows(first_row, n_rows, dimension, seed))
        weight.first, weight.n_rows = first_row, n_classes * held.n_centers
        held.weight = weight
        self.held = held
        self.register_buffer("n_draws", torch.tensor(0))
        self.register_state_dict_post_hook(_leave_out_vectors)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_post_hook(_miss_no_vectors)  # type: ignore[no-untyped-call]

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute the mean cross-entropy over all classes of all ranks.

        Args:
            embeddings: (B, D), the same on all ranks.
            labels: (B,) 0..C-1, the same on all ranks.

        Returns:
            Scalar, the same on all ranks.
        """
        vectors: torch.Tensor = self.held.weight
        if not len(labels):
            return full_precision(embeddings).sum() + vectors.sum() * 0
        local = labels - self.first_class
        rows = ((local >= 0) & (local < self.held.n_classes)).nonzero()[:, 0]
        columns = local[rows]
        if self.training and self.class_share < 1:
            sample = self.sample(columns)
            columns = torch.searchsorted(sample, columns)
            by_class = vectors.view(self.held.n_classes, self.held.n_centers, -1)
            vectors = by_class[sample].flatten(0, 1)
        cosines = class_cosines(embeddings, vectors, self.held.n_centers)
        own = self.held.own(cosines[rows, columns])
        logits = self.held.scale * cosines.index_put((rows, columns), own)
        loss: torch.Tensor = _CrossEntropy.apply(logits, rows, columns, self._world)
        return loss

    @torch.no_grad()
    def sample(self, own: torch.Tensor) -> torch.Tensor:
        """Draw the classes of one step: all own ones, and others up to the share.

        Args:
            own: (M,) classes of the batch's items, numbered from ``first_class``.

        Returns:
            (S,) classes, rising, none twice.
        """
        n_held = self.held.n_classes
        seeds = [self._seed, _SAMPLE, int(self.n_draws), self.first_class]
        self.n_draws += 1
        positives: torch.Tensor = torch.unique(own)
        n_wanted = math.ceil(self.class_share * n_held)
        if len(positives) >= n_wanted:
            return positives
        generator = _generator(seeds, own.device)
        order = torch.rand(n_held, generator=generator, device=own.device)
        order[positives] = 2.0  # before all others, which are below 1
        drawn: torch.Tensor = order.topk(n_wanted).indices.sort().values
        return drawn


class _CrossEntropy(torch.autograd.Function):
    r"""Mean cross-entropy of logits whose columns lie on several ranks.

    .. math:: L = \frac1B \sum_i \ln \sum_j e^{z_{ij} - m_i} + m_i - z_{iy_i}, \quad
        m_i = \max_j z_{ij}

    Every rank returns this same loss, and gradients are averaged over the ranks afterwards, while
    each column's gradient comes from one rank only: backward multiplies it by their number.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        logits: torch.Tensor,
        rows: torch.Tensor,
        columns: torch.Tensor,
        world: World,
    ) -> torch.Tensor:
        largest = world.largest(logits.amax(dim=1))
        shifted = logits - largest[:, None]
        own = torch.zeros_like(largest).index_put((rows,), shifted[rows, columns])
        powers = shifted.exp_()
        total, own = world.add(torch.stack([powers.sum(dim=1), own]))
        ctx.save_for_backward(powers.div_(total[:, None]), rows, columns)
        ctx.n_ranks = world.size
        loss: torch.Tensor = (total.log() - own).mean()
        return loss

    @staticmethod
    def backward(ctx: Any, *slopes: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:  # noqa: ANN401
        probabilities, rows, columns = ctx.saved_tensors
        gradient = probabilities.clone()
        gradient[rows, columns] -= 1
        return gradient.mul_(slopes[0] * ctx.n_ranks / len(gradient)), None, None, None


def _generator(seeds: list[int], device: torch.device) -> torch.Generator:
    state = int(np.random.SeedSequence(seeds).generate_state(1, np.uint64)[0])
    return torch.Generator(device).manual_seed(state >> 1)


def _initial_rows(first: int, n: int, dimension: int, seed: int) -> torch.Tensor:
    """Draw rows first..first+n-1 of an endless N(0, 0.01) matrix (n, dimension)."""
    rows = torch.empty(n, dimension)
    for start in range(first - first % _ROWS_DRAWN_AT_ONCE, first + n, _ROWS_DRAWN_AT_ONCE):
        seeds = [seed, _INITIAL, start]
        generator = _generator(seeds, rows.device)
        drawn = torch.randn(_ROWS_DRAWN_AT_ONCE, dimension, generator=generator)
        begin, end = max(start, first), min(start + _ROWS_DRAWN_AT_ONCE, first + n)
        rows[begin - first : end - first] = drawn[begin - start : end - start]
    return rows * _INITIAL_SPREAD


def _leave_out_vectors(
    _module: nn.Module, state: dict[str, Any], prefix: str, _metadata: object
) -> None:
    state.pop(f"{prefix}held.weight", None)


def _miss_no_vectors(_module: nn.Module, keys: Any) -> None:  # noqa: ANN401
    keys.missing_keys[:] = [key for key in keys.missing_keys if not key.endswith("held.weight")]
