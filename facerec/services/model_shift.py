"""What changes from one model's searches to another's: rates, and people by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.evaluate.error_rates import Estimate, bootstrap_ratio, interval
from facerec.services.calibrate import LeaveOneOut

# How many names of each kind are worth reading.
N_DROPS = 5
_N_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class RateChange:
    """A rate under the new model less that under the old one, with its 95 % interval by Person."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PersonDrop:
    """How far a Person's Scores are above what they must exceed, under either model.

    Attributes:
        before: mean of the best Score with an own Template, less the higher of the Threshold and
            the best Score with anybody else.
        after: likewise under the new model.
    """

    name: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Shift:
    """What changes; see ``Comparison``."""

    n_mated_people: int
    fnir: RateChange | None
    fpir: RateChange | None
    lost: tuple[str, ...]
    gained: tuple[str, ...]
    drops: tuple[PersonDrop, ...]


NO_SHIFT = Shift(0, None, None, (), (), ())


def own_fpir(searches: LeaveOneOut, threshold: float) -> Estimate:
    """Share of people who, were they not enrolled, would be taken for somebody."""
    errors, trials = _by_person(searches, searches.best >= threshold, np.ones_like(searches.person))
    return bootstrap_ratio(errors, trials)


def _by_person(
    searches: LeaveOneOut, wrong: NDArray[np.bool_], counted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Wrong and counted searches (P,) of each Person, from those of each search (n,)."""
    size = int(searches.person.max()) + 1
    inside = counted.astype(bool)
    errors = np.bincount(searches.person[inside & wrong], minlength=size)
    return errors, np.bincount(searches.person[inside], minlength=size)


def shift_between(
    searches: Sequence[LeaveOneOut | None], thresholds: tuple[float, float], names: Sequence[str]
) -> Shift:
    """Compare what the same Templates find under two models.

    Args:
        searches: under the old and the new one; None with fewer than two people.
        thresholds: of the two.
        names: of the people, as the searches number them.
    """
    before, after = searches
    if before is None or after is None:
        return NO_SHIFT
    strangers = np.ones_like(before.person)
    fpir = _change(
        *_by_person(before, before.best >= thresholds[0], strangers),
        _by_person(after, after.best >= thresholds[1], strangers)[0],
    )
    mated = np.isfinite(before.mate).astype(np.int64)
    if not mated.any():
        return Shift(0, None, fpir, (), (), ())
    needed = [np.maximum(before.best, thresholds[0]), np.maximum(after.best, thresholds[1])]
    missed = [_missed(before, thresholds[0]), _missed(after, thresholds[1])]
    errors, trials = _by_person(before, missed[0], mated)
    new_errors = _by_person(after, missed[1], mated)[0]
    found, found_now = trials > errors, trials > new_errors
    return Shift(
        n_mated_people=int((trials > 0).sum()),
        fnir=_change(errors, trials, new_errors),
        fpir=fpir,
        lost=tuple(names[one] for one in np.flatnonzero(found & ~found_now).tolist()),
        gained=tuple(names[one] for one in np.flatnonzero(~found & found_now).tolist()),
        drops=_drops(before, after, needed, names),
    )


def _missed(searches: LeaveOneOut, threshold: float) -> NDArray[np.bool_]:
    missed: NDArray[np.bool_] = (searches.mate < threshold) | (searches.mate <= searches.best)
    return missed


def _drops(
    before: LeaveOneOut,
    after: LeaveOneOut,
    needed: Sequence[NDArray[np.floating[Any]]],
    names: Sequence[str],
) -> tuple[PersonDrop, ...]:
    mated = np.isfinite(before.mate)
    person = before.person[mated]
    trials = np.bincount(person, minlength=len(names))
    leads = [
        np.bincount(person, (side.mate - least)[mated], minlength=len(names))
        / np.maximum(trials, 1)
        for side, least in zip((before, after), needed, strict=True)
    ]
    fall = leads[0] - leads[1]
    worst = [int(one) for one in np.argsort(-fall)[:N_DROPS] if fall[one] > 0.0 and trials[one]]
    return tuple(
        PersonDrop(names[one], float(leads[0][one]), float(leads[1][one])) for one in worst
    )


def _change(
    errors: NDArray[np.int64], trials: NDArray[np.int64], new_errors: NDArray[np.int64]
) -> RateChange:
    """New less old rate; people are drawn, each with all of both models' errors."""
    present = trials > 0
    gained, trials = (new_errors - errors)[present], trials[present]
    rng = np.random.default_rng(0)
    n = len(trials)
    weights = rng.multinomial(n, np.full(n, 1.0 / n), _N_RESAMPLES)
    low, high = interval((weights @ gained) / (weights @ trials))
    return RateChange(float(gained.sum() / trials.sum()), low, high)
