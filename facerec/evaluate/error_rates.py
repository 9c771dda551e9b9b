"""Error rates of Scores: FMR, FNMR, ROC, DET, EER, AUC, and how sure one may be of them.

In come Scores of mated (same Person) and non-mated (different people) comparisons, out come rates.
A Score of minus infinity stands for a comparison that could not be made because no Face was found:
it matches at no Threshold. Thresholds are inclusive everywhere: a match is ``score >= threshold``.
Knows nothing of images, networks or files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.errors import RangeError, ShapeError

CONFIDENCE = 0.95
# Two-sided 95 % of a normal distribution.
Z_95 = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
# With no error in n trials the rate is below 3/n with 95 % confidence (Hanley and Lippman-Hand
# 1983, JAMA 249(13):1743-1745), so no rate below 3/n can be told from zero.
RULE_OF_THREE = 3
# Targets such as 0.001 have no exact binary form; 0.001 x 3,000 trials shall still count as 3.
COUNT_TOLERANCE = 1e-9
# 1/16,384 of Score a bin: far finer than any Threshold is written down.
HISTOGRAM_BINS = 32_768


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate with its 95 % confidence interval.

    Attributes:
        errors: how many trials went wrong.
        trials: how many there were.
        low: lower end of the interval, in [0, 1].
        high: upper end of the interval, in [0, 1].
        method: how the interval was made.
    """

    errors: int
    trials: int
    low: float
    high: float
    method: str

    @property
    def value(self) -> float:
        """The rate itself, in [0, 1]."""
        return self.errors / self.trials


@dataclass(frozen=True, slots=True, eq=False)
class ErrorCurve:
    """Both error counts at every Threshold that makes a difference.

    Attributes:
        thresholds: (T,) float64, strictly falling; the first is infinity, where nothing matches.
        false_matches: (T,) int64, non-mated comparisons at or above each Threshold.
        misses: (T,) int64, mated comparisons below each Threshold.
        n_mated: how many mated comparisons there are.
        n_nonmated: how many non-mated comparisons there are.
    """

    thresholds: NDArray[np.float64]
    false_matches: NDArray[np.int64]
    misses: NDArray[np.int64]
    n_mated: int
    n_nonmated: int

    @property
    def fmr(self) -> NDArray[np.float64]:
        """(T,) false match rate, rising."""
        return self.false_matches / self.n_nonmated

    @property
    def fnmr(self) -> NDArray[np.float64]:
        """(T,) false non-match rate, falling."""
        return self.misses / self.n_mated


@dataclass(frozen=True, slots=True)
class EqualError:
    """Where both error rates are the same.

    Attributes:
        rate: the equal error rate, in [0, 1].
        threshold: the Score nearest to it.
    """

    rate: float
    threshold: float


@dataclass(frozen=True, slots=True)
class FixedFmr:
    """What is left of the mated comparisons when the false match rate is held at a target.

    Attributes:
        target: the false match rate asked for.
        threshold: smallest Score with an FMR at or below the target; None when not measurable.
        fmr: the rate really reached there.
        fnmr: mated comparisons missed there; TAR is one less this.
        reason: why there is no figure; empty when there is one.
    """

    target: float
    threshold: float | None
    fmr: Estimate | None
    fnmr: Estimate | None
    reason: str = ""


class ScoreHistogram:
    """Counts of very many Scores in fine bins, so that none of them has to be kept.

    Rates read at a bin's edge are exact up to float32 rounding of the Scores; only the choice of
    Thresholds is coarsened, to steps of ``2 / n_bins``.

    Attributes:
        counts: (n_bins,) int64 over [-1, 1]; bin i holds ``edges[i] <= score < edges[i + 1]``, the
            last one also Scores of 1 and, by rounding, a little above.
        n_failed: comparisons that could not be made.
    """

    def __init__(self, n_bins: int = HISTOGRAM_BINS) -> None:
        self.counts = np.zeros(n_bins, dtype=np.int64)
        self.n_failed = 0

    @property
    def edges(self) -> NDArray[np.float64]:
        """(n_bins,) lower edge of each bin."""
        n_bins = len(self.counts)
        edges: NDArray[np.float64] = np.arange(n_bins, dtype=np.float64) * (2.0 / n_bins) - 1.0
        return edges

    @property
    def total(self) -> int:
        """All comparisons, those that could not be made among them."""
        return int(self.counts.sum()) + self.n_failed

    def add(self, scores: NDArray[np.floating[Any]]) -> None:
        """Count Scores.

        Args:
            scores: (n,) in [-1, 1] up to rounding.
        """
        n_bins = len(self.counts)
        bins = np.floor((scores + 1.0) * (n_bins / 2)).astype(np.int32)
        np.clip(bins, 0, n_bins - 1, out=bins)
        self.counts += np.bincount(bins, minlength=n_bins)


def check_scores(scores: NDArray[np.floating[Any]], name: str) -> None:
    """Refuse what no rate can be computed from.

    Args:
        scores: (n,) numbers or minus infinity, n >= 1.
        name: what they are, for the sentence.

    Raises:
        ShapeError: not one-dimensional, or empty.
        RangeError: a Score is NaN or plus infinity.
    """
    if scores.ndim != 1 or scores.size == 0:
        raise ShapeError(f"A rate needs at least one {name} comparison; got shape {scores.shape}.")
    if np.isnan(scores).any() or np.isposinf(scores).any():
        raise RangeError(f"A score of a {name} comparison is NaN or infinite.")


def wilson(errors: int, trials: int) -> Estimate:
    """Estimate a rate from independent trials.

    Args:
        errors: 0..trials.
        trials: at least 1.

    Returns:
        The rate with Wilson's score interval at 95 %, which stays inside [0, 1] and is usable down
        to no error at all.

    Raises:
        RangeError: no trial, or more errors than trials.

    Reference:
        Wilson 1927, JASA 22(158):209-212.
    """
    if trials < 1 or not 0 <= errors <= trials:
        raise RangeError(f"There cannot be {errors} errors in {trials} trials.")
    share = errors / trials
    spread = Z_95**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    low = 0.0 if errors == 0 else max(0.0, centre - half)
    high = 1.0 if errors == trials else min(1.0, centre + half)
    return Estimate(errors, trials, low, high, "Wilson")


def smallest_measurable_rate(trials: int) -> float:
    """Return the smallest rate that ``trials`` can tell from zero, by the rule of three."""
    return RULE_OF_THREE / trials


def is_measurable(rate: float, trials: int) -> bool:
    """Say whether ``trials`` can tell ``rate`` from zero, by the rule of three."""
    return rate * trials >= RULE_OF_THREE - COUNT_TOLERANCE


def false_match_rate(nonmated: NDArray[np.floating[Any]], threshold: float) -> Estimate:
    """Estimate how often different people match.

    Args:
        nonmated: (n,) Scores of different people.
        threshold: smallest Score that matches.

    Raises:
        ShapeError: there is no Score.
        RangeError: a Score is NaN or plus infinity.
    """
    check_scores(nonmated, "different-person")
    return wilson(int((nonmated >= threshold).sum()), len(nonmated))


def false_non_match_rate(mated: NDArray[np.floating[Any]], threshold: float) -> Estimate:
    """Estimate how often the same Person does not match.

    Args:
        mated: (n,) Scores of the same Person.
        threshold: smallest Score that matches.

    Raises:
        ShapeError: there is no Score.
        RangeError: a Score is NaN or plus infinity.
    """
    check_scores(mated, "same-person")
    return wilson(int((mated < threshold).sum()), len(mated))


def curve_from_scores(
    mated: NDArray[np.floating[Any]], nonmated: NDArray[np.floating[Any]]
) -> ErrorCurve:
    """Count both errors at every Score that occurs.

    Args:
        mated: (n,) Scores of the same Person; minus infinity where no Face was found.
        nonmated: (m,) Scores of different people; the same.

    Raises:
        ShapeError: one of them is empty.
        RangeError: a Score is NaN or plus infinity.
    """
    check_scores(mated, "same-person")
    check_scores(nonmated, "different-person")
    scores = np.unique(np.concatenate([mated, nonmated]).astype(np.float64))
    thresholds = np.append(scores[np.isfinite(scores)], np.inf)[::-1]
    return _curve(thresholds, mated, len(nonmated), _count_at_or_above(nonmated, thresholds))


def curve_from_histogram(mated: NDArray[np.floating[Any]], nonmated: ScoreHistogram) -> ErrorCurve:
    """Count both errors at the edges of a histogram.

    Args:
        mated: (n,) Scores of the same Person; minus infinity where no Face was found.
        nonmated: the Scores of different people.

    Returns:
        The curve at the edges of those bins in which a count changes.

    Raises:
        ShapeError: one of them is empty.
        RangeError: a Score is NaN or plus infinity.
    """
    check_scores(mated, "same-person")
    if nonmated.total == 0:
        raise ShapeError("A rate needs at least one different-person comparison.")
    edges = nonmated.edges
    own = ScoreHistogram(len(edges))
    own.add(mated[np.isfinite(mated)])
    used = (nonmated.counts + own.counts) > 0
    thresholds = np.append(edges[used], np.inf)[::-1]
    false_matches = np.concatenate([[0], np.cumsum(nonmated.counts[used][::-1])])
    return _curve(thresholds, mated, nonmated.total, false_matches)


def equal_error_rate(curve: ErrorCurve) -> EqualError:
    """Find where FMR and FNMR are equal.

    Between the two neighbouring points of the curve where their order changes both are
    interpolated linearly, which is the crossing of the ROC polyline with its antidiagonal.
    """
    fmr, fnmr = _closed(curve)
    after = int(np.argmax(fmr >= fnmr))  # >= 1: nothing matches at the first point
    gap_before = fnmr[after - 1] - fmr[after - 1]
    gap_after = fmr[after] - fnmr[after]
    share = gap_before / (gap_before + gap_after)
    rate = fmr[after - 1] + share * (fmr[after] - fmr[after - 1])
    nearest = min(after - 1 if gap_before < gap_after else after, len(curve.thresholds) - 1)
    return EqualError(float(rate), float(curve.thresholds[nearest]))


def area_under_roc(curve: ErrorCurve) -> float:
    """Return the area under TAR over FMR, by trapezoids.

    It is the share of (mated, non-mated) pairs of Scores in the right order, ties counting half.
    """
    fmr, fnmr = _closed(curve)
    return float(np.trapezoid(1.0 - fnmr, fmr))


def at_fmr(curve: ErrorCurve, target: float) -> FixedFmr:
    """Read the curve where the false match rate is held at a target.

    No interpolation: the Threshold is the smallest Score whose FMR is at or below the target, so
    the figure is one that a program using this Threshold really has.

    Args:
        curve: see ``ErrorCurve``.
        target: false match rate, in (0, 1].

    Returns:
        The point; without figures but with the reason when the target lies below what the
        comparisons can measure (fewer than three expected errors).

    Raises:
        RangeError: the target is no rate.
    """
    if not 0.0 < target <= 1.0:
        raise RangeError(f"A false match rate lies in (0, 1]; got {target}.")
    if not is_measurable(target, curve.n_nonmated):
        reason = (
            f"not measurable: {curve.n_nonmated:,} different-person comparisons "
            f"tell no rate below {smallest_measurable_rate(curve.n_nonmated):.2g} from zero"
        )
        return FixedFmr(target, None, None, None, reason)
    allowed = target * curve.n_nonmated + COUNT_TOLERANCE
    point = int(np.searchsorted(curve.false_matches, allowed, side="right")) - 1
    return FixedFmr(
        target,
        float(curve.thresholds[point]),
        wilson(int(curve.false_matches[point]), curve.n_nonmated),
        wilson(int(curve.misses[point]), curve.n_mated),
    )


def bootstrap_ratio(
    errors: NDArray[np.integer[Any]],
    trials: NDArray[np.integer[Any]],
    *,
    seed: int = 0,
    n_resamples: int = 2000,
) -> Estimate:
    """Estimate a rate whose trials come in groups, one group a Person.

    Images of one Person succeed and fail together, so people are drawn, not images. Where no trial
    or every trial failed, drawing shows no spread; Wilson's interval over the number of people
    stands in.

    Args:
        errors: (P,) failed trials of each Person.
        trials: (P,) all trials of each Person; at least one in total.
        seed: of the random generator.
        n_resamples: how often people are drawn with replacement.

    Returns:
        The rate with the 2.5 % and 97.5 % quantiles of the draws.

    Raises:
        ShapeError: the arrays differ in shape or there is no trial.
    """
    if errors.shape != trials.shape or errors.ndim != 1 or trials.sum() == 0:
        raise ShapeError("A rate by person needs errors and trials of the same people.")
    present = trials > 0
    errors, trials = errors[present], trials[present]
    total_errors, total_trials = int(errors.sum()), int(trials.sum())
    n_people = len(trials)
    if total_errors in (0, total_trials):
        stand_in = wilson(0 if total_errors == 0 else n_people, n_people)
        method = "Wilson over people"
        return Estimate(total_errors, total_trials, stand_in.low, stand_in.high, method)
    rng = np.random.default_rng(seed)
    rates = np.empty(n_resamples)
    for draw in range(n_resamples):
        weights = np.bincount(rng.integers(0, n_people, n_people), minlength=n_people)
        rates[draw] = (weights @ errors) / (weights @ trials)
    low, high = interval(rates)
    return Estimate(total_errors, total_trials, low, high, "bootstrap by person")


def jackknife_ratio(
    errors_of_person: NDArray[np.integer[Any]],
    trials_of_person: NDArray[np.integer[Any]],
    errors: int,
    trials: int,
) -> Estimate:
    """Estimate a rate over pairs of people, each Person taking part in many of them.

    Leaving out one Person at a time shows how much each of them carries; a binomial interval over
    the pairs would be far too narrow.

    Args:
        errors_of_person: (P,) failed comparisons that involve each Person.
        trials_of_person: (P,) all comparisons that involve each Person.
        errors: failed comparisons, each counted once.
        trials: all comparisons, each counted once.

    Returns:
        The rate with its 95 % delete-one-person jackknife interval; with no error, or too few
        people to leave one out, Wilson's interval over the number of people stands in.

    Raises:
        ShapeError: the arrays differ in shape or there is no comparison.

    Reference:
        Efron and Stein 1981, Annals of Statistics 9(3):586-596.
    """
    if errors_of_person.shape != trials_of_person.shape or trials < 1:
        raise ShapeError("A rate by person needs errors and trials of the same people.")
    n_people = len(trials_of_person)
    left = trials - trials_of_person
    rate = errors / trials
    if errors in (0, trials) or n_people < 3 or (left <= 0).any():
        stand_in = wilson(round(rate * n_people), n_people)
        return Estimate(errors, trials, stand_in.low, stand_in.high, "Wilson over people")
    without = (errors - errors_of_person) / left
    variance = (n_people - 1) / n_people * float(((without - without.mean()) ** 2).sum())
    half = Z_95 * math.sqrt(variance)
    return Estimate(
        errors, trials, max(0.0, rate - half), min(1.0, rate + half), "jackknife by person"
    )


def interval(draws: NDArray[np.float64]) -> tuple[float, float]:
    """Return the middle 95 % of bootstrap draws.

    Args:
        draws: (R,) one rate a draw.
    """
    tail = (1.0 - CONFIDENCE) / 2
    low, high = np.quantile(draws, [tail, 1.0 - tail])
    return float(low), float(high)


def thin(curve: ErrorCurve, n_points: int = 400) -> ErrorCurve:
    """Keep the points of a curve that a plot needs: steps even in FMR, its logarithm and FNMR.

    Args:
        curve: see ``ErrorCurve``.
        n_points: about how many points to keep of each of the three kinds.
    """
    last = len(curve.thresholds) - 1
    linear = np.linspace(0.0, 1.0, n_points)
    floor = 0.5 / curve.n_nonmated
    logarithmic = np.geomspace(floor, 1.0, n_points)
    wanted = np.concatenate(
        [
            np.searchsorted(curve.fmr, linear),
            np.searchsorted(curve.fmr, logarithmic),
            np.searchsorted(curve.fmr, logarithmic) - 1,
            np.searchsorted(-curve.fnmr, -linear),
            np.searchsorted(-curve.fnmr, -np.geomspace(0.5 / curve.n_mated, 1.0, n_points)),
        ]
    )
    keep = np.unique(np.clip(np.append(wanted, [0, last]), 0, last))
    return ErrorCurve(
        curve.thresholds[keep],
        curve.false_matches[keep],
        curve.misses[keep],
        curve.n_mated,
        curve.n_nonmated,
    )


def finite(scores: Sequence[float] | NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the Scores of comparisons that could be made.

    Args:
        scores: (n,) Scores, minus infinity where no Face was found.
    """
    array = np.asarray(scores, dtype=np.float64)
    return array[np.isfinite(array)]


def _curve(
    thresholds: NDArray[np.float64],
    mated: NDArray[np.floating[Any]],
    n_nonmated: int,
    false_matches: NDArray[np.int64],
) -> ErrorCurve:
    misses = len(mated) - _count_at_or_above(mated, thresholds)
    return ErrorCurve(thresholds, false_matches, misses, len(mated), n_nonmated)


def _count_at_or_above(
    scores: NDArray[np.floating[Any]], thresholds: NDArray[np.float64]
) -> NDArray[np.int64]:
    below = np.searchsorted(np.sort(scores.astype(np.float64)), thresholds, side="left")
    return (len(scores) - below).astype(np.int64)


def _closed(curve: ErrorCurve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """FMR and FNMR with the end where everything matches, which failed comparisons never reach."""
    return np.append(curve.fmr, 1.0), np.append(curve.fnmr, 0.0)
