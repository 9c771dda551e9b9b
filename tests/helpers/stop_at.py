"""A task that ends a run in the middle."""

from __future__ import annotations

from facerec.errors import Cancelled


class StopAt:
    """Ends a run after ``step`` steps, as a killed process would."""

    def __init__(self, step: int) -> None:
        self.at = step

    def step(self, stage: str, done: int, total: int) -> None:
        if done == self.at:
            raise Cancelled
