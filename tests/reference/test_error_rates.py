"""Error rates against plain loops, scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facerec.evaluate.error_rates import (
    ScoreHistogram,
    area_under_roc,
    at_fmr,
    curve_from_histogram,
    curve_from_scores,
    equal_error_rate,
    false_match_rate,
    false_non_match_rate,
    wilson,
)

sklearn_metrics = pytest.importorskip("sklearn.metrics")

# Few distinct values, so that ties within and across the two kinds are common.
coarse = st.lists(st.integers(-20, 20).map(lambda n: n / 20), min_size=1, max_size=60)


def truth_and_scores(mated, nonmated):
    truth = np.r_[np.ones(len(mated)), np.zeros(len(nonmated))]
    return truth, np.r_[mated, nonmated]


@given(coarse, coarse)
def test_curve_counts_what_plain_loops_count(mated, nonmated):
    curve = curve_from_scores(np.array(mated), np.array(nonmated))
    for threshold, false_matches, misses in zip(
        curve.thresholds, curve.false_matches, curve.misses, strict=True
    ):
        assert false_matches == sum(1 for score in nonmated if score >= threshold)
        assert misses == sum(1 for score in mated if not score >= threshold)
    assert sorted(curve.thresholds[1:]) == sorted(set(mated) | set(nonmated))


@given(coarse, coarse)
def test_roc_is_that_of_scikit_learn(mated, nonmated):
    truth, scores = truth_and_scores(mated, nonmated)
    fpr, tpr, thresholds = sklearn_metrics.roc_curve(truth, scores, drop_intermediate=False)
    curve = curve_from_scores(np.array(mated), np.array(nonmated))
    np.testing.assert_allclose(curve.thresholds, thresholds)
    np.testing.assert_allclose(curve.fmr, fpr)
    np.testing.assert_allclose(1 - curve.fnmr, tpr)


@given(coarse, coarse)
def test_area_is_that_of_scikit_learn_and_of_counting_ordered_pairs(mated, nonmated):
    truth, scores = truth_and_scores(mated, nonmated)
    area = area_under_roc(curve_from_scores(np.array(mated), np.array(nonmated)))
    assert area == pytest.approx(sklearn_metrics.roc_auc_score(truth, scores))
    ordered = sum((m > n) + 0.5 * (m == n) for m in mated for n in nonmated)
    assert area == pytest.approx(ordered / (len(mated) * len(nonmated)))


def test_area_counts_comparisons_that_failed_as_the_lowest_scores():
    mated, nonmated = np.array([0.9, -np.inf, 0.4]), np.array([0.5, -np.inf, 0.1, 0.2])
    lowest = np.where(np.isneginf(mated), -2, mated), np.where(np.isneginf(nonmated), -2, nonmated)
    area = area_under_roc(curve_from_scores(mated, nonmated))
    assert area == pytest.approx(sklearn_metrics.roc_auc_score(*truth_and_scores(*lowest)))


@given(coarse, coarse)
def test_equal_error_is_the_crossing_of_the_roc_polyline(mated, nonmated):
    optimize = pytest.importorskip("scipy.optimize")
    truth, scores = truth_and_scores(mated, nonmated)
    fpr, tpr, _ = sklearn_metrics.roc_curve(truth, scores, drop_intermediate=False)
    # Walk along the polyline, whose vertical pieces a function of FPR could not express.
    walk = np.arange(len(fpr))
    crossing = optimize.brentq(
        lambda t: np.interp(t, walk, fpr) - (1 - np.interp(t, walk, tpr)), 0, len(fpr) - 1
    )
    found = equal_error_rate(curve_from_scores(np.array(mated), np.array(nonmated)))
    assert found.rate == pytest.approx(np.interp(crossing, walk, fpr), abs=1e-9)


@given(coarse, coarse, st.sampled_from([0.05, 0.1, 0.25, 0.5, 1.0]))
def test_threshold_at_an_fmr_is_the_smallest_score_that_keeps_it(mated, nonmated, target):
    point = at_fmr(curve_from_scores(np.array(mated), np.array(nonmated)), target)
    if target * len(nonmated) < 3 - 1e-9:
        assert point.threshold is None
        assert point.fnmr is None
        assert "not measurable" in point.reason
        return
    keeping = [
        score
        for score in {*mated, *nonmated}
        if sum(other >= score for other in nonmated) / len(nonmated) <= target
    ]
    assert point.threshold == min(keeping, default=np.inf)
    assert point.fmr.errors == sum(score >= point.threshold for score in nonmated)
    assert point.fnmr.errors == sum(score < point.threshold for score in mated)


@given(st.integers(1, 400), st.data())
def test_wilson_is_that_of_scipy(trials, data):
    stats = pytest.importorskip("scipy.stats")
    errors = data.draw(st.integers(0, trials))
    reference = stats.binomtest(errors, trials).proportion_ci(0.95, method="wilson")
    estimate = wilson(errors, trials)
    assert estimate.value == errors / trials
    assert estimate.low == pytest.approx(reference.low, abs=1e-12)
    assert estimate.high == pytest.approx(reference.high, abs=1e-12)


def test_wilson_covers_the_true_rate_about_95_times_in_100():
    rng = np.random.default_rng(0)
    draws = rng.binomial(3000, 0.01, size=2000)
    covered = [
        estimate.low <= 0.01 <= estimate.high for estimate in (wilson(int(n), 3000) for n in draws)
    ]
    assert 0.93 <= np.mean(covered) <= 0.97


def test_rates_at_a_threshold_include_the_threshold_itself():
    scores = np.array([0.1, 0.35, 0.35, 0.9])
    assert false_match_rate(scores, 0.35).errors == 3
    assert false_non_match_rate(scores, 0.35).errors == 1
    assert false_match_rate(scores, np.nextafter(0.35, 1)).errors == 1


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_histogram_gives_the_curve_of_the_scores_at_its_edges(seed):
    rng = np.random.default_rng(seed)
    mated, nonmated = rng.uniform(-1, 1, 80), rng.uniform(-1, 1, 500)
    histogram = ScoreHistogram(64)
    histogram.add(nonmated[:200])
    histogram.add(nonmated[200:])
    histogram.n_failed = 5
    curve = curve_from_histogram(np.append(mated, -np.inf), histogram)
    assert curve.n_nonmated == 505
    for threshold, false_matches, misses in zip(
        curve.thresholds, curve.false_matches, curve.misses, strict=True
    ):
        assert false_matches == (nonmated >= threshold).sum()
        assert misses == (mated < threshold).sum() + 1
    assert curve.false_matches[-1] == 500
    assert curve.misses[-1] == 1


def test_a_fine_histogram_and_the_scores_agree_on_every_figure():
    rng = np.random.default_rng(1)
    mated, nonmated = rng.normal(0.6, 0.15, 3000), rng.normal(0.05, 0.12, 20000)
    mated, nonmated = mated.clip(-1, 1), nonmated.clip(-1, 1)
    histogram = ScoreHistogram()
    histogram.add(nonmated.astype(np.float32))
    binned, exact = curve_from_histogram(mated, histogram), curve_from_scores(mated, nonmated)
    assert area_under_roc(binned) == pytest.approx(area_under_roc(exact), abs=1e-5)
    assert equal_error_rate(binned).rate == pytest.approx(equal_error_rate(exact).rate, abs=1e-3)
    for target in (0.1, 0.01, 0.001):
        a, b = at_fmr(binned, target), at_fmr(exact, target)
        assert a.threshold == pytest.approx(b.threshold, abs=2e-3)
        assert a.fnmr.value == pytest.approx(b.fnmr.value, abs=2e-3)
