"""Calibrate a gallery of made-up people: what is found, kept, used and warned of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facerec.api import Gallery, Recognizer
from facerec.cli.options import match_rule
from facerec.cli.verify import rate_text
from facerec.config import Settings
from facerec.errors import InputError, NotFoundError, RangeError
from facerec.gallery.made_up import add_made_up
from facerec.gallery.session import set_contract
from facerec.match.calibrate import calibrate
from facerec.match.reference import calibrate_from_reference
from facerec.match.rule import MatchRule
from facerec.services import calibrate as service
from facerec.services.calibrate import (
    calibrate_gallery,
    calibrated_rule,
    calibration_of,
    calibration_warning,
    find_reference,
    leave_one_out,
)
from facerec.services.gallery import OpenGallery, open_gallery
from facerec.zoo import find_model
from tests.helpers.command_line import CommandLine
from tests.helpers.fakes import fake_pipeline
from tests.helpers.gallery import AT, CONTRACT, add_person

DIMENSION = 16  # that of tests.helpers.gallery
LEAN = find_model("lean").contract().id
CARD_RULE = MatchRule(0.4, fmr=0.001, fmr_source="a card")


def made_up_people(n: int, each: int, seed: int = 0) -> np.ndarray:
    """(n * each, D) unit vectors: each person's lie close together."""
    rng = np.random.default_rng(seed)
    centres = np.repeat(rng.standard_normal((n, DIMENSION)), each, axis=0)
    vectors = centres + 0.5 * rng.standard_normal(centres.shape)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def fill(gallery: OpenGallery, n: int, each: int = 1, contract_id: str = CONTRACT) -> np.ndarray:
    vectors = made_up_people(n, each)
    with gallery.store.write() as session:
        add_made_up(session, vectors, contract_id=contract_id, per_person=each, at=AT)
    return vectors


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[OpenGallery]:
    with open_gallery(tmp_path / "people") as gallery:
        yield gallery


def test_leaving_one_out_finds_what_a_loop_over_all_pairs_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "BLOCK_ROWS", 7)
    vectors = made_up_people(9, 2)
    person = np.repeat(np.arange(9), 2)

    found = leave_one_out(vectors, person)

    for row in range(18):
        others = {at: float(vectors[row] @ vectors[at]) for at in range(18) if at // 2 != row // 2}
        nearest = max(others, key=others.__getitem__)
        assert found.best[row] == pytest.approx(others[nearest], abs=1e-6)
        assert found.rival[row] == nearest // 2
        assert found.mate[row] == pytest.approx(float(vectors[row] @ vectors[row ^ 1]), abs=1e-6)
    assert found.n_comparisons == 18 * 16
    assert found.n_people == found.n_mated_people == 9


def test_misses_are_counted_as_identification_would() -> None:
    vectors = made_up_people(30, 2)
    found = leave_one_out(vectors, np.repeat(np.arange(30), 2))
    threshold = float(np.median(found.mate))

    estimate = found.fnir(threshold)

    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    named = [
        scores[row].argmax() // 2 == row // 2 and scores[row].max() >= threshold
        for row in range(60)
    ]
    assert estimate is not None
    assert estimate.errors == 60 - sum(named)
    assert estimate.low < estimate.value < estimate.high


def test_very_many_templates_search_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_SEARCHES", 20)

    found = leave_one_out(made_up_people(50, 1), np.arange(50))

    assert len(set(found.person.tolist())) == 20
    assert found.n_people == 50


def test_calibration_is_kept_with_what_it_depends_on(gallery: OpenGallery) -> None:
    fill(gallery, 120, each=2)

    made = calibrate_gallery(gallery, 0.03)
    again = calibrate_gallery(gallery, 0.05)

    assert (made.origin, made.n_people, made.n_templates) == ("own", 120, 240)
    assert (made.data_people, made.data_comparisons) == (120, 240 * 238)
    assert (made.fnir_people, made.fnir_searches) == (120, 240)
    assert made.contract_id == CONTRACT
    assert again.threshold < made.threshold
    assert calibration_of(gallery) == again


def test_strangers_stay_below_what_was_promised(gallery: OpenGallery) -> None:
    enrolled = fill(gallery, 150)
    found = calibrate_gallery(gallery, 0.02)

    strangers = made_up_people(5000, 1, seed=99)

    assert ((strangers @ enrolled.T).max(axis=1) >= found.threshold).mean() <= 0.02


def test_dry_run_stores_nothing(gallery: OpenGallery) -> None:
    fill(gallery, 110)

    calibrate_gallery(gallery, 0.03, store=False)

    assert calibration_of(gallery) is None


def test_small_gallery_takes_its_models_reference(gallery: OpenGallery) -> None:
    fill(gallery, 5, contract_id=LEAN)

    found = calibrate_gallery(gallery, 0.001)

    assert found.origin == "reference"
    assert "held out from training" in found.data
    assert found.data_people > 1000
    assert found.fnir is None


@pytest.mark.parametrize("dimension", [16, 512])
def test_rate_that_cannot_be_measured_takes_the_stricter_threshold(
    gallery: OpenGallery, dimension: int
) -> None:
    """Of 110 people: random directions in 16 dimensions lie close together, in 512 far apart."""
    vectors = np.random.default_rng(1).standard_normal((110, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with gallery.store.write() as session:
        add_made_up(session, vectors, contract_id=LEAN, per_person=1, at=AT)
    searches = leave_one_out(vectors, np.arange(110)).as_strangers()
    own = calibrate(searches, 0.01).threshold
    reference = calibrate_from_reference(find_reference(LEAN), 0.01, 110).threshold

    found = calibrate_gallery(gallery, 0.01)

    assert found.threshold == max(own, reference)
    assert found.origin == ("own" if dimension == 16 else "reference")


def test_small_gallery_of_a_model_without_reference_says_what_to_do(gallery: OpenGallery) -> None:
    fill(gallery, 5)

    with pytest.raises(NotFoundError, match="too few people") as caught:
        calibrate_gallery(gallery, 0.001)

    assert "100 people" in caught.value.remedy


def test_empty_gallery_and_wrong_rates_are_refused(gallery: OpenGallery) -> None:
    with pytest.raises(InputError, match="Nobody is enrolled"):
        calibrate_gallery(gallery, 0.03)
    with pytest.raises(RangeError, match="rate of false alarms"):
        calibrate_gallery(gallery, 0.5)


def test_rule_is_the_gallerys_unless_the_user_chose(gallery: OpenGallery) -> None:
    fill(gallery, 110)
    assert calibrated_rule(gallery, CARD_RULE) == CARD_RULE
    found = calibrate_gallery(gallery, 0.03)

    rule = calibrated_rule(gallery, CARD_RULE)

    assert (rule.threshold, rule.fpir, rule.fmr) == (found.threshold, 0.03, None)
    assert rule.fpir_source.startswith("calibrated on this gallery's own people")
    assert calibrated_rule(gallery, MatchRule(0.3)) == MatchRule(0.3)


def test_another_model_ends_the_calibration(gallery: OpenGallery) -> None:
    fill(gallery, 110)
    calibrate_gallery(gallery, 0.03)
    assert calibration_warning(gallery) == ""

    with gallery.store.write() as session:
        set_contract(session, "another000000000")

    assert "another model" in calibration_warning(gallery)
    assert calibrated_rule(gallery, CARD_RULE) == CARD_RULE


@pytest.mark.parametrize(("n_more", "warned"), [(54, False), (55, True)])
def test_gallery_outgrows_its_calibration(
    gallery: OpenGallery, n_more: int, *, warned: bool
) -> None:
    fill(gallery, 110)
    calibrate_gallery(gallery, 0.03)

    with gallery.store.write() as session:
        for number in range(n_more):
            add_person(session, f"new {number}", number)
    warning = calibration_warning(gallery)

    assert bool(warning) is warned
    if warned:
        assert "110 people" in warning
        assert "now there are 165" in warning
        assert "4.50%" in warning


def test_python_api_uses_the_gallerys_threshold(tmp_path: Path) -> None:
    pipeline = fake_pipeline()
    with open_gallery(tmp_path / "people") as opened:
        fill(opened, 110, contract_id=pipeline.embedder.contract_id)
        found = calibrate_gallery(opened, 0.03)

    with Gallery.open(
        tmp_path / "people", recognizer=Recognizer.from_pipeline(pipeline, CARD_RULE)
    ) as gallery:
        assert gallery.rule.threshold == found.threshold
    with Gallery.open(
        tmp_path / "people", recognizer=Recognizer.from_pipeline(pipeline, MatchRule(0.9))
    ) as gallery:
        assert gallery.rule.threshold == 0.9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with open_gallery(tmp_path / "shown") as gallery:
        fill(gallery, 110, each=2, contract_id=LEAN)
    return tmp_path / "shown"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


def test_command_says_threshold_promise_cost_and_data(run: CommandLine, folder: Path) -> None:
    answer = run("calibrate", "--one-in", 100, "--gallery", folder)

    lines = answer.out.splitlines()
    assert answer.code == 0
    assert "for this gallery of 110 people with 220 templates." in lines[0]
    assert lines[1].startswith("At most 1 % of strangers (one in 100) are taken for somebody")
    assert lines[3].startswith("Cost: ")
    assert lines[4].startswith("Measured on this gallery's own people")
    assert lines[4].endswith("110 people, 47,960 comparisons.")
    assert lines[-1].startswith("Stored")


def test_command_answers_with_json_and_stores_unless_told_not_to(
    run: CommandLine, folder: Path
) -> None:
    tried = run("calibrate", "--fpir", 0.02, "--dry-run", "--gallery", folder, "--json").json
    with open_gallery(folder) as gallery:
        assert calibration_of(gallery) is None
    made = run("calibrate", "--fpir", 0.02, "--gallery", folder, "--json").json

    assert tried["stored"] is False
    assert made["stored"] is True
    assert made["calibration"]["requested_fpir"] == 0.02
    assert made["calibration"]["threshold"] == tried["calibration"]["threshold"]


def test_command_refuses_two_ways_of_asking(run: CommandLine, folder: Path) -> None:
    assert run("calibrate", "--fpir", 0.1, "--one-in", 10, "--gallery", folder).code == 2


def test_list_and_doctor_warn_of_an_outgrown_calibration(run: CommandLine, folder: Path) -> None:
    run("calibrate", "--fpir", 0.02, "--gallery", folder)
    assert run("gallery", "list", "--gallery", folder).err == ""
    with open_gallery(folder) as gallery, gallery.store.write() as session:
        for number in range(55):
            add_person(session, f"new {number}", number, contract_id=LEAN)

    listed = run("gallery", "list", "--gallery", folder)

    assert "outgrown its calibration" in listed.err
    assert (
        "outgrown"
        in run("gallery", "list", "--gallery", folder, "--json").json["calibration_warning"]
    )
    assert "outgrown" in run("doctor", "--gallery", folder).out


def test_commands_take_the_gallerys_threshold_unless_another_was_asked_for(
    gallery: OpenGallery,
) -> None:
    fill(gallery, 110, contract_id=LEAN)
    found = calibrate_gallery(gallery, 0.03)
    plain = Settings()
    own = replace(plain, match=replace(plain.match, threshold=0.3))
    fmr = replace(plain, match=replace(plain.match, fmr=0.01))

    assert match_rule(plain, gallery).threshold == found.threshold
    assert match_rule(own, gallery).threshold == 0.3
    assert match_rule(fmr, gallery) == match_rule(fmr)
    assert match_rule(plain).fpir is None


def test_sentence_of_a_calibrated_threshold_names_rate_and_data() -> None:
    said = rate_text(MatchRule(0.5, fpir=0.001, fpir_source="calibrated on a test"))

    assert said.startswith("At this threshold at most 0.1 % of strangers (one in 1,000)")
    assert said.endswith("(calibrated on a test).")
