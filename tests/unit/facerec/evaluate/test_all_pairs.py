from __future__ import annotations

import itertools

import numpy as np
import pytest

from facerec.errors import Cancelled, InputError, ShapeError
from facerec.evaluate.all_pairs import N_NEAREST, compare_all
from facerec.evaluate.error_rates import jackknife_ratio


def people(n_people=12, images=4, dimension=8, seed=0, spread=0.5):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_people, dimension))
    person = np.repeat(np.arange(n_people), images)
    vectors = centres[person] + spread * rng.normal(size=(len(person), dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = np.ones(len(person), bool)
    found[[3, 17]] = False
    vectors[~found] = 0
    order = rng.permutation(len(person))
    return vectors[order].astype(np.float32), person[order], found[order]


def loops(vectors, person, found):
    mated, nonmated = [], []
    for i, j in itertools.combinations(range(len(person)), 2):
        score = float(vectors[i] @ vectors[j]) if found[i] and found[j] else -np.inf
        (mated if person[i] == person[j] else nonmated).append((score, i, j))
    return mated, nonmated


@pytest.mark.parametrize("block_rows", [5, 46, 1000])
def test_all_pairs_are_those_of_plain_loops(block_rows):
    vectors, person, found = people()
    mated, nonmated = loops(vectors, person, found)
    result = compare_all(
        vectors, person, found, thresholds=[0.3, 0.61], targets=[0.05], block_rows=block_rows
    )
    assert sorted(result.mated.scores) == pytest.approx(sorted(s for s, _, _ in mated), abs=1e-6)
    assert result.nonmated.total == len(nonmated)
    assert result.nonmated.n_failed == sum(np.isneginf(s) for s, _, _ in nonmated)
    assert (result.n_people, result.n_images) == (12, 48)
    for rates, threshold in zip(result.rates, [0.3, 0.61], strict=False):
        assert rates.threshold == threshold
        assert rates.fmr.errors == sum(s >= threshold for s, _, _ in nonmated)
        assert rates.fmr.trials == len(nonmated)
        assert rates.fnmr.errors == sum(s < threshold for s, _, _ in mated)
        assert rates.fnmr.trials == len(mated)
        assert rates.fmr.low <= rates.fmr.value <= rates.fmr.high
    held = result.rates[2]
    assert held.target == 0.05
    assert held.fmr.value <= 0.05
    assert held.threshold == pytest.approx(np.quantile([s for s, _, _ in nonmated], 0.95), abs=0.05)
    best = sorted(nonmated, reverse=True)[:N_NEAREST]
    assert result.nearest.scores == pytest.approx([s for s, _, _ in best], abs=1e-6)
    found_pairs = {
        frozenset(p) for p in zip(result.nearest.first, result.nearest.second, strict=True)
    }
    assert found_pairs == {frozenset((i, j)) for _, i, j in best}


def test_interval_of_the_fmr_leaves_out_one_person_at_a_time():
    vectors, person, found = people(seed=2)
    _, nonmated = loops(vectors, person, found)
    wrong, involved = np.zeros(12, int), np.zeros(12, int)
    for score, i, j in nonmated:
        for one in (person[i], person[j]):
            involved[one] += 1
            wrong[one] += score >= 0.3
    expected = jackknife_ratio(wrong, involved, wrong.sum() // 2, len(nonmated))
    (rates,) = compare_all(vectors, person, found, thresholds=[0.3], targets=[]).rates
    assert rates.fmr == expected


def test_a_rate_that_is_not_measurable_is_refused_with_its_reason():
    (rates,) = compare_all(*people(), targets=[1e-6]).rates
    assert (rates.threshold, rates.fmr, rates.fnmr) == (None, None, None)
    assert "not measurable" in rates.reason


def test_folders_that_allow_no_comparison_are_refused():
    vectors, person, found = people()
    with pytest.raises(InputError, match="Nobody has two images"):
        compare_all(vectors, np.arange(len(person)), found)
    with pytest.raises(InputError, match="one person"):
        compare_all(vectors, np.zeros_like(person), found)
    with pytest.raises(ShapeError):
        compare_all(vectors, person[:3], found)


def test_a_stopped_task_ends_the_work():
    class Stop:
        def step(self, stage, done, total):
            assert 0 <= done <= total
            if done:
                raise Cancelled

    with pytest.raises(Cancelled):
        compare_all(*people(), block_rows=8, task=Stop())
