"""One optimiser step: the only place with ``backward``."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from facerec.errors import ConfigError
from training.distributed import ALONE, World
from training.errors import DivergedError


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


def train_step(
    net: nn.Module,
    loss_of: Callable[[torch.Tensor], torch.Tensor],
    optimizer: torch.optim.Optimizer,
    crops: torch.Tensor,
    *,
    precision: torch.dtype,
    clip_norm: float,
    step: int,
    world: World = ALONE,
) -> float:
    """Take one step.

    Args:
        net: (B, 3, S, S) -> (B, D), in training mode.
        loss_of: (B, D) embeddings -> scalar.
        optimizer: over all parameters of the net and of the loss.
        crops: (B, 3, S, S) float32.
        precision: of the net's arithmetic; the loss is always float32.
        clip_norm: largest norm of the gradient.
        step: for the error sentence.
        world: the processes that take the step together.

    Returns:
        The loss before the step.

    Raises:
        DivergedError: the loss or the gradient is not finite; no weight was changed.
    """
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(crops.device.type, dtype=precision, enabled=precision != torch.float32):
        embeddings = net(crops)
    loss = loss_of(embeddings)
    value = float(loss.detach())
    loss.backward()  # type: ignore[no-untyped-call]
    trained = [p for group in optimizer.param_groups for p in group["params"]]
    value = world.average(value, trained, net)
    norm = world.clip(trained, clip_norm)
    if not (torch.isfinite(torch.tensor(value)) and torch.isfinite(torch.tensor(norm))):
        raise DivergedError(
            f"The loss is no longer finite at step {step} (loss {value}, gradient {norm}).",
            remedy="Resume from the last checkpoint with a lower optimizer.learning_rate.",
            step=step,
        )
    optimizer.step()
    return value


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
