"""What new looks at the people of a gallery will score, judged by their Templates left out once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facerec.match.likeness import Floats
from facerec.services.health_scan import Ints, Scan

# Pairs of people drawn to see how Scores with somebody else vary from look to look.
_N_DRAWN = 400
_SEED = 0
# What another image brings is measured for people with up to so many; it changes little beyond.
_MOST_OTHERS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What is expected of new looks.

    Attributes:
        own: (P,) best own Score of a new look at each Person.
        own_with_another: (P,) the same with one more image enrolled.
        own_spread: of it from look to look.
        rival_mean: of the best Score with one certain other Person, over people.
        rival_between: spread of it over pairs of people.
        rival_spread: spread of it from look to look.
    """

    own: Floats
    own_with_another: Floats
    own_spread: float
    rival_mean: float
    rival_between: float
    rival_spread: float

    def rival(self, scores: Floats) -> float:
        """Return the Score with one certain other Person to expect of a new look.

        Pairs are looked at because their Scores are high, so what is seen is drawn to the mean.

        Args:
            scores: (n,) of a Person's Templates with the best of the other's.
        """
        between, noise = self.rival_between**2, self.rival_spread**2 / len(scores)
        return float(
            self.rival_mean + (scores.mean() - self.rival_mean) * between / (between + noise)
        )


def expect_looks(scan: Scan) -> Looks:
    """Learn from the Templates what new looks will score.

    Args:
        scan: of the gallery.
    """
    n_own = scan.n_own
    mean = scan.likeness.pair
    own_means, within = _by_person(scan.own_best, scan.person, scan.n_people)
    spread = within or scan.likeness.mated.spread
    has_two = n_own > 1
    between = float(own_means[has_two].std()) if has_two.sum() > 1 else spread
    between2 = max(between**2 - spread**2 / max(float(n_own[has_two].mean()), 1.0), 1e-4) if (
        has_two.any()) else 1e-4  # fmt: skip
    weight = between2 / (between2 + spread**2 / n_own)
    centre = float(own_means[has_two].mean()) if has_two.any() else mean
    gains = _gains(scan)
    # Left out once a Template had one fewer to be compared with than a new look will have.
    known = np.where(has_two, centre + weight * (own_means - centre), mean)
    step = np.minimum(n_own, _MOST_OTHERS)
    own = known + np.where(has_two, gains[step - 1], 0.0)
    rival_mean, rival_between, rival_spread = _rivals(scan, spread)
    # Where nobody has two images, all that differs between looks is in the spread.
    alone = np.sqrt(spread**2 + (0.0 if has_two.any() else between2))
    return Looks(own, own + gains[step], float(alone), rival_mean, rival_between, rival_spread)


def _by_person(values: Floats, person: Ints, n_people: int) -> tuple[Floats, float]:
    """Means (P,) of each Person's finite values, and the spread about them; 0 when unknown."""
    finite = np.isfinite(values)
    counts = np.bincount(person[finite], minlength=n_people)
    sums = np.bincount(person[finite], values[finite], n_people)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    free = int((counts[counts > 0] - 1).sum())
    if free < 1:
        return means, 0.0
    squares = float(((values[finite] - means[person[finite]]) ** 2).sum())
    # (With two images both have the same best Score: they are one number, not two.)
    usable = counts[person[finite]] > 2
    if usable.any():
        free = int((counts[counts > 2] - 1).sum())
        squares = float(((values[finite][usable] - means[person[finite][usable]]) ** 2).sum())
        return means, max(float(np.sqrt(squares / free)), 1e-3)
    return means, 0.0


def _gains(scan: Scan) -> Floats:
    """What the best own Score gains from the k-th to the next image, (MOST_OTHERS + 1,).

    Of k others one at random is left out: the best is the one in one case of k.
    """
    gains = np.zeros(_MOST_OTHERS + 1)
    n_others = np.minimum((scan.n_own - 1)[scan.person], _MOST_OTHERS)
    has_second = np.isfinite(scan.own_second)
    for k in range(2, _MOST_OTHERS + 1):
        rows = has_second & (n_others == k)
        if rows.sum() >= 10:
            gains[k - 1] = float((scan.own_best[rows] - scan.own_second[rows]).mean()) / k
        else:
            gains[k - 1] = gains[k - 2] * (k - 1) / k
    gains[_MOST_OTHERS] = gains[_MOST_OTHERS - 1]
    gains[0] = gains[1]
    return gains


def _rivals(scan: Scan, spread: float) -> tuple[float, float, float]:
    """Mean, spread over pairs and spread over looks of the best Score with another Person."""
    rng = np.random.default_rng(_SEED)
    several = np.flatnonzero(scan.n_own > 1)
    if not len(several) or scan.n_people < 2:
        random = scan.likeness.random
        return random.mean, random.spread, spread
    means, squares, free = [], 0.0, 0
    for one in rng.choice(several, min(_N_DRAWN, 4 * len(several))).tolist():
        other = int(rng.integers(scan.n_people))
        if one == other:
            continue
        scores = scan.vectors[scan.rows_of(one)] @ scan.vectors[scan.rows_of(other)].T
        best = scores.max(axis=1)
        means.append(float(best.mean()))
        squares += float(((best - best.mean()) ** 2).sum())
        free += len(best) - 1
    if not means:
        return scan.likeness.random.mean, scan.likeness.random.spread, spread
    within = float(np.sqrt(max(squares / max(free, 1), 1e-6)))
    counted = float(scan.n_own[several].mean())
    between = float(np.sqrt(max(float(np.var(means)) - within**2 / counted, 1e-4)))
    return float(np.mean(means)), between, within
