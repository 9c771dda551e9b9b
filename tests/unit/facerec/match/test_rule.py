"""The rule comes from the model's card, or from the user."""

from __future__ import annotations

import dataclasses

import pytest

from facerec.errors import NotFoundError, RangeError
from facerec.match.rule import DEFAULT_MARGIN, MatchRule, rule_from_card
from facerec.zoo import OperatingPoint, read_manifest
from tests.helpers.fakes import write_toy_model


@pytest.fixture
def card(tmp_path):
    write_toy_model(tmp_path)
    points = (
        OperatingPoint(0.4, 1e-4, 10**6, "here", "2026-01-01"),
        OperatingPoint(0.3, 1e-3, 10**6, "there", "2026-01-01"),
    )
    return dataclasses.replace(read_manifest(tmp_path)[0], thresholds=points)


def test_takes_the_cards_first_point(card):
    assert rule_from_card(card) == MatchRule(0.4, DEFAULT_MARGIN, 1e-4, "here")


def test_takes_the_point_for_a_rate(card):
    assert rule_from_card(card, fmr=0.002) == MatchRule(0.3, DEFAULT_MARGIN, 1e-3, "there")


def test_refuses_a_rate_the_card_cannot_promise(card):
    with pytest.raises(NotFoundError):
        rule_from_card(card, fmr=1e-9)


def test_takes_the_users_threshold_also_when_it_is_zero(card):
    assert rule_from_card(card, threshold=0.0, required_margin=0.2) == MatchRule(0.0, 0.2)


def test_refuses_both_at_once(card):
    with pytest.raises(RangeError):
        rule_from_card(card, threshold=0.3, fmr=0.1)


def test_refuses_a_card_without_thresholds(card):
    with pytest.raises(RangeError):
        rule_from_card(dataclasses.replace(card, thresholds=()))


@pytest.mark.parametrize(
    "values",
    [
        {"threshold": 1.1},
        {"threshold": float("nan")},
        {"threshold": 0.3, "required_margin": -0.1},
        {"threshold": 0.3, "required_margin": float("inf")},
        {"threshold": 0.3, "fmr": 2.0},
    ],
)
def test_refuses_values_out_of_range(values):
    with pytest.raises(RangeError):
        MatchRule(**values)
