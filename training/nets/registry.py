"""The nets a recipe can name."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from facerec.registry import Registry
from training.nets.lean import LeanNet

NETS: Registry[Callable[..., nn.Module]] = Registry("net")
NETS.register("lean")(LeanNet)
