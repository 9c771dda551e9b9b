"""Learning rate as a pure function of the step."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from facerec.registry import Registry
from training.recipe import OptimizerSettings

# Step, steps of the whole run, settings -> factor on the peak, once the warm-up is over.
Schedule = Callable[[int, int, OptimizerSettings], float]
SCHEDULES: Registry[Schedule] = Registry("schedule")


def learning_rate_factor(step: int, settings: OptimizerSettings, *, total_steps: int) -> float:
    """Rise linearly, then follow the schedule.

    Args:
        step: 0-based number of the step about to be taken.
        settings: the schedule and its numbers.
        total_steps: length of the whole run.

    Returns:
        Factor in (0, 1] on the peak learning rate.

    Raises:
        ConfigError: unknown schedule.
    """
    schedule = SCHEDULES.get(settings.schedule)
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    return schedule(step, total_steps, settings)


def set_rate(
    optimizer: torch.optim.Optimizer, settings: OptimizerSettings, step: int, *, total_steps: int
) -> float:
    """Give each group of parameters its rate for a step; return the rate before group factors."""
    rate = settings.learning_rate * learning_rate_factor(step, settings, total_steps=total_steps)
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("rate_factor", 1.0)
    return rate


@SCHEDULES.register("cosine")
def cosine(step: int, total_steps: int, settings: OptimizerSettings) -> float:
    """Fall along half a cosine.

    Reference:
        Loshchilov & Hutter 2017, "SGDR", eq. 5, one period.
    """
    progress = _progress(step, total_steps, settings)
    rest = settings.final_fraction
    return rest + (1 - rest) * 0.5 * (1 + math.cos(math.pi * progress))


@SCHEDULES.register("polynomial")
def polynomial(step: int, total_steps: int, settings: OptimizerSettings) -> float:
    """Fall as a power of what is left of the run; power 1 is a straight line."""
    left = 1 - _progress(step, total_steps, settings)
    rest = settings.final_fraction
    return float(rest + (1 - rest) * left**settings.power)


@SCHEDULES.register("step")
def step_down(step: int, total_steps: int, settings: OptimizerSettings) -> float:
    """Stay, and fall by a factor at each milestone."""
    passed = sum(step >= share * total_steps for share in settings.milestones)
    return float(settings.milestone_factor**passed)


@SCHEDULES.register("constant")
def constant(step: int, total_steps: int, settings: OptimizerSettings) -> float:
    """Stay at the peak."""
    del step, total_steps, settings
    return 1.0


def _progress(step: int, total_steps: int, settings: OptimizerSettings) -> float:
    """Share of the steps after the warm-up that are over, 0..1."""
    warmup = settings.warmup_steps
    return min(1.0, (step - warmup) / max(1, total_steps - warmup))
