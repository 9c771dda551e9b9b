from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facerec.errors import InputError, ShapeError
from facerec.evaluate.acquire import Acquired
from facerec.evaluate.pairs import Pair, PairList
from facerec.evaluate.verification import (
    PairScores,
    accuracy_at,
    cross_validated_accuracy,
    score_pairs,
    verify_pairs,
    worst_pairs,
)
from facerec.zoo import OperatingPoint


def folds_of(n_folds, n_each, *, seed=0, spread=0.25):
    rng = np.random.default_rng(seed)
    same = np.tile(np.r_[np.ones(n_each, bool), np.zeros(n_each, bool)], n_folds)
    scores = np.where(same, 0.5525, 0.1) + rng.normal(0, spread, len(same))
    return PairScores(scores.clip(-1, 1), same, np.repeat(np.arange(n_folds), 2 * n_each))


def facenet_accuracy(scores, same, n_folds):
    """The published evaluation, squared distances and one fold at a time, in plain loops."""
    distance = 2 - 2 * scores
    size = len(scores) // n_folds
    accuracies = []
    for fold in range(n_folds):
        held_out = range(fold * size, (fold + 1) * size)
        rest = [i for i in range(len(scores)) if i not in held_out]
        best_right, best = -1, None
        for step in range(400):
            threshold = step * 0.01
            right = sum((distance[i] <= threshold) == same[i] for i in rest)
            if right > best_right:
                best_right, best = right, threshold
        accuracies.append(sum((distance[i] <= best) == same[i] for i in held_out) / size)
    return accuracies


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_view_2_is_the_published_loop_over_squared_distances(seed):
    pairs = folds_of(10, 8, seed=seed)
    result = cross_validated_accuracy(pairs)
    reference = facenet_accuracy(pairs.scores, pairs.same, 10)
    assert list(result.accuracies) == pytest.approx(reference)
    assert result.mean == pytest.approx(np.mean(reference))
    assert result.std == pytest.approx(np.std(reference))
    assert result.standard_error == pytest.approx(np.std(reference, ddof=1) / np.sqrt(10))
    assert result.mean_if_refused == result.mean


def test_threshold_of_a_fold_is_chosen_without_that_fold():
    same = np.array([True, False] * 3)
    # In the last fold alone a threshold of 0 would be right; the others want one above 0.5.
    scores = np.array([0.9, 0.5, 0.9, 0.5, 0.3, -0.3])
    result = cross_validated_accuracy(PairScores(scores, same, np.array([0, 0, 1, 1, 2, 2])))
    assert result.accuracies[2] == 0.5
    assert result.thresholds[2] > 0.5


def test_one_fold_cannot_choose_its_threshold():
    pairs = folds_of(1, 5)
    with pytest.raises(InputError, match="two folds"):
        cross_validated_accuracy(pairs)
    assert verify_pairs(pairs).folds is None
    assert verify_pairs(pairs).accuracy is None


def test_pairs_without_a_face_are_errors_of_both_kinds_and_the_other_reading_stands_beside():
    pairs = folds_of(10, 30, spread=0.0005)  # inside one step of the grid
    scores = pairs.scores.copy()
    scores[np.flatnonzero(pairs.same)[:4]] = -np.inf
    scores[np.flatnonzero(~pairs.same)[:6]] = -np.inf
    result = verify_pairs(PairScores(scores, pairs.same, pairs.folds))
    assert result.folds.mean == pytest.approx(1 - 10 / 600)
    assert result.folds.mean_if_refused == pytest.approx(1 - 4 / 600)
    assert (result.n_failed_same, result.n_failed_different) == (4, 6)
    assert result.accuracy == result.folds.mean
    assert result.curve.fnmr[-1] == pytest.approx(4 / 300)
    assert result.curve.fmr[-1] == pytest.approx(1 - 6 / 300)


def test_fixed_thresholds_count_inclusively_with_failures_as_errors():
    scores = np.array([0.35, 0.34, -np.inf, 0.35, 0.1, -np.inf])
    pairs = PairScores(scores, np.array([1, 1, 1, 0, 0, 0], bool), np.zeros(6, np.int64))
    point = OperatingPoint(0.35, 0.001, 1000, "made up", "2026-01-01")
    result = verify_pairs(pairs, [point])
    (fixed,) = result.fixed_thresholds
    assert fixed.fmr.value == pytest.approx(1 / 3)
    assert fixed.fnmr.value == pytest.approx(2 / 3)
    assert fixed.accuracy.value == pytest.approx(2 / 6)
    assert result.accuracy == fixed.accuracy.value
    assert accuracy_at(pairs, 0.0).errors == 2


def test_worst_pairs_are_the_lowest_same_and_the_highest_different_ones():
    scores = np.array([0.5, 0.2, -np.inf, 0.9, 0.4, 0.7])
    pairs = PairScores(scores, np.array([1, 1, 1, 0, 0, 0], bool), np.zeros(6, np.int64))
    assert worst_pairs(pairs, same=True, n=5).tolist() == [1, 0]
    assert worst_pairs(pairs, same=False, n=2).tolist() == [3, 5]


def test_scores_of_pairs_are_cosines_in_the_order_of_the_list():
    a, b, c = Path("a"), Path("b"), Path("c")
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 0]], np.float32)
    acquired = Acquired(
        (a, b, c), vectors, None, np.zeros((3, 4), np.float32), np.array([1, 1, 0]), {2: "none"}
    )
    pairs = PairList(
        Path("pairs.txt"),
        (Pair(b, a, True, 0, 2), Pair(a, c, False, 1, 3), Pair(b, b, True, 1, 4)),
        2,
    )
    scored = score_pairs(pairs, acquired)
    assert scored.scores == pytest.approx([0.6, -np.inf, 1.0])
    assert scored.same.tolist() == [True, False, True]
    assert scored.folds.tolist() == [0, 1, 1]
    assert scored.failed.tolist() == [False, True, False]
    turned = score_pairs(pairs, acquired, vectors[[1, 0, 2]])
    assert turned.scores == pytest.approx([0.6, -np.inf, 1.0])
    with pytest.raises(ShapeError, match="3 images"):
        score_pairs(pairs, acquired, vectors[:2])
    with pytest.raises(ShapeError):
        PairScores(scored.scores, scored.same, scored.folds[:1])
