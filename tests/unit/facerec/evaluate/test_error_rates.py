from __future__ import annotations

import numpy as np
import pytest

from facerec.errors import RangeError, ShapeError
from facerec.evaluate.error_rates import (
    ScoreHistogram,
    at_fmr,
    bootstrap_ratio,
    curve_from_histogram,
    curve_from_scores,
    equal_error_rate,
    finite,
    is_measurable,
    jackknife_ratio,
    smallest_measurable_rate,
    thin,
    wilson,
)


def test_three_thousand_pairs_measure_one_in_a_thousand_and_nothing_below():
    assert smallest_measurable_rate(3000) == 0.001
    assert is_measurable(0.001, 3000)
    assert not is_measurable(0.0009, 3000)
    rng = np.random.default_rng(0)
    curve = curve_from_scores(rng.uniform(0.4, 1, 3000), rng.uniform(-0.3, 0.5, 3000))
    assert at_fmr(curve, 0.001).fmr.errors == 3
    refused = at_fmr(curve, 0.0001)
    assert refused.threshold is None
    assert "3,000 different-person comparisons" in refused.reason


@pytest.mark.parametrize("target", [0.0, -0.1, 1.5])
def test_a_target_that_is_no_rate_is_refused(target):
    curve = curve_from_scores(np.array([0.9]), np.array([0.1]))
    with pytest.raises(RangeError, match="lies in"):
        at_fmr(curve, target)


def test_when_the_best_strangers_tie_nothing_can_match():
    curve = curve_from_scores(np.array([0.2, 0.3]), np.full(40, 0.5))
    point = at_fmr(curve, 0.1)
    assert point.threshold == np.inf
    assert point.fmr.errors == 0
    assert point.fnmr.value == 1


@pytest.mark.parametrize(("errors", "trials"), [(0, 0), (5, 4), (-1, 3)])
def test_impossible_counts_are_refused(errors, trials):
    with pytest.raises(RangeError):
        wilson(errors, trials)


def test_no_error_and_only_errors_keep_the_interval_closed_on_that_side():
    assert wilson(0, 50).low == 0
    assert 0 < wilson(0, 50).high < 0.1
    assert wilson(50, 50).high == 1
    assert 0.9 < wilson(50, 50).low < 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_no_numbers_are_refused(bad):
    with pytest.raises(RangeError, match="NaN or infinite"):
        curve_from_scores(np.array([0.5, bad]), np.array([0.1]))


def test_missing_scores_are_refused():
    with pytest.raises(ShapeError, match="same-person"):
        curve_from_scores(np.array([]), np.array([0.1]))
    with pytest.raises(ShapeError, match="different-person"):
        curve_from_scores(np.array([0.1]), np.array([]))
    with pytest.raises(ShapeError, match="different-person"):
        curve_from_histogram(np.array([0.1]), ScoreHistogram(8))


def test_failed_comparisons_match_at_no_threshold():
    curve = curve_from_scores(np.array([0.9, -np.inf]), np.array([0.8, -np.inf, -np.inf]))
    assert np.isfinite(curve.thresholds[1:]).all()
    assert curve.fnmr[-1] == 0.5
    assert curve.fmr[-1] == pytest.approx(1 / 3)


def test_equal_error_of_separated_scores_is_zero_and_of_swapped_ones_is_one():
    low, high = np.array([0.1, 0.2]), np.array([0.8, 0.9])
    assert equal_error_rate(curve_from_scores(high, low)).rate == 0
    assert equal_error_rate(curve_from_scores(low, high)).rate == 1


def test_equal_error_beyond_the_last_score_keeps_a_threshold_that_exists():
    curve = curve_from_scores(np.array([-np.inf, -np.inf, 0.5]), np.array([-np.inf, 0.1, -np.inf]))
    equal = equal_error_rate(curve)
    assert 0.3 < equal.rate < 0.7
    assert equal.threshold in curve.thresholds


def test_histogram_takes_scores_a_little_beyond_one():
    histogram = ScoreHistogram(4)
    histogram.add(np.array([-1.0000001, -1.0, 0.0, 0.4999999, 0.5, 1.0, 1.0000002]))
    assert histogram.counts.tolist() == [2, 0, 2, 3]
    assert histogram.edges.tolist() == [-1.0, -0.5, 0.0, 0.5]


def test_bootstrap_by_person_is_wider_than_by_image_when_people_fail_whole():
    rng = np.random.default_rng(3)
    trials = np.full(60, 10)
    whole = np.where(rng.random(60) < 0.2, 10, 0)
    by_person = bootstrap_ratio(whole, trials)
    by_image = wilson(int(whole.sum()), 600)
    assert by_person.value == by_image.value
    assert by_person.high - by_person.low > 2 * (by_image.high - by_image.low)
    assert by_person.low < by_person.value < by_person.high


def test_bootstrap_covers_the_true_rate_about_95_times_in_100():
    rng = np.random.default_rng(4)
    covered = 0
    for run in range(200):
        rates = rng.beta(2, 8, 80)  # mean 0.2, differing from person to person
        trials = rng.integers(1, 12, 80)
        estimate = bootstrap_ratio(rng.binomial(trials, rates), trials, seed=run, n_resamples=300)
        covered += estimate.low <= 0.2 <= estimate.high
    assert 0.88 <= covered / 200 <= 0.99


def test_bootstrap_repeats_with_its_seed_and_leaves_out_people_without_trials():
    errors, trials = np.array([1, 0, 2, 0]), np.array([3, 2, 4, 0])
    first = bootstrap_ratio(errors, trials, seed=7)
    assert first == bootstrap_ratio(errors[:3], trials[:3], seed=7)
    assert (first.errors, first.trials, first.method) == (3, 9, "bootstrap by person")


@pytest.mark.parametrize("share", [0, 1])
def test_without_spread_the_interval_counts_people(share):
    trials = np.full(30, 5)
    estimate = bootstrap_ratio(trials * share, trials)
    stand_in = wilson(30 * share, 30)
    assert (estimate.low, estimate.high) == (stand_in.low, stand_in.high)
    assert estimate.value == share
    assert estimate.method == "Wilson over people"


def test_bootstrap_refuses_what_does_not_belong_together():
    with pytest.raises(ShapeError):
        bootstrap_ratio(np.array([1]), np.array([1, 2]))
    with pytest.raises(ShapeError):
        bootstrap_ratio(np.array([0]), np.array([0]))


def test_jackknife_is_leaving_out_one_person_after_the_other():
    rng = np.random.default_rng(5)
    n = 40
    wrong = np.triu(rng.random((n, n)) < 0.1, 1)
    wrong[3, 4:] |= rng.random(n - 4) < 0.6  # one person who resembles many
    both = wrong | wrong.T
    total = n * (n - 1) // 2
    estimate = jackknife_ratio(both.sum(axis=1), np.full(n, n - 1), int(wrong.sum()), total)
    without = []
    for person in range(n):
        rest = np.delete(np.delete(wrong, person, 0), person, 1)
        without.append(rest.sum() / ((n - 1) * (n - 2) / 2))
    half = 1.959964 * np.sqrt((n - 1) / n * sum((w - np.mean(without)) ** 2 for w in without))
    assert estimate.value == wrong.sum() / total
    assert estimate.high == pytest.approx(estimate.value + half, rel=1e-6)
    assert estimate.low == pytest.approx(max(0, estimate.value - half), rel=1e-6)
    assert estimate.method == "jackknife by person"


def test_jackknife_without_errors_or_with_two_people_counts_people():
    none = jackknife_ratio(np.zeros(10, int), np.full(10, 9), 0, 45)
    assert none.high == wilson(0, 10).high
    two = jackknife_ratio(np.array([1, 1]), np.array([4, 4]), 1, 4)
    assert two.method == "Wilson over people"
    with pytest.raises(ShapeError):
        jackknife_ratio(np.zeros(3, int), np.zeros(2, int), 0, 3)


def test_thinned_curve_keeps_its_ends_and_stays_on_the_curve():
    rng = np.random.default_rng(6)
    curve = curve_from_scores(rng.normal(0.6, 0.2, 20000), rng.normal(0, 0.2, 50000))
    thinned = thin(curve, 100)
    assert len(thinned.thresholds) < 600
    assert thinned.thresholds[0] == np.inf
    assert thinned.thresholds[-1] == curve.thresholds[-1]
    assert set(thinned.thresholds) <= set(curve.thresholds)
    for error in ("fmr", "fnmr"):
        drawn = np.interp(
            -curve.thresholds[1:], -thinned.thresholds[1:], getattr(thinned, error)[1:]
        )
        assert (
            np.abs(drawn - getattr(curve, error)[1:]).max() < 0.011
        )  # one of the 99 steps asked for


def test_finite_leaves_out_failed_comparisons():
    assert finite([0.5, -np.inf, 0.1]).tolist() == [0.5, 0.1]
