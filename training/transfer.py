"""Transfer learning: where weights come from, what stays as it was, what moves slowly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from facerec.errors import ConfigError
from training.checkpoint import Checkpoint, load_checkpoint
from training.errors import CheckpointError
from training.nets.lean import LeanNet
from training.recipe import TransferSettings
from training.shards import load_shards

# Parts named in an error sentence: those of the net, and their parts.
_SHOWN_DEPTH = 2


def begin_from(path: Path, net: nn.Module, objective: nn.Module, people: Sequence[str]) -> str:
    """Load a checkpoint's averaged weights into a net, and its objective where that still fits.

    Heads hold one vector a person, so they are taken over only for the very same people.

    Args:
        path: the checkpoint.
        net: takes its weights.
        objective: takes its weights, or starts afresh.
        people: names of the labels 0..C-1 of this run.

    Returns:
        A sentence where the objective starts afresh, otherwise nothing.

    Raises:
        CheckpointError: it cannot be read, or belongs to a net of another shape.
    """
    saved = load_checkpoint(path)
    try:
        net.load_state_dict(_carried_over(saved, net))
    except RuntimeError as exc:
        raise CheckpointError(
            f"The weights of {path} do not fit the net of the recipe.",
            remedy=f"Its own recipe has the net {saved.recipe.net}.",
        ) from exc
    own = objective.state_dict()
    if not own:
        return ""
    if list(people) == saved.people and _shapes(own) == _shapes(saved.objective):
        objective.load_state_dict(saved.objective)
        load_shards(path, saved.step, objective, None)
        return ""
    if not saved.objective:
        return f"The objective starts afresh: {path} holds no weights of one."
    if list(people) != saved.people:
        known = f"{len(saved.people)} people" if saved.people else "people it does not name"
        return (
            f"The objective starts afresh: {path} was trained on {known}, "
            f"and the {len(people)} of this run are not the same."
        )
    return f"The objective starts afresh: {path} was trained with another one."


def _carried_over(saved: Checkpoint, net: nn.Module) -> Mapping[str, torch.Tensor]:
    """Return a checkpoint's averaged weights, grown where the net is a deeper one of its kind."""
    if isinstance(net, LeanNet) and saved.recipe.net.name == "lean":
        return net.grown_state(saved.average, saved.recipe.net.settings) or saved.average
    return saved.average


def freeze(net: nn.Module, settings: TransferSettings) -> list[nn.Module]:
    """Take the frozen parts of a net out of training.

    Args:
        net: its frozen parameters need no gradient any more.
        settings: what is frozen.

    Returns:
        The modules that must stay in evaluation mode, see ``training_mode``.

    Raises:
        ConfigError: the net has no part of such a name.
    """
    check_prefixes(net, [*settings.freeze, *settings.rate_factors])
    for name, parameter in net.named_parameters():
        if any(is_part(name, prefix) for prefix in settings.freeze):
            parameter.requires_grad = False
    return [
        module
        for name, module in net.named_modules()
        if any(is_part(name, prefix) for prefix in settings.freeze)
        or (settings.frozen_norms and isinstance(module, _BatchNorm))
    ]


def training_mode(net: nn.Module, still: Sequence[nn.Module]) -> nn.Module:
    """Put a net into training mode except for the modules that stand still."""
    net.train()
    for module in still:
        module.eval()
    return net


def is_part(name: str, prefix: str) -> bool:
    """Whether a dotted name is the prefix or lies below it."""
    return name == prefix or name.startswith(f"{prefix}.")


def rate_factor(name: str, factors: Mapping[str, float]) -> float:
    """Return the factor of the longest prefix that holds for a parameter; 1 without one."""
    held = [prefix for prefix in factors if is_part(name, prefix)]
    return float(factors[max(held, key=len)]) if held else 1.0


def find_part(net: nn.Module, name: str) -> nn.Module:
    """Return the part of a net with a dotted name.

    Raises:
        ConfigError: there is none; the remedy names those there are.
    """
    parts: dict[str, nn.Module] = dict(net.named_modules())
    if name not in parts or not name:
        check_prefixes(net, [name])
    return parts[name]


def check_prefixes(net: nn.Module, prefixes: Sequence[str]) -> None:
    """See that each prefix names a part of a net that has parameters.

    Raises:
        ConfigError: one does not; the remedy names those there are.
    """
    names = [name for name, _ in net.named_parameters()]
    parts = {".".join(name.split(".")[:n]) for name in names for n in range(1, name.count(".") + 2)}
    shown = [part for part in parts if part.count(".") < _SHOWN_DEPTH]
    for prefix in prefixes:
        if prefix not in parts:
            close = get_close_matches(prefix, parts, n=1)
            near = f"Did you mean {close[0]!r}? " if close else ""
            raise ConfigError(
                f"The net has no part {prefix!r}.",
                remedy=f"{near}There are: {', '.join(sorted(shown, key=_natural))}.",
            )


def _natural(name: str) -> list[tuple[int, str]]:
    """Order ``stages.2`` before ``stages.10``."""
    return [(int(word) if word.isdigit() else 0, word) for word in name.split(".")]


def _shapes(state: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in state.items()}
