"""One pass over all Scores of a Gallery, from which the health check takes what it says.

Templates are ordered by Person; each block of them is compared with everybody at once, and only
what is needed later is kept: who is most alike, and which pairs come near the Threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.match.likeness import Floats, Likeness, fit_likeness
from facerec.progress import Task

Ints = NDArray[np.int64]

BLOCK_ROWS = 512
# Of one Template, so many Templates of others that come near the Threshold are kept.
MAX_NEIGHBOURS = 64
_STAGE = "Comparing everybody"


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What was found out about each Template and Person.

    Attributes:
        vectors: (N, D), ordered by Person.
        person: (N,) whose each is, numbered from 0.
        starts: (P + 1,) where each Person's Templates begin.
        own_best: (N,) highest Score with the same Person's other Templates; minus infinity without.
        own_second: (N,) second highest; minus infinity without.
        own_centre: (N,) Score with the mean direction of the others; NaN without.
        other_best: (N,) highest Score with anybody else's Template; minus infinity without.
        other_template: (N,) which one.
        other_centre: (N,) highest Score with the mean direction of anybody else.
        rival: (N,) whose that is; -1 without anybody.
        pairs: (M, 2) pairs of Templates whose Score is not below ``floor``, both ways round.
        scores: (M,) of these pairs, which are ordered by the first.
        first: (N + 1,) where each Template's pairs begin.
        floor: see ``pairs``.
        likeness: the Gallery's distributions.
    """

    vectors: NDArray[np.float32]
    person: Ints
    starts: Ints
    own_best: Floats
    own_second: Floats
    own_centre: Floats
    other_best: Floats
    other_template: Ints
    other_centre: Floats
    rival: Ints
    pairs: Ints
    scores: Floats
    first: Ints
    floor: float
    likeness: Likeness

    @property
    def n_people(self) -> int:
        """How many people there are."""
        return len(self.starts) - 1

    @property
    def n_own(self) -> Ints:
        """How many Templates each Person has, (P,)."""
        return np.diff(self.starts)

    def rows_of(self, person: int) -> Ints:
        """Return where a Person's Templates are, (n,)."""
        return np.arange(self.starts[person], self.starts[person + 1])

    def neighbours(self, row: int) -> tuple[Ints, Floats]:
        """Return the Templates near one, (n,), and their Scores, (n,)."""
        part = slice(self.first[row], self.first[row + 1])
        return self.pairs[part, 1], self.scores[part]


class _Own:
    """Scores within people."""

    def __init__(self, vectors: NDArray[np.float32], starts: Ints, floor: float) -> None:
        n = len(vectors)
        self.best = np.full(n, -np.inf, np.float32)
        self.second = np.full(n, -np.inf, np.float32)
        self.centre = np.full(n, np.nan, np.float32)
        self.mean = np.full(n, np.nan, np.float32)
        self.pairs: list[Ints] = []
        self.scores: list[Floats] = []
        for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            if end - start > 1:
                self._measure(vectors[start:end], start, floor)

    def _measure(self, vectors: NDArray[np.float32], start: int, floor: float) -> None:
        n = len(vectors)
        rows = slice(start, start + n)
        scores = vectors @ vectors.T
        np.fill_diagonal(scores, 0.0)
        total = scores.sum(axis=1)
        # |sum of the others|^2 = sum of all their Scores with each other.
        squares = np.maximum(scores.sum() - 2.0 * total + (n - 1), 1e-6)
        self.mean[rows] = total / (n - 1)
        self.centre[rows] = total / np.sqrt(squares)
        np.fill_diagonal(scores, -np.inf)
        ranked = np.sort(scores, axis=1)
        self.best[rows] = ranked[:, -1]
        if n > 2:
            self.second[rows] = ranked[:, -2]
        one, other = np.nonzero(scores >= floor)
        self.pairs.append(np.stack([one + start, other + start], axis=1))
        self.scores.append(scores[one, other])


class _Others:
    """Scores with everybody else, block by block."""

    def __init__(
        self, vectors: NDArray[np.float32], person: Ints, starts: Ints, floor: float
    ) -> None:
        n = len(vectors)
        self._vectors, self._person, self._starts, self._floor = vectors, person, starts, floor
        sums = np.add.reduceat(vectors, starts[:-1], axis=0)
        self._lengths = np.maximum(np.linalg.norm(sums, axis=1), 1e-6).astype(np.float32)
        self.best = np.full(n, -np.inf, np.float32)
        self.template = np.full(n, -1, np.int64)
        self.centre = np.full(n, -np.inf, np.float32)
        self.rival = np.full(n, -1, np.int64)
        self.pairs: list[Ints] = []
        self.scores: list[Floats] = []
        self._moments = np.zeros(3)

    def measure(self, rows: slice) -> None:
        """Compare the Templates of a block with those of everybody else."""
        scores = self._vectors[rows] @ self._vectors.T
        own = self._person[rows]
        at = np.arange(len(scores))
        centres = np.add.reduceat(scores, self._starts[:-1], axis=1) / self._lengths
        centres[at, own] = 0.0
        self._moments += [
            centres.size - len(at), centres.sum(dtype=np.float64),
            np.einsum("ij,ij->", centres, centres, dtype=np.float64),
        ]  # fmt: skip
        centres[at, own] = -np.inf
        self.rival[rows] = centres.argmax(axis=1)
        self.centre[rows] = centres[at, self.rival[rows]]
        for row, one in enumerate(own.tolist()):
            scores[row, self._starts[one] : self._starts[one + 1]] = -np.inf
        self.template[rows] = scores.argmax(axis=1)
        self.best[rows] = scores[at, self.template[rows]]
        self._keep_near(scores, rows.start)

    def random(self) -> tuple[float, float]:
        """Mean and spread of Scores with the mean direction of others."""
        n, total, squares = self._moments
        if n < 2:
            return 0.0, 0.1
        mean = total / n
        return float(mean), float(np.sqrt(max(squares / n - mean * mean, 0.0)))

    def _keep_near(self, scores: NDArray[np.float32], start: int) -> None:
        for row in np.flatnonzero(self.best[start : start + len(scores)] >= self._floor).tolist():
            near = np.flatnonzero(scores[row] >= self._floor)
            if len(near) > MAX_NEIGHBOURS:
                near = near[np.argsort(-scores[row, near])[:MAX_NEIGHBOURS]]
            self.pairs.append(np.stack([np.full(len(near), start + row), near], axis=1))
            self.scores.append(scores[row, near])


def scan(
    vectors: NDArray[np.float32], person: Ints, *, threshold: float, margin: float, task: Task
) -> Scan:
    """Compare everybody with everybody.

    Args:
        vectors: (N, D) float32 of unit length, ordered by Person; N is 1 at least.
        person: (N,) whose each is: 0 to P - 1, rising.
        threshold: smallest Score that counts.
        margin: pairs down to so much below the Threshold are kept; no Decision depends on others.
        task: hears of progress and may stop the work.

    Raises:
        Cancelled: the task was stopped.
    """
    floor = threshold - margin
    starts = np.searchsorted(person, np.arange(int(person[-1]) + 2)).astype(np.int64)
    own = _Own(vectors, starts, floor)
    others = _Others(vectors, person, starts, floor)
    if len(starts) > 2:
        for at in range(0, len(vectors), BLOCK_ROWS):
            task.step(_STAGE, at, len(vectors))
            others.measure(slice(at, min(at + BLOCK_ROWS, len(vectors))))
    task.step(_STAGE, len(vectors), len(vectors))
    mated = np.isfinite(own.best)
    n_others = (np.diff(starts)[person] - 1)[mated]
    likeness = fit_likeness(
        own.mean[mated], own.centre[mated], n_others, others.centre[others.rival >= 0],
        *others.random(), len(starts) - 1,
    )  # fmt: skip
    pairs = _joined(own.pairs + others.pairs, np.empty((0, 2), np.int64))
    scores = _joined(own.scores + others.scores, np.empty(0, np.float32))
    order = np.argsort(pairs[:, 0], kind="stable")
    pairs, scores = pairs[order], scores[order]
    first = np.searchsorted(pairs[:, 0], np.arange(len(vectors) + 1)).astype(np.int64)
    return Scan(
        vectors, person, starts, own.best, own.second, own.centre, others.best, others.template,
        others.centre, others.rival, pairs, scores, first, floor, likeness,
    )  # fmt: skip


def _joined(parts: list[NDArray[Any]], nothing: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else nothing
