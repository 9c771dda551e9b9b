"""Scores of strangers -> the Threshold for a wanted rate of false alarms, with a bound.

A stranger is somebody who is not enrolled; what counts of the search is the best Score over
everybody enrolled, and the share of strangers whose best reaches the Threshold is the FPIR. It is
modelled as a whole, stranger by stranger, and not put together from single comparisons: some people
resemble many (wolves) and some are resembled by many (hubs), so single comparisons do not fail
independently.

The tail of the best Scores is taken to have the shape of the largest of N normal numbers, whose
width is fitted to the upper part of the Scores seen. Knows nothing of vectors, indexes or
databases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.errors import RangeError, ShapeError

# Bounds are one-sided: the truth is above the bound in one case of twenty.
CONFIDENCE = 0.95
# With fewer people the tail of the best Scores cannot be seen.
MIN_PEOPLE = 100
# Fewer expected false alarms are not told from none.
RULE_OF_THREE = 3
# The tail is fitted to about so many people; more would fit its body instead.
TAIL_PEOPLE = 200
# At most the upper half of the Scores is tail; at least twice the share asked for is.
MAX_TAIL_SHARE = 0.5
# The tail is followed at most so far below the share of one person.
MAX_REACH = 20
MAX_FPIR = 0.2
N_RESAMPLES = 500
# Of the weight of a person in a draw. A false alarm between two people counts with the product of
# their weights; with sqrt(2) - 1 its variance would be that of a Poisson event. The little more is
# for people who resemble many, since they count on both sides (docs/decisions/0025-calibration.md).
_WEIGHT_VARIANCE = 0.7
_WEIGHTS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class StrangerSearches:
    """What strangers found in a Gallery.

    Attributes:
        best: (n,) highest Score of each search.
        person: (n,) int64, who searched, numbered from 0.
        rival: (n,) int64, whom that Score belongs to, of the same numbers.
        n_people: how many people were searched.
    """

    best: NDArray[np.floating[Any]]
    person: NDArray[np.int64]
    rival: NDArray[np.int64]
    n_people: int


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A Threshold with what it promises.

    Attributes:
        requested_fpir: what was asked for: the bound on the FPIR at the Threshold.
        threshold: smallest Score that counts: the upper end of the interval.
        fpir: what is expected at the Threshold; below what was asked for.
        fpir_low: lower 95 % bound of it.
        expected_threshold: Score at which the FPIR is expected to be what was asked for.
        threshold_low: lower 95 % bound of that Score.
        n_people: size of the Gallery it holds for.
    """

    requested_fpir: float
    threshold: float
    fpir: float
    fpir_low: float
    expected_threshold: float
    threshold_low: float
    n_people: int


@dataclass(frozen=True, slots=True, eq=False)
class TailFit:
    """Tails of best Scores, one or several draws of one.

    Attributes:
        start: Score at which the tail begins.
        share: (R,) share of the searches that reach it.
        excess: (R,) how far those go beyond it in the mean.
        n_people: how many people were searched.
    """

    start: float
    share: NDArray[np.float64]
    excess: NDArray[np.float64]
    n_people: int

    def thresholds(self, fpir: float) -> NDArray[np.float64]:
        """(R,) Scores reached by a share ``fpir`` of the searches."""
        shape = _largest_of(self.n_people)
        steps = shape.height(np.array(fpir)) - shape.height(self.share)
        return self.start + self._width(shape) * steps

    def fpirs(self, threshold: float) -> NDArray[np.float64]:
        """(R,) shares of the searches that reach a Score."""
        shape = _largest_of(self.n_people)
        heights = shape.height(self.share) + (threshold - self.start) / self._width(shape)
        return shape.rate(heights)

    def _width(self, shape: _LargestOf) -> NDArray[np.float64]:
        return self.excess / shape.mean_excess(self.share)


def can_measure(n_people: int, fpir: float) -> bool:
    """Say whether people can measure a rate by themselves: three false alarms among them.

    Args:
        n_people: who searched.
        fpir: wanted.
    """
    return n_people >= MIN_PEOPLE and fpir * n_people >= RULE_OF_THREE - 1e-9


def can_follow(n_people: int, fpir: float) -> bool:
    """Say whether the tail of their Scores can be followed to a rate, by its shape alone.

    Args:
        n_people: who searched.
        fpir: wanted.
    """
    return n_people >= MIN_PEOPLE and fpir * n_people * MAX_REACH >= 1.0


def calibrate(searches: StrangerSearches, fpir: float, *, seed: int = 0) -> Calibrated:
    """Set the Threshold so that the FPIR is at or below ``fpir`` with 95 % confidence.

    Each Person counts the same, however many Templates searched. For the bounds people are
    weighted at random, as strangers and as enrolled; the draws are reflected on the log scale,
    since a width fitted to few Scores is skewed.

    Args:
        searches: by strangers, or by each Person of the Gallery among all the others.
        fpir: the highest share of strangers that may be taken for somebody, in (0, 0.2].
        seed: of the random generator.

    Raises:
        RangeError: the rate is none, or too low to be seen with so many people.
        ShapeError: the arrays have different lengths, or there is none.
    """
    require_rate(fpir)
    _require_shapes(searches)
    _, inverse, counts = np.unique(searches.person, return_inverse=True, return_counts=True)
    if not can_follow(len(counts), fpir):
        raise RangeError(
            f"{len(counts)} people are too few to see one false alarm in {1 / fpir:,.0f} searches.",
            remedy=f"Enrol at least {max(MIN_PEOPLE, math.ceil(1 / (fpir * MAX_REACH))):,} people, "
            "or allow more false alarms.",
        )
    each = 1.0 / counts[inverse]
    start = tail_start(searches.best, each, fpir, len(counts))
    point = fit_tail(searches.best, each[None], start, searches.n_people)
    draws = _reflected(point, _draws(searches, each, start, seed))
    return from_fits(point, draws, fpir)


def from_fits(point: TailFit, draws: TailFit, fpir: float) -> Calibrated:
    """Take the Threshold from the tail that is expected and from draws of what it might be.

    Args:
        point: one tail.
        draws: R tails.
        fpir: wanted.
    """
    low, high = np.quantile(draws.thresholds(fpir), [1.0 - CONFIDENCE, CONFIDENCE])
    threshold = min(1.0, float(high))
    return Calibrated(
        requested_fpir=fpir,
        threshold=threshold,
        fpir=min(fpir, float(point.fpirs(threshold)[0])),
        fpir_low=min(fpir, float(np.quantile(draws.fpirs(threshold), 1.0 - CONFIDENCE))),
        expected_threshold=min(threshold, float(point.thresholds(fpir)[0])),
        threshold_low=min(threshold, float(low)),
        n_people=point.n_people,
    )


def tail_start(
    best: NDArray[np.floating[Any]], weights: NDArray[np.float64], fpir: float, n_strangers: int
) -> float:
    """Return the Score at which the tail begins.

    Args:
        best: (n,) highest Score of each search.
        weights: (n,) of each search.
        fpir: wanted; the tail holds at least twice that share.
        n_strangers: how many people searched.
    """
    share = min(MAX_TAIL_SHARE, max(2.0 * fpir, TAIL_PEOPLE / n_strangers))
    order = np.argsort(-best)
    passed = np.cumsum(weights[order]) / weights.sum()
    at = int(np.searchsorted(passed, share, side="left"))
    below = min(at + 1, len(best) - 1)
    return float(best[order[at]] + best[order[below]]) / 2.0


def fit_tail(
    best: NDArray[np.floating[Any]],
    weights: NDArray[np.floating[Any]],
    start: float,
    n_people: int,
) -> TailFit:
    """Measure the tail of best Scores.

    Args:
        best: (n,) highest Score of each search.
        weights: (R, n) of each search in each draw.
        start: Score at which the tail begins.
        n_people: how many people were searched.
    """
    beyond = best >= start
    inside = weights[:, beyond]
    total = inside.sum(axis=1, dtype=np.float64)
    excess = inside @ (best[beyond] - start).astype(np.float64) / total
    share = total / weights.sum(axis=1, dtype=np.float64)
    return TailFit(start, share, np.maximum(excess, 1e-6), n_people)


def require_rate(fpir: float) -> None:
    """Refuse what is no rate of false alarms.

    Raises:
        RangeError: it is not in (0, 0.2].
    """
    if not 0.0 < fpir <= MAX_FPIR:
        raise RangeError(
            f"A rate of false alarms lies above 0 and at or below {MAX_FPIR}; got {fpir}.",
            remedy="For one in a thousand strangers: --one-in 1000, or --fpir 0.001.",
        )


def grown_fpir(fpir: float, growth: float) -> float:
    """Return what an FPIR becomes at most when people are added.

    Twice as many people raise at most twice as many false alarms: a stranger who resembles several
    of them raises one only.

    Args:
        fpir: before.
        growth: people now over people then.
    """
    return min(1.0, fpir * max(1.0, growth))


def _require_shapes(searches: StrangerSearches) -> None:
    shapes = {searches.best.shape, searches.person.shape, searches.rival.shape}
    if len(shapes) != 1 or searches.best.ndim != 1 or not searches.best.size:
        raise ShapeError("Searches need a score, a searcher and a rival each.")


def _draws(
    searches: StrangerSearches, each: NDArray[np.float64], start: float, seed: int
) -> TailFit:
    """Tails with people weighted at random; ``each`` (n,) is the weight of a search."""
    rng = np.random.default_rng(seed)
    n_numbers = int(max(searches.person.max(), searches.rival.max())) + 1
    at_once = max(1, _WEIGHTS_AT_ONCE // max(n_numbers, len(each)))
    shares, excesses = [], []
    for begin in range(0, N_RESAMPLES, at_once):
        rows = min(at_once, N_RESAMPLES - begin)
        # (Their mean is left out: shares and means are of weights relative to each other.)
        people = rng.standard_gamma(1.0 / _WEIGHT_VARIANCE, (rows, n_numbers), np.float32)
        weights = people[:, searches.person] * people[:, searches.rival] * each.astype(np.float32)
        fit = fit_tail(searches.best, weights, start, searches.n_people)
        shares.append(fit.share)
        excesses.append(fit.excess)
    return TailFit(start, np.concatenate(shares), np.concatenate(excesses), searches.n_people)


def _reflected(point: TailFit, draws: TailFit) -> TailFit:
    return TailFit(
        point.start,
        np.minimum(point.share**2 / draws.share, 0.99),
        point.excess**2 / draws.excess,
        point.n_people,
    )


class _LargestOf:
    """The largest of N normal numbers: its quantiles and mean excesses, by a table."""

    def __init__(self, n: int) -> None:
        rates = np.concatenate([np.geomspace(1e-12, 0.5, 600), np.linspace(0.5, 0.999, 300)[1:]])
        normal = NormalDist()
        # The height z with 1 - Phi(z)^n = rate, as -Phi^-1(1 - (1 - rate)^(1/n)) to keep digits.
        tails = -np.expm1(np.log1p(-rates) / n)
        heights = np.array([-normal.inv_cdf(float(tail)) for tail in tails])
        steps = np.diff(rates) * (heights[1:] + heights[:-1]) / 2.0
        mass = np.concatenate([[rates[0] * heights[0]], steps]).cumsum()
        self._log_rates = np.log(rates)
        self._heights = heights
        self._excesses = mass / rates - heights

    def height(self, rate: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value exceeded at each of the rates (R,)."""
        heights: NDArray[np.float64] = np.interp(np.log(rate), self._log_rates, self._heights)
        return heights

    def rate(self, height: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how often each of the values (R,) is exceeded."""
        rates: NDArray[np.float64] = np.exp(
            np.interp(height, self._heights[::-1], self._log_rates[::-1])
        )
        return rates

    def mean_excess(self, rate: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean excess over the value exceeded at each of the rates (R,)."""
        excesses: NDArray[np.float64] = np.interp(np.log(rate), self._log_rates, self._excesses)
        return excesses


@lru_cache(maxsize=32)
def _largest_of(n: int) -> _LargestOf:
    return _LargestOf(max(1, n))
