"""What Scores between people and within people look like, and what a Score therefore says.

The health check asks of a Score which of two stories fits it better: "these are two pictures of one
Person" or "this is the most alike of everybody else". Both are measured in the Gallery itself:

* *mated*: a Template with the mean direction of the same Person's other Templates,
* *random*: with that of somebody else, taken at random,
* *nearest*: with that of whoever else is most alike, which has the shape of the largest of N normal
  numbers. It is fitted to the middle of what is seen, since faults sit in its upper tail.

Knows nothing of vectors, indexes or databases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

# Narrowest spread of Scores that is believed; fewer numbers are not told from a smaller one.
MIN_SPREAD = 0.02
# What is taken where a Gallery has nobody with two Templates: the median of the default network on
# its held-out people, rounded (docs/health.md).
USUAL_MATED = 0.55
USUAL_SPREAD = 0.13
# Of the people enrolled, so many have somebody else there who is as alike as twins or siblings are;
# a normal tail would call them one Person.
SHARE_ALIKE = 0.01
# So many numbers tell a spread.
MIN_NUMBERS = 20
_SIXTEENTH = 0.1587
_LOG_2PI = math.log(2.0 * math.pi)
_GRID = 48


@dataclass(frozen=True, slots=True)
class Normal:
    """A normal distribution of Scores.

    Attributes:
        mean: of it.
        spread: its standard deviation.
    """

    mean: float
    spread: float

    def log_density(self, scores: Floats, mean: Floats | float | None = None) -> Floats:
        """Return the logarithm of the density at Scores (n,), about another mean if given."""
        centre = self.mean if mean is None else mean
        heights = (scores - centre) / self.spread
        found: Floats = -0.5 * (heights * heights + _LOG_2PI) - math.log(self.spread)
        return found


@dataclass(frozen=True, slots=True)
class Nearest:
    """The Score with whoever else is most alike: the largest of N normal numbers, or a relative's.

    Attributes:
        place: mean of those numbers.
        spread: their standard deviation.
        n_people: N.
    """

    place: float
    spread: float
    n_people: int

    def log_density(self, scores: Floats) -> Floats:
        """Return the logarithm of the density at Scores (n,)."""
        heights = (scores - self.place) / self.spread
        tails = 0.5 * np.array([math.erfc(height / math.sqrt(2.0)) for height in heights.tolist()])
        below = np.log1p(-np.minimum(tails, 1.0 - 1e-12))
        own = -0.5 * (heights * heights + _LOG_2PI) - math.log(self.spread)
        largest = own + math.log(self.n_people) + (self.n_people - 1) * below
        # Those who are alike may have any Score from 0 to 1.
        found: Floats = np.logaddexp(largest + math.log(1.0 - SHARE_ALIKE), math.log(SHARE_ALIKE))
        return found


@dataclass(frozen=True, slots=True)
class Likeness:
    """The three distributions of one Gallery.

    Attributes:
        pair: mean Score of two Templates of one Person.
        mated: about the mean that ``expected`` gives.
        random: with the mean direction of somebody else.
        nearest: with that of whoever else is most alike.
    """

    pair: float
    mated: Normal
    random: Normal
    nearest: Nearest

    def expected(self, n_one: NDArray[Any] | float, n_other: NDArray[Any] | float = 1.0) -> Floats:
        """Return the Score to expect between mean directions of one Person's Templates.

        Args:
            n_one: (n,) or a number, of how many Templates the one is the mean.
            n_other: (n,) or a number, likewise of the other.
        """
        rho, one, other = self.pair, np.asarray(n_one), np.asarray(n_other)
        lengths = (1.0 + (one - 1.0) * rho) * (1.0 + (other - 1.0) * rho)
        found: Floats = rho * np.sqrt(one * other / lengths)
        return found

    def same_rather_than_nearest(self, scores: Floats, expected: Floats) -> Floats:
        """Return how much better "one Person" explains Scores than "the most alike of all others".

        Args:
            scores: (n,) with the mean direction of somebody else.
            expected: (n,) what to expect were they one Person.

        Returns:
            (n,) logarithms of the likelihood ratio.
        """
        # Above what is expected of one Person nothing speaks against it.
        found: Floats = self.mated.log_density(
            np.minimum(scores, expected), expected
        ) - self.nearest.log_density(scores)
        return found

    def somebody_rather_than_same(self, scores: Floats, expected: Floats) -> Floats:
        """Return how much better "somebody at random" explains Scores than "one Person".

        Args:
            scores: (n,) with the mean direction of the Person it is filed under.
            expected: (n,) what to expect.

        Returns:
            (n,) logarithms of the likelihood ratio.
        """
        found: Floats = self.random.log_density(
            np.maximum(scores, self.random.mean)
        ) - self.mated.log_density(np.minimum(scores, expected), expected)
        return found


def fit_likeness(
    own_pairs: Floats,
    own: Floats,
    n_own: Floats,
    nearest: Floats,
    random_mean: float,
    random_spread: float,
    n_people: int,
) -> Likeness:
    """Measure a Gallery's distributions, by quantiles that a few faults do not move.

    Args:
        own_pairs: (m,) mean Score of a Template with the same Person's other Templates.
        own: (m,) Score of a Template with the mean direction of the others.
        n_own: (m,) how many others that were.
        nearest: (n,) Score of each Template with the mean direction of whoever else is most alike.
        random_mean: mean Score with the mean direction of others.
        random_spread: standard deviation of that.
        n_people: how many people there are.
    """
    pair = float(np.median(own_pairs)) if len(own_pairs) >= MIN_NUMBERS else USUAL_MATED
    pair = min(max(pair, 0.05), 0.98)
    random = Normal(random_mean, max(random_spread, MIN_SPREAD))
    unknown = Likeness(pair, Normal(0.0, USUAL_SPREAD), random, Nearest(0.0, 1.0, 1))
    spread = USUAL_SPREAD
    if len(own) >= MIN_NUMBERS:
        residuals = own - unknown.expected(n_own)
        low, middle = np.quantile(residuals, [_SIXTEENTH, 0.5])
        spread = max(float(middle - low), MIN_SPREAD)
    return Likeness(pair, Normal(0.0, spread), random, _fit_nearest(nearest, max(n_people - 1, 1)))


def wrong_name_share(
    rival: Floats, own: Floats, rival_spread: float, own_spread: float, threshold: float,
    margin: float,
) -> Floats:  # fmt: skip
    """Return how often a new look at somebody is named as a certain other Person.

    That is when the Score with the other reaches the Threshold and leads the own one by the margin;
    both are taken to be normal and independent.

    Args:
        rival: (n,) Score with the other that is expected.
        own: (n,) own Score that is expected.
        rival_spread: of the former from look to look.
        own_spread: of the latter.
        threshold: smallest Score that counts.
        margin: smallest lead that counts.

    Returns:
        (n,) shares of looks.
    """
    steps = np.linspace(0.0, 5.0, _GRID)
    start = np.maximum(threshold, rival - 5.0 * rival_spread)
    width = np.maximum(rival + 5.0 * rival_spread - start, 0.0)
    at = start[:, None] + width[:, None] * (steps / steps[-1])[None, :]
    density = np.exp(Normal(0.0, rival_spread).log_density(at - rival[:, None]))
    own_below = normal_below((at - margin - own[:, None]) / own_spread)
    values = density * own_below
    steps_wide = width / (_GRID - 1)
    found: Floats = steps_wide * (values.sum(axis=1) - (values[:, 0] + values[:, -1]) / 2.0)
    return np.clip(found, 0.0, 1.0)


def normal_below(heights: Floats) -> Floats:
    """Return the share of a standard normal below each of the heights (n,) or (n, K)."""
    flat = [0.5 * math.erfc(-height / math.sqrt(2.0)) for height in heights.ravel().tolist()]
    return np.array(flat, np.float64).reshape(heights.shape)


def _fit_nearest(nearest: Floats, n_people: int) -> Nearest:
    """Match median and lower quartile, below which faults do not reach."""
    if not len(nearest):
        return Nearest(0.0, USUAL_SPREAD, n_people)
    normal = NormalDist()
    quarter, half = np.quantile(nearest, [0.25, 0.5])
    heights = [-normal.inv_cdf(1.0 - share ** (1.0 / n_people)) for share in (0.25, 0.5)]
    spread = max(float(half - quarter) / (heights[1] - heights[0]), MIN_SPREAD)
    return Nearest(float(half) - spread * heights[1], spread, n_people)
