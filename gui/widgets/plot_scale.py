"""Where the ticks of an axis stand and how its numbers are written."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

# About how many ticks an axis gets; the steps are 1, 2 or 5 times a power of ten.
N_TICKS = 5
_STEPS = (1.0, 2.0, 5.0, 10.0)


def plain_number(value: float) -> str:
    """Write a number in as few letters as an axis wants: 0.25, 1,500, 2e-05."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent_number(value: float) -> str:
    """Write a rate as percent: 0.001 as "0.1 %"."""
    return f"{100 * value:.4g} %"


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a plot.

    Attributes:
        title: what it measures, with the unit.
        low: its lower end; from the data when None.
        high: its upper end; from the data when None.
        is_log: whether it is logarithmic; what is not above zero then lies at the lower end.
        write: how its numbers are written.
    """

    title: str = ""
    low: float | None = None
    high: float | None = None
    is_log: bool = False
    write: Callable[[float], str] = plain_number


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis whose ends are known.

    Attributes:
        low: the lower end.
        high: the upper end, above the lower one.
        is_log: whether it is logarithmic.
    """

    low: float
    high: float
    is_log: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies between the ends: 0 at the lower, 1 at the upper one."""
        if self.is_log:
            value = max(value, self.low)
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Return round values between the ends."""
        if self.is_log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            every = max(1, math.ceil((last - first + 1) / (N_TICKS + 1)))
            return [10.0**power for power in range(first, last + 1, every)]
        step = _round_step((self.high - self.low) / N_TICKS)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def scale_of(axis: Axis, values: list[float], room_share: float = 0.0) -> Scale:
    """Return the scale of an axis for what is drawn on it.

    Args:
        axis: the axis.
        values: all that is drawn.
        room_share: how much of the range is left free beyond the data.
    """
    usable = [value for value in values if value > 0] if axis.is_log else values
    low = axis.low if axis.low is not None else min(usable, default=0.1 if axis.is_log else 0.0)
    high = axis.high if axis.high is not None else max(usable, default=1.0)
    if axis.is_log:
        return Scale(low, high if high > low else low * 10, is_log=True)
    if high <= low:
        low, high = low - (0.5 if axis.low is None else 0.0), low + 0.5
    room = (high - low) * room_share
    return Scale(
        low if axis.low is not None else low - room, high if axis.high is not None else high + room
    )


def _round_step(about: float) -> float:
    power = 10.0 ** math.floor(math.log10(about))
    return next(step * power for step in _STEPS if step * power >= about * (1 - 1e-9))
