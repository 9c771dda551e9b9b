"""Each rule of a decision at its boundary, and one person once in one image."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.errors import RangeError
from facerec.match.decide import FaceCandidates, decide, decide_image, name_once
from facerec.types import Candidate, QualityIssue, Reason, Verdict

BLURRED = QualityIssue("blurred", "Hold still.", 0.05, 0.1)
RULE = {"threshold": 0.4, "required_margin": 0.125}


def candidates(*scores, first_id=1):
    return tuple(
        Candidate(first_id + i, f"P{first_id + i}", score, 100 + first_id + i)
        for i, score in enumerate(scores)
    )


def person(person_id, score):
    return Candidate(person_id, f"P{person_id}", score, 100 + person_id)


@pytest.mark.parametrize(
    ("scores", "issues", "verdict", "reason"),
    [
        pytest.param((), (), "unknown", "empty_gallery", id="nobody enrolled"),
        pytest.param((), (BLURRED,), "unknown", "empty_gallery", id="nobody enrolled, blurred"),
        pytest.param((0.399,), (), "unknown", "below_threshold", id="just below the threshold"),
        pytest.param((0.399,), (BLURRED,), "unknown", "below_threshold", id="below, blurred"),
        pytest.param((0.4,), (), "known", "above_threshold", id="at the threshold"),
        pytest.param((0.9,), (BLURRED,), "unsure", "low_quality", id="blurred"),
        pytest.param((0.5, 0.375), (), "known", "above_threshold", id="at the margin"),
        pytest.param((0.5, 0.376), (), "unsure", "small_margin", id="just below the margin"),
        pytest.param((0.5, 0.5), (BLURRED,), "unsure", "low_quality", id="both; quality first"),
        pytest.param((0.45, 0.39), (), "unsure", "small_margin", id="second below threshold"),
        pytest.param((0.3, 0.3), (), "unknown", "below_threshold", id="equal but far"),
    ],
)
def test_decides_by_the_first_rule_that_applies(scores, issues, verdict, reason):
    decision = decide(candidates(*scores), quality_issues=issues, **RULE)

    assert (decision.verdict, decision.reason) == (Verdict(verdict), Reason(reason))
    assert decision.quality_issues == issues
    assert decision.threshold == 0.4
    assert decision.required_margin == 0.125


@pytest.mark.parametrize(
    ("scores", "issues", "reason"),
    [
        ((0.399,), (), "below_threshold"),
        ((0.4,), (), "ignored"),
        ((0.9,), (BLURRED,), "ignored"),
        ((0.5, 0.49), (), "ignored"),
    ],
)
def test_who_is_ignored_is_never_named(scores, issues, reason):
    first, *others = candidates(*scores)
    people = (replace(first, ignored=True), *others)

    decision = decide(people, quality_issues=issues, **RULE)

    assert (decision.verdict, decision.reason) == (Verdict.UNKNOWN, Reason(reason))
    assert decision.candidates == people


def test_who_is_ignored_counts_for_the_margin_and_claims_no_other_face():
    ada, poster = person(1, 0.5), replace(person(2, 0.45), ignored=True)
    assert decide((ada, poster), **RULE).reason is Reason.SMALL_MARGIN

    faces = [FaceCandidates((person(1, 0.9),)), FaceCandidates((person(1, 0.8), poster))]
    loser = decide_image(faces, **RULE)[1]
    assert (loser.verdict, loser.reason) == (Verdict.UNKNOWN, Reason.TAKEN_IN_IMAGE)


def test_names_the_best_person_with_evidence():
    people = candidates(0.8, 0.5, 0.3, 0.2)

    decision = decide(people, **RULE)

    assert decision.person == people[0]
    assert decision.candidates == people[:3]
    assert decision.margin == pytest.approx(0.3)


def test_names_nobody_when_unsure_but_shows_the_evidence():
    people = candidates(0.5, 0.49)

    decision = decide(people, **RULE)

    assert decision.person is None
    assert decision.candidates == people


def test_has_no_margin_with_one_person():
    assert decide(candidates(0.8), **RULE).margin is None


def test_works_with_a_threshold_of_zero_and_no_margin():
    decision = decide(candidates(0.0, 0.0), threshold=0.0, required_margin=0.0)

    assert decision.verdict is Verdict.KNOWN


def test_refuses_candidates_that_are_not_best_first():
    with pytest.raises(RangeError):
        decide(candidates(0.3, 0.4), **RULE)


def test_refuses_a_person_twice():
    with pytest.raises(RangeError):
        decide((person(1, 0.5), person(1, 0.4)), **RULE)


def decided(*faces):
    decisions = decide_image([FaceCandidates(face) for face in faces], **RULE)
    return [
        (d.verdict.value, d.reason.value, d.person.person_id if d.person else None)
        for d in decisions
    ]


KNOWN = "known", "above_threshold"


def test_names_different_people_in_one_image():
    assert decided(candidates(0.8, 0.1), candidates(0.7, 0.1, first_id=5)) == [
        (*KNOWN, 1),
        (*KNOWN, 5),
    ]


def test_gives_a_name_to_the_nearest_face_only():
    assert decided((person(1, 0.5),), (person(1, 0.8),), (person(1, 0.6),)) == [
        ("unknown", "taken_in_image", None),
        (*KNOWN, 1),
        ("unknown", "taken_in_image", None),
    ]


def test_gives_a_name_to_the_earlier_of_equal_faces():
    assert decided((person(1, 0.8),), (person(1, 0.8),)) == [
        (*KNOWN, 1),
        ("unknown", "taken_in_image", None),
    ]


def test_never_names_by_exclusion():
    """The loser also looks like person 2, but person 1 lies nearer: no name, and not a stranger."""
    loser = (person(1, 0.7), person(2, 0.5))

    assert decided((person(1, 0.9),), loser)[1] == ("unsure", "taken_in_image", None)


def test_a_loser_is_unknown_when_its_second_is_below_the_threshold():
    loser = (person(1, 0.7), person(2, 0.39))

    assert decided((person(1, 0.9),), loser)[1] == ("unknown", "taken_in_image", None)


def test_a_loser_is_unknown_when_its_second_is_taken_too():
    loser = (person(1, 0.7), person(2, 0.5))

    assert decided((person(1, 0.9),), loser, (person(2, 0.9),))[1] == (
        "unknown",
        "taken_in_image",
        None,
    )


def test_an_unsure_face_takes_nobody_away():
    faces = [FaceCandidates((person(1, 0.9),), (BLURRED,)), FaceCandidates((person(1, 0.5),))]

    unsure, known = decide_image(faces, **RULE)

    assert unsure.reason is Reason.LOW_QUALITY
    assert known.person == person(1, 0.5)


def test_a_loser_keeps_its_evidence():
    loser = (person(1, 0.7), person(2, 0.5))

    decision = decide_image([FaceCandidates((person(1, 0.9),)), FaceCandidates(loser)], **RULE)[1]

    assert decision.candidates == loser
    assert decision.margin == pytest.approx(0.2)


def test_an_image_without_faces_has_no_decisions():
    assert decide_image([], **RULE) == []


@st.composite
def faces(draw):
    result = []
    for _ in range(draw(st.integers(0, 6))):
        people = draw(st.lists(st.integers(1, 4), unique=True, max_size=4))
        scores = sorted(
            draw(st.lists(st.floats(-1, 1, width=32), min_size=len(people), max_size=len(people))),
            reverse=True,
        )
        found = tuple(person(p, s) for p, s in zip(people, scores, strict=True))
        result.append(FaceCandidates(found, draw(st.sampled_from([(), (BLURRED,)]))))
    return result


@given(faces())
def test_nobody_is_in_an_image_twice_and_every_name_meets_every_rule(image):
    decisions = decide_image(image, **RULE)

    named = [d.person.person_id for d in decisions if d.person is not None]
    assert len(named) == len(set(named))
    for face, decision in zip(image, decisions, strict=True):
        if decision.person is not None:
            assert decision.person == face.candidates[0]
            assert decision.person.score >= 0.4
            assert not face.quality_issues
            assert all(decision.person.score - c.score >= 0.125 for c in face.candidates[1:])


@given(faces())
def test_a_face_loses_its_name_only_to_a_nearer_one(image):
    alone = [decide_image([face], **RULE)[0] for face in image]
    together = decide_image(image, **RULE)

    for before, after in zip(alone, together, strict=True):
        if before != after:
            assert after.reason is Reason.TAKEN_IN_IMAGE
            assert any(
                other.person is not None
                and other.person.person_id == before.person.person_id
                and other.person.score >= before.person.score
                for other in together
            )


def test_the_order_of_faces_does_not_matter_when_scores_differ():
    image = [
        FaceCandidates((person(1, 0.9), person(2, 0.5))),
        FaceCandidates((person(1, 0.8), person(2, 0.6))),
        FaceCandidates((person(2, 0.7),)),
    ]
    expected = dict(zip(map(id, image), decide_image(image, **RULE), strict=True))

    for order in itertools.permutations(image):
        assert dict(zip(map(id, order), decide_image(order, **RULE), strict=True)) == expected


def test_who_had_a_name_before_keeps_it_against_a_slightly_nearer_face():
    rivals = [candidates(0.60), candidates(0.62)]
    each = [decide(found, threshold=0.4, required_margin=0.05) for found in rivals]

    plain = name_once(each, rivals)
    held = name_once(each, rivals, advantages=[0.05, 0.0])

    assert [decision.person is not None for decision in plain] == [False, True]
    assert [decision.person is not None for decision in held] == [True, False]
    assert held[1].reason is Reason.TAKEN_IN_IMAGE
