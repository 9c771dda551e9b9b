"""One line of what the doctor says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How one check ended."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report.

    Attributes:
        group: heading.
        name: what was looked at.
        state: ok, a note, or a problem that keeps something from working.
        detail: what was found.
        remedy: what to do; empty when there is nothing to do.
    """

    group: str
    name: str
    state: State
    detail: str
    remedy: str = ""
