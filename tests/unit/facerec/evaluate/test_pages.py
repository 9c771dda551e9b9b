from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facerec.evaluate.acquire import Acquired
from facerec.evaluate.all_pairs import compare_all
from facerec.evaluate.error_rates import Estimate, wilson
from facerec.evaluate.gain import Beside
from facerec.evaluate.identification import draw_split, identify_open_set
from facerec.evaluate.pages import (
    MIRRORED,
    Subject,
    counted,
    pairs_page,
    people_page,
    percent,
    target_percent,
    with_interval,
)
from facerec.evaluate.pairs import Pair, PairList
from facerec.evaluate.verification import score_pairs, verify_pairs
from facerec.zoo import OperatingPoint

ROOT = Path("/photos")
POINT = OperatingPoint(0.5, 0.001, 1000, "made up", "2026-01-01")


def subject() -> Subject:
    return Subject("Test", "toy", ROOT, False, {"Date": "2026-01-01"})


def photographed(n_people: int, images: int, spread: float = 0.6):
    """Vectors of people, the first image without a face."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(n_people), images)
    vectors = rng.normal(size=(n_people, 16))[person]
    vectors = vectors + spread * rng.normal(size=vectors.shape)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    vectors[0] = 0
    paths = tuple(ROOT / f"p{one}" / f"{at % images}.jpg" for at, one in enumerate(person))
    n = len(person)
    failures = {0: "No face was found."}
    boxes = np.zeros((n, 4), np.float32)
    return Acquired(paths, vectors, {}, boxes, np.ones(n, np.int64), failures), person


def listed(acquired: Acquired, person, n_folds: int) -> PairList:
    pairs = []
    for fold in range(n_folds):
        for at in range(fold * 4, fold * 4 + 3):
            pairs.append(Pair(acquired.paths[at], acquired.paths[at + 1], True, fold, 0))
            pairs.append(Pair(acquired.paths[at], acquired.paths[-1 - at], False, fold, 0))
    return PairList(Path("own.csv"), tuple(pairs), n_folds)


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.0, "0 %"), (1.0, "100.00 %"), (0.993833, "99.38 %"), (0.0123, "1.23 %"),
        (0.0012345, "0.12 %"), (0.000667, "0.067 %"), (0.0000099812, "0.0010 %"),
    ],
)  # fmt: skip
def test_rates_are_written_with_digits_that_mean_something(rate, text) -> None:
    assert percent(rate) == text


def test_round_targets_are_written_without_needless_digits() -> None:
    assert [target_percent(rate) for rate in (0.1, 0.01, 0.001, 0.00001)] == [
        "10 %", "1 %", "0.1 %", "0.001 %"
    ]  # fmt: skip


def test_intervals_turn_with_their_rate() -> None:
    estimate = Estimate(20, 1000, 0.013, 0.031, "Wilson")
    assert with_interval(estimate) == "2.00 % (1.30\N{EN DASH}3.10 %)"
    assert with_interval(estimate, turned=True) == "98.00 % (96.90\N{EN DASH}98.70 %)"
    assert counted(wilson(4, 3000)) == "4 of 3,000"


def test_a_list_with_folds_and_no_card_is_judged_by_the_threshold_of_its_folds() -> None:
    acquired, person = photographed(12, 4)
    pairs = listed(acquired, person, 3)
    result = verify_pairs(score_pairs(pairs, acquired))
    page = pairs_page(subject(), pairs, acquired, result)
    labels = [one.label for one in page.headlines]
    assert labels[0] == "Accuracy, one image a face"
    assert "Accuracy with mirror averaging" not in labels
    threshold = np.median(result.folds.thresholds)
    assert f"threshold {threshold:.3f}" in page.sheets[0].note
    for sheet, same in zip(page.sheets, (True, False), strict=True):
        for card in sheet.cards:
            # (cards round their scores)
            if abs(float(card.score) - threshold) > 0.001:
                assert card.is_error == ((float(card.score) >= threshold) != same)
    assert [table.title for table in page.tables] == [
        "True accept rate with the false match rate held", "Folds"
    ]  # fmt: skip
    assert page.failures[0].name == "p0/0.jpg"
    assert "in 3 folds" in page.protocol


def test_a_list_without_folds_and_card_has_no_accuracy_and_judges_nobody() -> None:
    acquired, person = photographed(12, 4)
    pairs = listed(acquired, person, 1)
    page = pairs_page(subject(), pairs, acquired, verify_pairs(score_pairs(pairs, acquired)))
    assert page.headlines[0].value == "\N{EN DASH}"
    assert all(card.is_error is None for sheet in page.sheets for card in sheet.cards)
    assert page.sheets[0].note == "The 2 pairs scored worst, lowest first. "


def test_rates_that_cannot_be_measured_are_said_to_be_so_everywhere() -> None:
    acquired, person = photographed(8, 3)
    pairs = listed(acquired, person, 2)
    result = verify_pairs(score_pairs(pairs, acquired), [POINT])
    page = pairs_page(subject(), pairs, acquired, result, [Beside(MIRRORED, result)])
    tar = {one.label: one for one in page.headlines}["TAR at FMR 0.1 %"]
    assert tar.value == "\N{EN DASH}"
    assert "6 different-person comparisons" in tar.detail
    table = {one.title: one for one in page.tables}[
        "True accept rate with the false match rate held"
    ]
    assert table.rows[-1][1] == "not measurable"
    assert len(table.columns) == 7

    found = acquired.found
    everybody = compare_all(acquired.vectors, person, found, thresholds=[0.5])
    searched = identify_open_set(
        acquired.vectors,
        person,
        found,
        draw_split(person, n_enrol=2),
        points=[POINT],
        n_resamples=9,
    )
    page = people_page(subject(), acquired, everybody, searched)
    headlines = {one.label: one for one in page.headlines}
    assert "searches by strangers" in headlines["FNIR at FPIR 0.1 %"].detail
    assert "not measurable" in headlines["FNMR at FMR 0.1 %, all pairs"].detail
    assert headlines["Gallery"].value == "2 people"
    tables = {one.title: one for one in page.tables}
    assert tables["All pairs"].rows[-1][3] == "not measurable"
    fixed = tables["FNIR with the false positive identification rate held"]
    assert fixed.rows[-1][4] == "not measurable"
    predicted = tables["Identification at the model's own thresholds"].rows[0][2]
    assert predicted == percent(1 - 0.999**2)


def test_sheets_of_a_folder_show_strangers_misses_and_neighbours() -> None:
    acquired, person = photographed(10, 3)
    found = acquired.found
    everybody = compare_all(acquired.vectors, person, found)
    split = draw_split(person, n_enrol=4, images_each=2)
    searched = identify_open_set(acquired.vectors, person, found, split, n_resamples=9)
    page = people_page(subject(), acquired, everybody, searched)
    strangers, missed, nearest = page.sheets
    enrolled = {f"p{one}" for one in split.enrolled}
    for card in strangers.cards:
        assert card.names[0].split("/")[0] not in enrolled
        assert card.names[1].split("/")[0] in enrolled
    for card in missed.cards:
        assert card.names[0].split("/")[0] == card.names[1].split("/")[0]
    assert [float(card.score) for card in missed.cards] == sorted(
        float(card.score) for card in missed.cards
    )
    assert len(nearest.cards) == 24
    assert all(card.is_error is None for sheet in page.sheets for card in sheet.cards)
    assert "2 images each" in {one.label: one for one in page.headlines}["Gallery"].detail
    assert "Identification at the model's own thresholds" not in [t.title for t in page.tables]
