"""One optimiser step: the only place with ``backward``."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from facerec.errors import ConfigError
from training.errors import DivergedError
from training.recipe import Recipe


def resolve_precision(name: str, device: str) -> torch.dtype:
    """Choose the arithmetic of the net.

    Args:
        name: ``auto``, ``bf16`` or ``f32``.
        device: ``cpu`` or ``cuda``.

    Returns:
        ``torch.bfloat16`` or ``torch.float32``; ``auto`` takes bf16 only where the hardware
        computes in it, and on a CPU only where a short trial shows it to be the faster one:
        having the instructions is not enough.

    Raises:
        ConfigError: another name.
    """
    if name == "bf16":
        return torch.bfloat16
    if name == "f32":
        return torch.float32
    if name != "auto":
        raise ConfigError(f"There is no precision {name!r}.", remedy="Use auto, bf16 or f32.")
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if not _cpu_has_bf16():
        return torch.float32
    return min((torch.bfloat16, torch.float32), key=_trial_seconds)


def precision_name(precision: torch.dtype) -> str:
    """Return the recipe's word for a precision, ``bf16`` or ``f32``."""
    return "bf16" if precision == torch.bfloat16 else "f32"


def _trial_seconds(precision: torch.dtype) -> float:
    """Time a 3x3 convolution forward and backward; the best of three."""
    layer = nn.Conv2d(64, 64, 3, padding=1).to(memory_format=torch.channels_last)
    x = torch.zeros(32, 64, 28, 28).to(memory_format=torch.channels_last)
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        with torch.autocast("cpu", dtype=precision, enabled=precision != torch.float32):
            loss = layer(x.requires_grad_()).float().sum()
        loss.backward()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def _cpu_has_bf16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What a step computed before it moved the weights.

    Attributes:
        loss: of the batch.
        embeddings: (B, D), detached; in the order of the parts.
    """

    loss: float
    embeddings: torch.Tensor


def batch_parts(recipe: Recipe) -> tuple[slice, ...]:
    """Split the batches of a recipe into equal micro-batches.

    Where batches are of people, neighbours stay together so that nobody is torn apart; otherwise
    crops are dealt out in turn, so that each part has some of every source.

    Raises:
        ConfigError: the people of a batch cannot be dealt out evenly.
    """
    size, n_parts, n_people = recipe.loop.batch_size, recipe.loop.accumulate, recipe.metric.people
    if n_people % n_parts:
        raise ConfigError(
            f"{n_people} people cannot be dealt out to {n_parts} micro-batches.",
            remedy="Change loop.accumulate or metric.people.",
        )
    if n_people:
        return tuple(slice(at, at + size // n_parts) for at in range(0, size, size // n_parts))
    return tuple(slice(first, None, n_parts) for first in range(n_parts))


def train_step(
    net: nn.Module,
    loss_of: Callable[[torch.Tensor, slice], torch.Tensor],
    optimizer: torch.optim.Optimizer,
    crops: torch.Tensor,
    *,
    precision: torch.dtype,
    clip_norm: float,
    step: int,
    parts: Sequence[slice] = (slice(None),),
) -> StepOutcome:
    """Take one step.

    Args:
        net: in training mode.
        loss_of: embeddings (M, D) and the part of the batch they are of -> scalar.
        optimizer: over the parameters of the net and of the loss.
        crops: (B, 3, S, S) float32.
        precision: of the net's arithmetic; the loss is always float32.
        clip_norm: largest norm of the gradient.
        step: for the error sentence.
        parts: micro-batches of M crops each, computed one after the other; the gradient is the mean
            of theirs, which is the whole batch's where the loss is a mean over crops.

    Returns:
        The loss before the step, and the embeddings.

    Raises:
        DivergedError: the loss or the gradient is not finite; no weight was changed.
    """
    optimizer.zero_grad(set_to_none=True)
    value, seen = 0.0, []
    for part in parts:
        with torch.autocast(crops.device.type, dtype=precision, enabled=precision != torch.float32):
            embeddings = net(crops[part])
        loss = loss_of(embeddings, part) / len(parts)
        value += float(loss.detach())
        loss.backward()  # type: ignore[no-untyped-call]
        seen.append(embeddings.detach())
    trained = [p for group in optimizer.param_groups for p in group["params"]]
    norm = float(nn.utils.clip_grad_norm_(trained, clip_norm))
    if not (math.isfinite(value) and math.isfinite(norm)):
        raise DivergedError(
            f"The loss is no longer finite at step {step} (loss {value}, gradient {norm}).",
            remedy="Start again with a lower optimizer.learning_rate.",
            step=step,
            loss=value,
            gradient=norm,
        )
    optimizer.step()
    return StepOutcome(value, seen[0] if len(seen) == 1 else torch.cat(seen))


@torch.no_grad()
def update_average(average: nn.Module, net: nn.Module, *, decay: float, step: int) -> None:
    """Move the averaged weights towards the net's.

    The decay starts low so that the first steps do not dominate: min(decay, (1 + t) / (10 + t)).
    """
    rate = min(decay, (1 + step) / (10 + step))
    current = net.state_dict()
    for name, value in average.state_dict().items():
        if value.is_floating_point():
            value.lerp_(current[name], 1 - rate)
        else:
            value.copy_(current[name])
