"""How long work reports and is stopped: one ``Task``, shared by command line, window and tests."""

from __future__ import annotations

from typing import Protocol


class Task(Protocol):
    """Receives progress; raises ``Cancelled`` from ``step`` when the user has stopped the work."""

    def step(self, stage: str, done: int, total: int) -> None:
        """Report that ``done`` of ``total`` items of ``stage`` are finished.

        Raises:
            Cancelled: the work shall stop.
        """
        ...


class SilentTask:
    """A Task that nobody watches and nobody stops."""

    def step(self, stage: str, done: int, total: int) -> None:
        """Do nothing."""
