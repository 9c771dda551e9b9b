"""Thresholds for a wanted rate of false alarms, against scores whose rate is known."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from facerec.errors import RangeError, ShapeError
from facerec.match.calibrate import (
    StrangerSearches,
    calibrate,
    can_follow,
    can_measure,
    fit_tail,
    grown_fpir,
    tail_start,
)

SPREAD = 0.1


def independent_scores(n: int, seed: int) -> StrangerSearches:
    """Everybody searches among the others; every two people score N(0, 0.1) for themselves."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.normal(0.0, SPREAD, (n, n)), 1)
    scores = upper + upper.T
    np.fill_diagonal(scores, -np.inf)
    return StrangerSearches(scores.max(axis=1), np.arange(n), scores.argmax(axis=1), n)


def true_fpir(threshold: float, n: int) -> float:
    """The definition: one minus the chance that none of n independent scores reaches it."""
    return 1.0 - NormalDist(0.0, SPREAD).cdf(threshold) ** n


def one_stranger_a_person(best: np.ndarray, n_people: int) -> StrangerSearches:
    at = np.arange(len(best))
    return StrangerSearches(best, at, at, n_people)


@pytest.mark.parametrize(("n", "fpir"), [(100, 0.01), (100, 0.001), (300, 0.01)])
def test_bound_holds_in_at_least_nineteen_of_twenty_galleries(n: int, fpir: float) -> None:
    kept = [
        true_fpir(calibrate(independent_scores(n, seed), fpir).threshold, n) <= fpir
        for seed in range(60)
    ]

    # 95 % of 60 are 57; 53 or fewer happen in 2 % of such runs.
    assert sum(kept) >= 54


def test_expected_threshold_is_right_in_the_middle() -> None:
    errors = [
        calibrate(independent_scores(200, seed), 0.01).expected_threshold for seed in range(40)
    ]

    wanted = NormalDist(0.0, SPREAD).inv_cdf(0.99 ** (1 / 200))
    assert np.mean(errors) == pytest.approx(wanted, abs=0.005)


def test_stranger_who_resembles_many_raises_one_alarm_only() -> None:
    """Scores of one stranger that all rise together: far from ``1 - (1 - FMR)^N``."""
    rng = np.random.default_rng(5)
    best = rng.normal(0.0, SPREAD, 20_000)  # every enrolled person scores the same
    found = calibrate(one_stranger_a_person(best, 1000), 0.01)

    assert (best >= found.expected_threshold).mean() == pytest.approx(0.01, rel=0.15)


def test_interval_is_in_order_and_holds_what_was_asked_for() -> None:
    found = calibrate(independent_scores(150, 3), 0.005)

    assert found.threshold_low < found.expected_threshold < found.threshold
    assert 0 < found.fpir_low < found.fpir < found.requested_fpir == 0.005
    assert found.n_people == 150


def test_rarer_alarms_need_a_higher_threshold() -> None:
    searches = independent_scores(200, 4)
    thresholds = [calibrate(searches, fpir).threshold for fpir in (0.1, 0.03, 0.01, 0.003, 0.001)]

    assert thresholds == sorted(thresholds)
    assert len(set(thresholds)) == 5


def test_larger_gallery_needs_a_higher_threshold() -> None:
    thresholds = [
        np.mean([calibrate(independent_scores(n, s), 0.01).expected_threshold for s in range(5)])
        for n in (100, 200, 400, 800)
    ]

    assert thresholds == sorted(thresholds)


def test_more_people_make_the_bound_narrower() -> None:
    few, many = (calibrate(independent_scores(n, 6), 0.01) for n in (100, 1000))

    assert many.threshold - many.threshold_low < 0.6 * (few.threshold - few.threshold_low)


def test_people_count_the_same_however_many_templates_they_have() -> None:
    rng = np.random.default_rng(8)
    best = rng.normal(0.3, 0.05, 200)
    person = np.arange(200)
    loud = np.argmax(best)
    repeated = StrangerSearches(
        np.append(best, np.full(500, best[loud])),
        np.append(person, np.full(500, loud)),
        np.append(person, np.full(500, loud)),
        200,
    )

    plain = calibrate(StrangerSearches(best, person, person, 200), 0.01)

    assert calibrate(repeated, 0.01).expected_threshold == pytest.approx(
        plain.expected_threshold, abs=1e-6
    )


def test_same_seed_gives_the_same() -> None:
    searches = independent_scores(120, 9)

    assert calibrate(searches, 0.01, seed=1) == calibrate(searches, 0.01, seed=1)


def test_tail_of_normal_maxima_is_followed_far_out() -> None:
    rng = np.random.default_rng(2)
    n_people = 50
    uniform = rng.random(20_000)
    best = np.array([NormalDist(0.1, 0.05).inv_cdf(u ** (1 / n_people)) for u in uniform])
    weights = np.ones(len(best))

    fit = fit_tail(best, weights[None], tail_start(best, weights, 0.05, len(best)), n_people)

    wanted = NormalDist(0.1, 0.05).inv_cdf((1 - 1e-4) ** (1 / n_people))
    assert fit.thresholds(1e-4)[0] == pytest.approx(wanted, abs=0.004)
    assert fit.fpirs(wanted)[0] == pytest.approx(1e-4, rel=0.3)


@pytest.mark.parametrize("fpir", [0.0, -0.1, 0.3, float("nan")])
def test_refuses_what_is_no_rate(fpir: float) -> None:
    with pytest.raises(RangeError, match="rate of false alarms"):
        calibrate(independent_scores(100, 0), fpir)


def test_refuses_rates_that_cannot_be_seen() -> None:
    with pytest.raises(RangeError, match="too few") as caught:
        calibrate(independent_scores(100, 0), 1e-5)

    assert "5,000 people" in caught.value.remedy
    assert not can_follow(99, 0.1)
    assert can_follow(100, 0.0005)
    assert not can_follow(100, 0.0004)


def test_three_expected_alarms_are_a_measurement() -> None:
    assert can_measure(300, 0.01)
    assert not can_measure(299, 0.01)
    assert not can_measure(99, 0.1)


def test_refuses_arrays_that_do_not_fit() -> None:
    with pytest.raises(ShapeError):
        calibrate(StrangerSearches(np.zeros(3), np.arange(3), np.arange(2), 3), 0.01)


def test_growth_raises_alarms_at_most_in_proportion() -> None:
    assert grown_fpir(0.001, 2.5) == pytest.approx(0.0025)
    assert grown_fpir(0.001, 0.5) == 0.001
    assert grown_fpir(0.2, 100) == 1.0
