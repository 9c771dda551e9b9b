"""Scores of Templates become one Score per Person."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from facerec.gallery.templates import Owner
from facerec.match.score import best_per_person
from facerec.types import Candidate

ANN, BOB = Owner(1, "Ann"), Owner(2, "Bob")


def test_takes_the_best_template_of_each_person():
    found = best_per_person([(1, 0.2), (2, 0.9), (3, 0.5)], {1: ANN, 2: ANN, 3: BOB})

    assert found == [Candidate(1, "Ann", 0.9, 2), Candidate(2, "Bob", 0.5, 3)]


def test_passes_over_templates_without_owner():
    assert best_per_person([(7, 0.9), (1, 0.1)], {1: ANN}) == [Candidate(1, "Ann", 0.1, 1)]


def test_is_empty_without_templates():
    assert best_per_person([], {}) == []


def test_orders_equal_people_by_id_and_equal_templates_too():
    found = best_per_person([(9, 0.5), (4, 0.5), (3, 0.5)], {9: BOB, 4: ANN, 3: ANN})

    assert [(c.person_id, c.template_id) for c in found] == [(1, 3), (2, 9)]


@given(st.lists(st.tuples(st.integers(1, 20), st.floats(-1, 1)), unique_by=lambda pair: pair[0]))
def test_equals_the_maximum_over_each_persons_templates(scored):
    owners = {template_id: Owner(template_id % 3, "x") for template_id, _ in scored}
    expected = {}
    for template_id, score in scored:
        person_id = template_id % 3
        expected[person_id] = max(score, expected.get(person_id, -math.inf))

    found = best_per_person(scored, owners)

    assert {c.person_id: c.score for c in found} == expected
    assert [c.score for c in found] == sorted(expected.values(), reverse=True)
