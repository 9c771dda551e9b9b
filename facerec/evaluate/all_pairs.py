"""Every comparison a folder of people allows: all same-person and all different-person pairs.

In come vectors and whose they are, out come error rates. The different-person Scores are too many
to keep (43 million for 9,250 images), so they are computed in blocks and counted in a fine
histogram; a second pass counts exactly at the few Thresholds that are reported. Images without a
Face take part in every comparison and match nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facerec.errors import InputError, ShapeError
from facerec.evaluate.error_rates import (
    EqualError,
    ErrorCurve,
    Estimate,
    ScoreHistogram,
    area_under_roc,
    at_fmr,
    bootstrap_ratio,
    curve_from_histogram,
    equal_error_rate,
    jackknife_ratio,
)
from facerec.progress import SilentTask, Task

# Rows of the Score matrix at a time: 1,024 x 9,250 float32 are 38 MB.
BLOCK_ROWS = 1024
# A contact sheet with more is not looked at to its end.
N_NEAREST = 24
STAGE = "Comparing all pairs"


@dataclass(frozen=True, slots=True, eq=False)
class PairPlaces:
    """Pairs of images with their Scores.

    Attributes:
        first: (n,) int64 row of the first image.
        second: (n,) int64 row of the second image.
        scores: (n,) float64; minus infinity where an image has no Face.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    scores: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RatesAt:
    """Both error rates at one Threshold over all pairs, with intervals by person.

    Attributes:
        threshold: smallest Score that matches; None when the FMR asked for is not measurable.
        target: the false match rate it was chosen for here; None for one set elsewhere.
        fmr: measured; jackknife by person.
        fnmr: measured; bootstrap by person, the Threshold held fixed.
        reason: why there is no figure; empty when there is one.
    """

    threshold: float | None
    target: float | None
    fmr: Estimate | None
    fnmr: Estimate | None
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class AllPairs:
    """What all comparisons of a folder tell.

    Attributes:
        n_people: people with an image.
        n_images: images.
        mated: every same-person pair.
        nonmated: Scores of every different-person pair, counted.
        curve: both error counts over the Threshold.
        equal_error: where they meet.
        auc: area under the ROC curve.
        rates: at the Thresholds and false match rates asked for.
        nearest: the different-person pairs of the highest Score, the highest first.
    """

    n_people: int
    n_images: int
    mated: PairPlaces
    nonmated: ScoreHistogram
    curve: ErrorCurve
    equal_error: EqualError
    auc: float
    rates: tuple[RatesAt, ...]
    nearest: PairPlaces


def compare_all(
    vectors: NDArray[np.float32],
    person: NDArray[np.int64],
    found: NDArray[np.bool_],
    *,
    thresholds: Sequence[float] = (),
    targets: Sequence[float] = (0.01, 0.001, 0.0001, 0.00001),
    seed: int = 0,
    block_rows: int = BLOCK_ROWS,
    task: Task | None = None,
) -> AllPairs:
    """Compare every image with every other.

    Args:
        vectors: (N, D) float32, unit length where ``found``.
        person: (N,) int64, whose image it is, from 0.
        found: (N,) whether the image has a vector.
        thresholds: Scores set elsewhere, to be measured.
        targets: false match rates to hold.
        seed: of the bootstrap.
        block_rows: rows of the Score matrix held at a time.
        task: hears of progress and may stop the work.

    Raises:
        ShapeError: the arrays have different lengths.
        InputError: nobody has two images, or everybody is one person.
        Cancelled: the task was stopped.
    """
    if not len(vectors) == len(person) == len(found):
        raise ShapeError("Vectors, people and flags need the same length.")
    mated = _mated_pairs(vectors, person, found)
    matrix = _Matrix(vectors[found], person[found], block_rows, task or SilentTask())
    histogram = matrix.histogram()
    sizes = np.bincount(person)
    n_possible = (len(person) ** 2 - int((sizes**2).sum())) // 2
    histogram.n_failed = n_possible - histogram.total
    if n_possible == 0:
        raise InputError("All images show one person.", remedy="Add images of other people.")
    curve = curve_from_histogram(mated.scores, histogram)
    fixed = [at_fmr(curve, target) for target in targets]
    asked: list[tuple[float | None, float | None, str]] = [(t, None, "") for t in thresholds]
    asked += [(point.threshold, point.target, point.reason) for point in fixed]
    used = [threshold for threshold, _, _ in asked if threshold is not None]
    floor = _floor_of_nearest(histogram)
    counts, nearest = matrix.count_at(used, floor, n_people=len(sizes))
    places = np.flatnonzero(found)
    nearest = PairPlaces(places[nearest.first], places[nearest.second], nearest.scores)
    measured = _Measured(mated, person, sizes, n_possible, seed)
    by_threshold = {
        threshold: measured.at(threshold, row) for threshold, row in zip(used, counts, strict=True)
    }
    rates = tuple(
        RatesAt(threshold, target, None, None, reason)
        if threshold is None
        else RatesAt(threshold, target, *by_threshold[threshold])
        for threshold, target, reason in asked
    )
    return AllPairs(
        n_people=int((sizes > 0).sum()),
        n_images=len(person),
        mated=mated,
        nonmated=histogram,
        curve=curve,
        equal_error=equal_error_rate(curve),
        auc=area_under_roc(curve),
        rates=rates,
        nearest=nearest,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """Turns counts by person into rates with intervals."""

    mated: PairPlaces
    person: NDArray[np.int64]
    sizes: NDArray[np.int64]
    n_nonmated: int
    seed: int

    def at(self, threshold: float, false_matches: NDArray[np.int64]) -> tuple[Estimate, Estimate]:
        n_images = len(self.person)
        present = self.sizes > 0
        fmr = jackknife_ratio(
            false_matches[present],
            (self.sizes * (n_images - self.sizes))[present],
            int(false_matches.sum()) // 2,  # each pair was counted at both of its people
            self.n_nonmated,
        )
        owner = self.person[self.mated.first]
        n_people = len(self.sizes)
        misses = np.bincount(owner[self.mated.scores < threshold], minlength=n_people)
        trials = np.bincount(owner, minlength=n_people)
        return fmr, bootstrap_ratio(misses, trials, seed=self.seed)


class _Matrix:
    """The upper triangle of the Score matrix, one block of rows at a time."""

    def __init__(
        self,
        vectors: NDArray[np.float32],
        person: NDArray[np.int64],
        block_rows: int,
        task: Task,
    ) -> None:
        self.vectors = vectors
        self.person = person
        self.block_rows = block_rows
        self.task = task
        self.n_steps = 0

    def histogram(self) -> ScoreHistogram:
        histogram = ScoreHistogram()
        for _, scores, different in self._blocks(0):
            histogram.add(scores[different])
        return histogram

    def count_at(
        self, thresholds: Sequence[float], floor: float, *, n_people: int
    ) -> tuple[list[NDArray[np.int64]], PairPlaces]:
        """False matches that involve each person, and all pairs at or above ``floor``."""
        counts = [np.zeros(n_people, dtype=np.int64) for _ in thresholds]
        lowest = min([floor, *thresholds])
        rows: list[NDArray[np.int64]] = []
        columns: list[NDArray[np.int64]] = []
        kept: list[NDArray[np.float64]] = []
        for start, scores, different in self._blocks(1):
            row, column = np.nonzero((scores >= np.float32(lowest)) & different)
            values = scores[row, column].astype(np.float64)
            row, column = row + start, column + start
            for count, threshold in zip(counts, thresholds, strict=True):
                hit = values >= threshold
                both = np.concatenate([self.person[row[hit]], self.person[column[hit]]])
                count += np.bincount(both, minlength=n_people)
            near = values >= floor
            rows.append(row[near])
            columns.append(column[near])
            kept.append(values[near])
        scores_kept = np.concatenate([np.empty(0), *kept])
        order = np.argsort(-scores_kept, kind="stable")[:N_NEAREST]
        nothing = np.empty(0, dtype=np.int64)
        return counts, PairPlaces(
            np.concatenate([nothing, *rows])[order],
            np.concatenate([nothing, *columns])[order],
            scores_kept[order],
        )

    def _blocks(self, half: int) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.bool_]]]:
        n = len(self.vectors)
        for start in range(0, n, self.block_rows):
            self.task.step(STAGE, half * n + start, 2 * n)
            end = min(start + self.block_rows, n)
            scores = self.vectors[start:end] @ self.vectors[start:].T
            different = self.person[start:end, None] != self.person[None, start:]
            different &= np.arange(start, n)[None, :] > np.arange(start, end)[:, None]
            yield start, scores, different
        self.task.step(STAGE, (half + 1) * n, 2 * n)


def _mated_pairs(
    vectors: NDArray[np.float32], person: NDArray[np.int64], found: NDArray[np.bool_]
) -> PairPlaces:
    first: list[NDArray[np.int64]] = []
    second: list[NDArray[np.int64]] = []
    order = np.argsort(person, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(person[order])) + 1):
        a, b = np.triu_indices(len(rows), k=1)
        first.append(rows[a])
        second.append(rows[b])
    one, other = np.concatenate(first), np.concatenate(second)
    if one.size == 0:
        raise InputError(
            "Nobody has two images, so no two images of one person can be compared.",
            remedy="Add a second image of at least some of the people.",
        )
    scores = np.einsum("pd,pd->p", vectors[one], vectors[other], dtype=np.float64)
    scores[~(found[one] & found[other])] = -np.inf
    return PairPlaces(one.astype(np.int64), other.astype(np.int64), scores)


def _floor_of_nearest(histogram: ScoreHistogram) -> float:
    """A Score that the ``N_NEAREST`` highest reach and not many more."""
    above = np.cumsum(histogram.counts[::-1])
    bins_from_top = int(np.searchsorted(above, min(N_NEAREST, above[-1])))
    return float(histogram.edges[len(above) - 1 - bins_from_top])
