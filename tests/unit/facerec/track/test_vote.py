"""One Decision a track: the vote, and how slowly it changes its mind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facerec.match.decide import decide
from facerec.track.vote import N_LOOKS, Look, TrackVote
from facerec.types import Candidate, Decision, QualityIssue, Reason, Verdict
from tests.helpers.gallery import random_unit

ISSUE = QualityIssue("blurred", "The face is blurred.", 0.8, 0.64)
THRESHOLD, MARGIN = 0.4, 0.05


def said(ada: float, bob: float = 0.0) -> Decision:
    people = [Candidate(1, "Ada", ada, 10), Candidate(2, "Bob", bob, 20)]
    people.sort(key=lambda candidate: -candidate.score)
    return decide(people, threshold=THRESHOLD, required_margin=MARGIN)


def vote_with(n_looks: int, *, quality: float = 0.9, issues=()) -> TrackVote:
    vote = TrackVote()
    for seed in range(n_looks):
        vote.add(Look(random_unit(seed), quality, issues))
    return vote


def test_looks_are_weighed_by_quality() -> None:
    vote, axes = TrackVote(), np.eye(8, dtype=np.float32)
    for axis, quality in zip(axes, (0.9, 0.6, 0.3), strict=False):
        vote.add(Look(axis, quality))

    expected = np.array([0.9, 0.6, 0.3, 0, 0, 0, 0, 0]) / np.linalg.norm([0.9, 0.6, 0.3])
    np.testing.assert_allclose(vote.direction(), expected, atol=1e-6)


@pytest.mark.parametrize("poor", [False, True])
def test_looks_that_are_alike_share_their_say(poor: bool) -> None:
    vote, axes = TrackVote(), np.eye(8, dtype=np.float32)
    looks = [Look(axes[0], 0.8)] * (1 if poor else 6) + [Look(axes[1], 0.8)]
    if poor:  # six poor looks at a view take hardly anything from the good one
        looks += [Look(axes[0], 0.001, (ISSUE,))] * 6
    for look in looks:
        vote.add(look)

    np.testing.assert_allclose(vote.direction()[:2], [0.5**0.5] * 2, atol=0.03)


def test_strangers_reach_a_threshold_no_more_often_by_many_looks_and_friends_do() -> None:
    # Looks share what is the person's (half of their square) and differ in all else.
    rng = np.random.default_rng(3)
    n_people, n_looks, dimension = 400, 4, 64
    people = _units(rng.normal(size=(n_people, dimension)))
    noise = _units(rng.normal(size=(n_people, n_looks + 1, dimension)))
    looks = _units(people[:, None] + noise)
    templates, directions = looks[:, -1], []
    for person in range(n_people):
        vote = TrackVote()
        for vector in looks[person, :-1]:
            vote.add(Look(vector.astype(np.float32), 0.9))
        directions.append(vote.direction())

    single, several = looks[:, 0] @ templates.T, np.stack(directions) @ templates.T

    others = ~np.eye(n_people, dtype=bool)
    assert several[others].std() == pytest.approx(single[others].std(), rel=0.02)
    assert np.diag(several).mean() > np.diag(single).mean() + 0.1


def _units(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_a_poor_look_counts_little() -> None:
    good, poor = Look(random_unit(0), 0.8), Look(random_unit(1), 0.4, (ISSUE,))

    assert poor.weight / good.weight == pytest.approx(0.125)


def test_only_the_last_looks_count() -> None:
    vote = vote_with(3)
    for _ in range(N_LOOKS):
        vote.add(Look(random_unit(7), 0.9))

    np.testing.assert_allclose(vote.direction(), random_unit(7), atol=1e-6)


def test_one_look_is_not_enough_unless_it_is_sure() -> None:
    unsure, sure = vote_with(1).settle(said(0.45)), vote_with(1).settle(said(0.60))

    assert (unsure.verdict, unsure.reason) == (Verdict.UNSURE, Reason.TOO_FEW_LOOKS)
    assert sure.person is not None


def test_a_first_name_leads_over_nobody_by_the_margin() -> None:
    vote = vote_with(N_LOOKS)

    near = vote.settle(said(THRESHOLD + 0.8 * MARGIN))
    clear = vote.settle(said(THRESHOLD + 1.2 * MARGIN))

    assert (near.verdict, near.reason) == (Verdict.UNSURE, Reason.TOO_FEW_LOOKS)
    assert clear.person is not None


def test_a_stranger_is_not_called_unknown_after_one_look() -> None:
    assert vote_with(1).settle(said(0.1)).reason is Reason.TOO_FEW_LOOKS
    assert vote_with(2).settle(said(0.1)).verdict is Verdict.UNKNOWN


def test_a_name_goes_when_somebody_who_is_ignored_is_nearer() -> None:
    poster = replace(said(0.1, 0.6).candidates[0], ignored=True)
    ada = said(0.5).candidates[0]
    vote = vote_with(3)
    assert vote.settle(said(0.6)).person == Candidate(1, "Ada", 0.6, 10)

    shown = vote.settle(decide((poster, ada), threshold=THRESHOLD, required_margin=MARGIN))

    assert (shown.verdict, shown.reason) == (Verdict.UNKNOWN, Reason.IGNORED)
    assert vote.name is None


def test_poor_looks_settle_nothing() -> None:
    vote = vote_with(4, quality=0.3, issues=(ISSUE,))

    assert not vote.is_settled
    assert vote.issues() == (ISSUE,)
    assert vote.settle(said(0.45)).person is None


def test_a_name_does_not_flicker_around_the_threshold() -> None:
    vote = vote_with(2)

    names = [vote.settle(said(score)).person is not None for score in (0.46, 0.39, 0.37, 0.41)]
    assert names == [True, True, True, True]
    assert vote.settle(said(0.35)).person is None
    # Once lost, the slack is lost too.
    assert vote.settle(said(0.41)).person is None


def test_a_name_does_not_stick_when_somebody_else_is_clearly_nearer() -> None:
    vote = vote_with(2)
    assert vote.settle(said(0.5)).person.name == "Ada"

    # Bob a little ahead: not clear, so the name stays; clearly ahead: it goes over.
    assert vote.settle(said(0.48, 0.50)).person.name == "Ada"
    assert vote.settle(said(0.45, 0.55)).person.name == "Bob"


def test_a_name_given_up_must_be_earned_again() -> None:
    vote = vote_with(2)
    vote.settle(said(0.5))

    vote.release()

    assert vote.settle(said(0.38)).person is None


def test_a_removed_person_is_not_named_any_more() -> None:
    vote = vote_with(2)
    vote.settle(said(0.5))

    nobody = decide([], threshold=THRESHOLD, required_margin=MARGIN)

    assert vote.settle(nobody).reason is Reason.EMPTY_GALLERY
