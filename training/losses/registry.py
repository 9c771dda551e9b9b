"""The losses on embeddings and labels that a recipe can name."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from facerec.registry import Registry

# Each takes its settings by keyword; its module maps (B, D) embeddings and (B,) labels to a scalar.
LOSSES: Registry[Callable[..., nn.Module]] = Registry("loss")
