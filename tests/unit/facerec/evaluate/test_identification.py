from __future__ import annotations

import numpy as np
import pytest

from facerec.errors import InputError, RangeError, ShapeError
from facerec.evaluate.identification import (
    Searches,
    at_fpir,
    draw_split,
    identify_open_set,
    predicted_fpir,
    search,
)
from facerec.zoo import OperatingPoint


def people(n_people=40, images=4, dimension=16, seed=0, spread=0.8):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_people, dimension))
    person = np.repeat(np.arange(n_people), images)
    vectors = centres[person] + spread * rng.normal(size=(len(person), dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), person, np.ones(len(person), bool)


@pytest.mark.parametrize("images_each", [1, 2])
def test_split_enrols_the_number_asked_for_and_nobody_probes_with_an_enrolled_image(images_each):
    _, person, _ = people()
    split = draw_split(person, n_enrol=10, images_each=images_each, seed=5)
    assert len(split.enrolled) == len(set(split.enrolled)) == 10
    assert person[split.gallery_rows].tolist() == np.repeat(split.enrolled, images_each).tolist()
    assert set(person[split.mated_rows]) == set(split.enrolled)
    assert not set(person[split.nonmated_rows]) & set(split.enrolled)
    rows = np.concatenate([split.gallery_rows, split.mated_rows, split.nonmated_rows])
    assert sorted(rows) == list(range(len(person)))


def test_split_repeats_with_its_seed_and_changes_with_another():
    _, person, _ = people()
    first, again, other = (draw_split(person, n_enrol=10, seed=s) for s in (1, 1, 2))
    assert first.gallery_rows.tolist() == again.gallery_rows.tolist()
    assert first.gallery_rows.tolist() != other.gallery_rows.tolist()
    assert len(draw_split(person).enrolled) == 20


def test_people_with_one_image_are_never_enrolled():
    person = np.array([0, 1, 1, 2, 3, 3, 4])
    for seed in range(5):
        assert set(draw_split(person, n_enrol=2, seed=seed).enrolled) == {1, 3}


def test_splits_that_cannot_be_are_refused():
    person = np.array([0, 0, 1, 1, 2])
    with pytest.raises(InputError, match="3 people cannot be enrolled: 2 have more than 1 image"):
        draw_split(person, n_enrol=3)
    with pytest.raises(InputError, match="Nobody has more than 2 images"):
        draw_split(person, images_each=2)
    with pytest.raises(InputError, match="no stranger"):
        draw_split(person[:4], n_enrol=2)
    for wrong in ({"n_enrol": 0}, {"images_each": 0}):
        with pytest.raises(RangeError):
            draw_split(person, **wrong)


@pytest.mark.parametrize("images_each", [1, 2])
def test_searches_are_those_of_plain_loops(images_each):
    vectors, person, found = people(seed=1)
    split = draw_split(person, n_enrol=15, images_each=images_each, seed=0)
    lost = [split.gallery_rows[0], split.mated_rows[3], split.nonmated_rows[5]]
    found[lost] = False
    vectors[~found] = 0
    searches, (n_matches,) = search(vectors, person, found, split, thresholds=[0.4])

    def score(i, j):
        return float(vectors[i] @ vectors[j]) if found[i] and found[j] else -np.inf

    for at, probe in enumerate(split.mated_rows):
        best = {}
        for row in split.gallery_rows:
            best[person[row]] = max(best.get(person[row], -np.inf), score(probe, row))
        own = best[person[probe]]
        assert searches.mate_scores[at] == pytest.approx(own, abs=1e-6)
        expected = (
            16
            if own == -np.inf
            else 1 + sum(other >= own for one, other in best.items() if one != person[probe])
        )
        assert searches.ranks[at] == expected
    expected_matches = 0
    for at, probe in enumerate(split.nonmated_rows):
        scores = [score(probe, row) for row in split.gallery_rows]
        expected_matches += sum(s >= 0.4 for s in scores)
        assert searches.nonmated_best[at] == pytest.approx(max(scores), abs=1e-6)
        if max(scores) > -np.inf:
            nearest = split.gallery_rows[int(np.argmax(scores))]
            assert searches.nonmated_candidate[at] == nearest
    assert n_matches == expected_matches
    assert searches.n_enrolled == 15
    assert searches.n_failed_enrolments == (1 if images_each == 1 else 0)
    assert searches.nonmated_person.tolist() == person[split.nonmated_rows].tolist()


def test_a_rank_counts_people_of_equal_score_as_standing_before():
    vectors = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    person = np.array([0, 0, 1, 1, 2])
    split = draw_split(np.array([0, 0, 1, 1, 2]), n_enrol=2, seed=0)
    split = type(split)(np.array([0, 2]), np.array([1, 3]), np.array([4]), np.array([0, 1]), 1, 0)
    searches, _ = search(vectors, person, np.ones(5, bool), split)
    assert searches.ranks.tolist() == [2, 2]
    assert np.isneginf(searches.hits).all()


def test_identification_counts_errors_as_plain_loops_do():
    vectors, person, found = people(n_people=120, seed=3)
    split = draw_split(person, n_enrol=30, seed=1)
    found[split.mated_rows[:2]] = False
    found[split.nonmated_rows[:3]] = False
    vectors[~found] = 0
    point = OperatingPoint(0.5, 0.001, 1000, "made up", "2026-01-01")
    result = identify_open_set(
        vectors, person, found, split, points=[point], targets=[0.1, 0.02, 0.001], n_resamples=200
    )
    searches = result.searches
    right = searches.ranks == 1
    for fixed in result.fixed_fpirs[:2]:
        assert fixed.fpir.value <= fixed.target
        threshold = fixed.threshold
        missed = sum(
            not (r and s >= threshold) for r, s in zip(right, searches.mate_scores, strict=True)
        )
        assert fixed.fnir.errors == missed
        assert fixed.fpir.errors == sum(best >= threshold for best in searches.nonmated_best)
        # No lower threshold among the scores would have kept the rate.
        occurring = np.concatenate([searches.hits, searches.nonmated_best])
        lower = max(s for s in occurring if s < threshold)
        assert (searches.nonmated_best >= lower).mean() > fixed.target
        assert fixed.fnir.low <= fixed.fnir.value <= fixed.fnir.high
        assert fixed.fnir.method == "bootstrap by person"
    refused = result.fixed_fpirs[2]
    assert refused.threshold is None
    assert "360 searches by strangers" in refused.reason
    (at_card,) = result.fixed_thresholds
    assert at_card.fpir.errors == (searches.nonmated_best >= 0.5).sum()
    assert at_card.fnir.errors == sum(
        not (r and s >= 0.5) for r, s in zip(right, searches.mate_scores, strict=True)
    )
    assert at_card.predicted_fpir == pytest.approx(1 - 0.999**30)
    assert at_card.predicted_from_fmr_here == pytest.approx(1 - (1 - at_card.fmr_here.value) ** 30)
    assert list(result.cmc) == [1, 2, 3, 5, 10, 20]
    assert result.cmc[1].value == pytest.approx(right.mean())
    assert all(
        a.value <= b.value
        for a, b in zip(list(result.cmc.values())[:-1], list(result.cmc.values())[1:], strict=True)
    )
    assert (result.n_failed_mated, result.n_failed_nonmated) == (2, 3)


def test_bootstrap_of_fnir_draws_people_and_chooses_the_threshold_anew():
    rng = np.random.default_rng(8)
    mated_person, stranger = np.repeat(np.arange(25), 3), np.repeat(np.arange(100, 140), 5)
    searches = Searches(
        mate_scores=rng.normal(0.5, 0.15, 75),
        ranks=rng.choice([1, 1, 1, 2], 75),
        mated_person=mated_person,
        nonmated_best=rng.normal(0.3, 0.1, 200).round(2),
        nonmated_person=stranger,
        nonmated_candidate=np.zeros(200, np.int64),
        mated_rows=np.arange(75),
        nonmated_rows=np.arange(200),
        n_enrolled=25,
        n_failed_enrolments=0,
    )
    result = at_fpir(searches, 0.05, seed=4, n_resamples=200)

    def draw(rng):
        def times(people):
            n = len(set(people))
            drawn = list(rng.integers(0, n, n))
            return {one: drawn.count(at) for at, one in enumerate(sorted(set(people)))}

        strangers, mates = times(stranger), times(mated_person)
        alarms = [
            s
            for s, p in zip(searches.nonmated_best, stranger, strict=True)
            for _ in range(strangers[p])
        ]
        occurring = np.unique(np.r_[searches.hits[np.isfinite(searches.hits)], alarms])
        counts = (np.array(alarms)[None, :] >= occurring[:, None]).sum(axis=1)
        fits = occurring[counts <= 0.05 * len(alarms) + 1e-9].tolist()
        threshold = min(fits, default=np.inf)
        misses = [
            h < threshold
            for h, p in zip(searches.hits, mated_person, strict=True)
            for _ in range(mates[p])
        ]
        return np.mean(misses)

    rng = np.random.default_rng(4)
    reference = np.quantile([draw(rng) for _ in range(200)], [0.025, 0.975])
    assert [result.fnir.low, result.fnir.high] == pytest.approx(reference, abs=0.03)


def test_a_gallery_in_which_nobody_is_missed_still_has_an_upper_bound():
    vectors, person, found = people(n_people=60, spread=0.01)
    split = draw_split(person, n_enrol=20, seed=0)
    result = identify_open_set(vectors, person, found, split, targets=[1.0, 0.1])
    assert result.fixed_fpirs[1].fnir.errors == 0
    assert result.fixed_fpirs[1].fnir.high > 0.1
    assert result.fixed_thresholds == ()


@pytest.mark.parametrize("target", [0, 2])
def test_a_target_that_is_no_rate_is_refused(target):
    vectors, person, found = people()
    split = draw_split(person, n_enrol=5)
    with pytest.raises(RangeError):
        identify_open_set(vectors, person, found, split, targets=[target])
    with pytest.raises(ShapeError):
        search(vectors, person[:2], found, split)


def test_prediction_for_a_gallery_is_that_of_independent_comparisons():
    assert predicted_fpir(0.001, 500) == pytest.approx(1 - 0.999**500)
    assert predicted_fpir(1e-12, 1000) == pytest.approx(1e-9)
    assert predicted_fpir(1.0, 3) == 1.0
    assert predicted_fpir(0.0, 3) == 0.0
