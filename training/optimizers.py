"""Optimisers by name: torch's, as far as they fit dense first-order training.

Left out: LBFGS (needs the loss several times a step), Rprop (needs the whole data in a batch),
SparseAdam (sparse gradients). torch's Muon takes matrices only; ``muon`` here takes convolutions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from typing import Any

import torch
from torch import nn

from facerec.errors import ConfigError
from facerec.registry import Registry
from training.errors import TrainingError
from training.muon import MuonAdamW
from training.recipe import Recipe
from training.transfer import rate_factor

OPTIMIZERS: Registry[Callable[..., torch.optim.Optimizer]] = Registry("optimiser")
_KINDS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adadelta": torch.optim.Adadelta,
    "adafactor": torch.optim.Adafactor,
    "adagrad": torch.optim.Adagrad,
    "adam": torch.optim.Adam,
    "adamax": torch.optim.Adamax,
    "adamw": torch.optim.AdamW,
    "amsgrad": partial(torch.optim.Adam, amsgrad=True),
    "asgd": torch.optim.ASGD,
    "muon": MuonAdamW,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}
for _name, _kind in _KINDS.items():
    OPTIMIZERS.register(_name)(_kind)

# Keys of the recipe's own, and what would turn training round or break clipping and resuming.
_NOT_SETTINGS = frozenset(
    {"params", "lr", "weight_decay", "maximize", "capturable", "differentiable"}
)


def build_optimizer(net: nn.Module, objective: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Build the optimiser a recipe names over what is trained of net and objective.

    Raises:
        ConfigError: unknown name or setting, a value out of range, or nothing to train.
        TrainingError: a parameter is left out or counted twice.
    """
    kind = OPTIMIZERS.get(recipe.optimizer.name)
    settings = _checked_settings(recipe.optimizer.name, kind, recipe.optimizer.settings)
    trained = nn.ModuleDict({"net": net, "objective": objective})
    factors = {f"net.{prefix}": value for prefix, value in recipe.transfer.rate_factors.items()}
    groups = parameter_groups(
        trained,
        recipe.optimizer.weight_decay,
        factor_of=lambda name: rate_factor(name, factors),
    )
    if not any(group["params"] for group in groups):
        raise ConfigError("Nothing is left to train.", remedy="Shorten transfer.freeze.")
    try:
        optimizer = kind(groups, lr=recipe.optimizer.learning_rate, **settings)
    except (TypeError, ValueError) as exc:
        raise ConfigError(
            f"The optimiser {recipe.optimizer.name} does not take its settings: {exc}.",
            remedy="Correct optimizer.settings.",
        ) from exc
    check_covered(optimizer, trained)
    return optimizer


def parameter_groups(
    trained: nn.Module, weight_decay: float, *, factor_of: Callable[[str], float] = lambda _: 1.0
) -> list[dict[str, Any]]:
    """Split what is trained by rate, and by whether it decays (norms and biases do not).

    Args:
        trained: a module; parameters that need no gradient are left out.
        weight_decay: of weights with more than one axis.
        factor_of: name of a parameter -> factor on the learning rate.
    """
    named = [(name, p) for name, p in trained.named_parameters() if p.requires_grad]
    factors = {name: factor_of(name) for name, _ in named}
    return [
        {
            "params": [
                p for name, p in named if factors[name] == factor and (p.ndim > 1) == decays
            ],
            "weight_decay": weight_decay if decays else 0.0,
            "rate_factor": factor,
        }
        for factor in sorted(set(factors.values()))
        for decays in (True, False)
    ]


def check_covered(optimizer: torch.optim.Optimizer, trained: nn.Module) -> None:
    """See that an optimiser moves each trainable parameter, each once, and nothing else.

    Raises:
        TrainingError: it does not.
    """
    names = {id(p): name for name, p in trained.named_parameters() if p.requires_grad}
    moved = [id(p) for group in optimizer.param_groups for p in group["params"]]
    missing = [name for key, name in names.items() if key not in set(moved)]
    if missing:
        raise TrainingError(
            f"{len(missing)} trainable parameters are not in the optimiser, first {missing[0]}."
        )
    if len(moved) != len(names):
        raise TrainingError(
            f"The optimiser moves {len(moved)} parameters where {len(names)} are trainable."
        )


def _checked_settings(
    name: str, kind: Callable[..., torch.optim.Optimizer], settings: dict[str, Any]
) -> dict[str, Any]:
    """Refuse unknown settings; lists of a TOML file become the tuples that torch expects."""
    known = [key for key in inspect.signature(kind).parameters if key not in _NOT_SETTINGS]
    for key in settings:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(known)}."
            raise ConfigError(f"The optimiser {name} has no setting {key!r}.", remedy=hint)
    return {key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()}
