"""Thresholds from a model's reference, for galleries too small to measure themselves."""

from __future__ import annotations

import pytest

from facerec.errors import ConfigError, RangeError
from facerec.match.reference import Reference, calibrate_from_reference, reference_from_text
from facerec.paths import shipped_models_dir
from facerec.services.calibrate import find_reference
from facerec.zoo import list_models


def reference() -> Reference:
    return Reference(
        contract_id="c0ffee0000000000",
        data="made up",
        n_people=1000,
        n_comparisons=499_500,
        date="2026-03-01",
        sizes=(1, 100),
        rates=(0.001, 0.1),
        low=((0.2, 0.1), (0.4, 0.3)),
        expected=((0.3, 0.2), (0.5, 0.4)),
        high=((0.4, 0.3), (0.6, 0.5)),
    )


def test_reads_what_it_wrote() -> None:
    assert reference_from_text(reference().to_text()) == reference()


@pytest.mark.parametrize(
    ("size", "fpir", "threshold", "expected"),
    [
        (1, 0.001, 0.4, 0.3),
        (100, 0.1, 0.5, 0.4),
        (10, 0.001, 0.5, 0.4),  # half way between 1 and 100 by logarithm
        (1, 0.01, 0.35, 0.25),
        (10, 0.01, 0.45, 0.35),
    ],
)
def test_interpolates_over_logarithms(
    size: int, fpir: float, threshold: float, expected: float
) -> None:
    found = calibrate_from_reference(reference(), fpir, size)

    assert found.threshold == pytest.approx(threshold)
    assert found.expected_threshold == pytest.approx(expected)


def test_rates_at_the_threshold_are_read_from_the_same_table() -> None:
    found = calibrate_from_reference(reference(), 0.1, 1)

    assert found.threshold == pytest.approx(0.3)
    assert found.fpir == pytest.approx(0.001)  # the median gallery has 0.3 at one in a thousand
    assert found.fpir_low <= found.fpir


def test_beyond_the_table_alarms_grow_in_proportion() -> None:
    tenfold = calibrate_from_reference(reference(), 0.1, 1000)

    assert tenfold.threshold == pytest.approx(0.55)  # what 100 people need for 0.01
    with pytest.raises(RangeError, match=r"no rate below 0\.01"):
        calibrate_from_reference(reference(), 0.001, 1000)


def test_refuses_rates_below_the_table() -> None:
    with pytest.raises(RangeError) as caught:
        calibrate_from_reference(reference(), 0.0001, 10)

    assert "one in 1,000" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "[]", "{}", reference().to_text().replace("0.6, 0.5", "0.6")])
def test_refuses_a_damaged_file(text: str) -> None:
    with pytest.raises(ConfigError, match="damaged"):
        reference_from_text(text)


def test_every_shipped_embedder_has_one_that_rises_and_falls_as_it_must() -> None:
    for card in list_models():
        if card.task != "embed" or card.folder != shipped_models_dir():
            continue
        found = find_reference(card.contract().id)
        for table in (found.low, found.expected, found.high):
            for row in table:
                assert list(row) == sorted(row, reverse=True)  # rarer needs higher
            for column in zip(*table, strict=True):
                assert list(column) == sorted(column)  # larger needs higher
