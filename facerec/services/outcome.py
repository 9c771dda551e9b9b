"""What became of one item of a batch: a value or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from facerec.errors import FacerecError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """One item's result; exactly one of ``value`` and ``error`` is set.

    Attributes:
        item: what was worked on, usually a path.
        value: what came of it.
        error: why nothing came of it.
    """

    item: str
    value: T | None = None
    error: FacerecError | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.error is None):
            raise ValueError("An outcome has either a value or an error.")
