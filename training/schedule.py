"""Learning rate as a pure function of the step."""

from __future__ import annotations

import math


def learning_rate_factor(
    step: int, *, total_steps: int, warmup_steps: int, final_fraction: float
) -> float:
    """Rise linearly, then fall along half a cosine.

    Args:
        step: 0-based number of the step about to be taken.
        total_steps: length of the whole run.
        warmup_steps: length of the rise.
        final_fraction: what is left of the peak at the end.

    Returns:
        Factor in (0, 1] on the peak learning rate.

    Reference:
        Loshchilov & Hutter 2017, "SGDR", eq. 5, one period.
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    return final_fraction + (1 - final_fraction) * 0.5 * (1 + math.cos(math.pi * progress))
