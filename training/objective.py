"""What a net is trained for: targets of teachers, labels, or both at once.

L = w_d * distillation(all crops) + w_i * inner maps(all crops)
  + w_h * head(labelled crops) + w_m * metric loss(labelled crops)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

import training.heads.margins
import training.heads.multiplied_angle
import training.heads.others
import training.heads.softmax
import training.losses.pairs
import training.losses.triplet
import training.losses.weighted  # noqa: F401  (each enters itself into its registry)
from facerec.errors import ConfigError
from training.distributed import ALONE, World
from training.heads.registry import HEADS
from training.heads.semi_siamese import SemiSiameseHead
from training.heads.sharded import ShardedHead
from training.losses.distill import DistillationLoss
from training.losses.hints import HintLoss
from training.losses.registry import LOSSES
from training.memory import EmbeddingMemory
from training.recipe import Recipe

# Label of a crop whose person is not known; it takes part in distillation only.
NO_LABEL = -1


class Objective(nn.Module):
    """The weighted sum of a recipe's losses; heads have parameters that are trained with the net.

    Attributes:
        needs_targets: whether teachers' vectors take part.
        needs_labels: whether people take part.
        needs_gallery: whether the embeddings of the averaged net take part.

    Reference:
        The norm between metric loss (before it) and head (after it): Luo et al. 2019, "Bag of
        Tricks and a Strong Baseline for Deep Person Re-Identification", sect. 3.5 (BNNeck).
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        n_classes: int,
        world: World = ALONE,
        hint_channels: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Build the losses.

        Args:
            recipe: names and weights.
            n_classes: how many people the labels number.
            world: the processes that a sharded head is shared out to.
            hint_channels: of each pair of inner maps, the net's and the teacher's.

        Raises:
            ConfigError: unknown loss or setting, or no loss at all.
        """
        super().__init__()
        dim = recipe.net.embedding_dim
        self._weights = recipe.distill.weight, recipe.head.weight, recipe.metric.weight
        self.needs_targets = recipe.distill.weight > 0
        self.needs_labels = bool(recipe.head.name or recipe.metric.name)
        if not (self.needs_targets or self.needs_labels):
            raise ConfigError(
                "The recipe has no loss.",
                remedy="Give distill.weight, head.name or metric.name.",
            )
        self.distill = DistillationLoss(recipe.distill.similarity_weight)
        self._hint_weight = recipe.distill.hint_weight
        self.hints = HintLoss(hint_channels) if hint_channels else None
        self.neck: nn.Module = nn.BatchNorm1d(dim) if recipe.head.neck else nn.Identity()
        self.head: nn.Module | None = None
        self.metric: nn.Module | None = None
        self.memory: EmbeddingMemory | None = None
        self._memory_warmup = recipe.metric.memory_warmup
        if recipe.metric.memory:
            self.memory = EmbeddingMemory(recipe.metric.memory, dim)
        try:
            if recipe.head.name:
                self.head = _head(recipe, n_classes, world)
            if recipe.metric.name:
                self.metric = LOSSES.get(recipe.metric.name)(**recipe.metric.settings)
        except TypeError as exc:
            raise ConfigError(
                f"The recipe has a setting that its loss does not take: {exc}."
            ) from exc
        self.needs_gallery = isinstance(self.head, SemiSiameseHead)
        if self.needs_gallery:
            _check_prototypes(recipe)

    def forward(
        self,
        embeddings: torch.Tensor,
        targets: torch.Tensor | None,
        labels: torch.Tensor,
        gallery: torch.Tensor | None = None,
        maps: tuple[Sequence[torch.Tensor], Sequence[torch.Tensor]] = ((), ()),
    ) -> torch.Tensor:
        """Compute the loss.

        Args:
            embeddings: (B, D).
            targets: (B, D), unit length, where they are needed.
            labels: (B,) 0..C-1, or ``NO_LABEL``.
            gallery: (B, D) of the averaged net, where they are needed.
            maps: the net's and the teachers' inner maps, (B, C, H, W) each, where there are hints.

        Returns:
            Scalar float32.
        """
        for_targets, for_head, for_metric = self._weights
        loss = embeddings.new_zeros((), dtype=torch.float32)
        if self.needs_targets and targets is not None:
            loss = loss + for_targets * self.distill(embeddings, targets)
        if self.hints is not None:
            loss = loss + self._hint_weight * self.hints(*maps)
        known = labels != NO_LABEL
        if self.head is not None:
            prototypes = () if gallery is None else (gallery[known],)
            own = self.neck(embeddings.float())[known], labels[known]
            loss = loss + for_head * self.head(*own, *prototypes)
        if self.metric is not None:
            own = embeddings[known], labels[known]
            loss = loss + for_metric * self.metric(*own, *self._past())
            if self.memory is not None and self.training:
                self.memory.put(*own)
        return loss

    def _past(self) -> tuple[torch.Tensor, ...]:
        """What the batch is compared with beside itself: nothing, or what the memory holds."""
        if self.memory is None or int(self.memory.n_batches) < self._memory_warmup:
            return ()
        return self.memory.past()


def _check_prototypes(recipe: Recipe) -> None:
    if recipe.head.neck:
        raise ConfigError(
            "Prototypes are embeddings, so no norm may lie between these and their head.",
            remedy="Set head.neck=false.",
        )
    if recipe.metric.people == 0 or recipe.metric.images < 2:
        raise ConfigError(
            "Prototypes need two crops of a person in a batch.",
            remedy="Set metric.people, and metric.images=2.",
        )


def _head(recipe: Recipe, n_classes: int, world: World) -> nn.Module:
    settings, dim = recipe.head, recipe.net.embedding_dim
    kind = HEADS.get(settings.name)
    if not settings.sharded:
        return kind(embedding_dim=dim, n_classes=n_classes, **settings.settings)
    return ShardedHead(
        lambda n_held: kind(embedding_dim=dim, n_classes=n_held, **settings.settings),
        n_classes=n_classes,
        world=world,
        seed=recipe.loop.seed,
        class_share=settings.class_share,
    )
