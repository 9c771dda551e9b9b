"""Consent, purpose and time; what happens when it is over; the access log; export of a person."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from facerec.errors import ExpiredError, NotFoundError, RangeError
from facerec.gallery import access
from facerec.gallery.access import Action
from facerec.gallery.consents import Terms
from facerec.gallery.sightings import add_sighting
from facerec.gallery.templates import TemplateVectors
from facerec.match.rule import MatchRule
from facerec.services import people, steps
from facerec.services.access import access_log
from facerec.services.consent import list_consents, record_consent
from facerec.services.enroll import EnrollOptions, SeenFace, enroll_seen
from facerec.services.expire import expire, keep_to_terms, list_overdue
from facerec.services.gallery import OpenGallery, open_gallery
from facerec.services.person_export import export_person
from facerec.services.transfer import export_gallery, import_gallery
from facerec.types import Embedding
from tests.helpers.gallery import CONTRACT, CROP_PNG, add_person, random_unit

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TERMS = Terms("form 12, signed", "the door of the workshop", NOW + 10 * DAY)


@pytest.fixture
def clock(monkeypatch):
    moment = [NOW]
    monkeypatch.setattr(OpenGallery, "now", lambda _: moment[0])

    def go_to(at):
        moment[0] = at

    return go_to


@pytest.fixture
def gallery(tmp_path, clock):
    with open_gallery(tmp_path / "gallery", program="test") as gallery:
        with gallery.store.write() as session:
            add_person(session, "Ada", 1, 2)
            add_person(session, "Bob", 3)
        yield gallery


def consent_of(gallery, name):
    return people.show_person(gallery, name).consent


def named(gallery, seed):
    """Who is nearest to a face."""
    with gallery.store.read() as session:
        (found,) = gallery.candidates(session, random_unit(seed)[None], CONTRACT, n_people=1)
    return found[0].name if found else None


def seen(seed):
    crop = np.full((8, 8, 3), seed, np.uint8)
    return SeenFace(crop, Embedding(random_unit(seed), CONTRACT), 1.0)


def enrol(gallery, name, seed, terms=None):
    options = EnrollOptions(allow_conflict=True, terms=terms)
    return enroll_seen(gallery, name, [seen(seed)], rule=MatchRule(0.9), options=options)


class TestRecording:
    def test_is_shown_changed_in_part_and_taken_back_step_by_step(self, gallery):
        assert consent_of(gallery, "Ada") is None

        record_consent(gallery, "ada", TERMS)
        first = consent_of(gallery, "Ada")
        record_consent(gallery, "Ada", Terms(purpose="the front door"))
        second = consent_of(gallery, "Ada")
        record_consent(gallery, "Ada", Terms(without_end=True))

        assert (first.consent, first.purpose) == (TERMS.consent, TERMS.purpose)
        assert first.keep_until == NOW + 10 * DAY
        assert (second.purpose, second.keep_until) == ("the front door", first.keep_until)
        assert consent_of(gallery, "Ada").keep_until is None
        assert steps.undo(gallery).sentence == "Recorded the consent of 'Ada'"
        assert consent_of(gallery, "Ada") == second
        steps.undo(gallery)
        assert consent_of(gallery, "Ada") == first
        steps.undo(gallery)
        assert consent_of(gallery, "Ada") is None
        steps.redo(gallery)
        assert consent_of(gallery, "Ada") == first

    def test_goes_along_with_an_enrolment_and_is_undone_with_it(self, gallery):
        enrol(gallery, "Cy", 7, TERMS)
        assert consent_of(gallery, "Cy").purpose == TERMS.purpose

        steps.undo(gallery)
        assert list_consents(gallery) == {}
        steps.redo(gallery)
        assert consent_of(gallery, "Cy").keep_until == TERMS.keep_until

    def test_comes_back_with_a_removed_person(self, gallery):
        record_consent(gallery, "Ada", TERMS)
        before = consent_of(gallery, "Ada")
        people.remove_person(gallery, "Ada")
        assert list_consents(gallery) == {}

        steps.undo(gallery)

        assert consent_of(gallery, "Ada") == before

    @pytest.mark.parametrize(
        ("giver", "taker", "end"),
        [
            (None, None, None),
            (5, None, 5),
            (None, 5, 5),
            (5, 9, 5),
            (9, 5, 5),
        ],
    )
    def test_the_earlier_end_holds_for_people_who_are_merged(self, gallery, giver, taker, end):
        record_consent(gallery, "Ada", Terms("hers", keep_until=giver and NOW + giver * DAY))
        record_consent(gallery, "Bob", Terms("his", keep_until=taker and NOW + taker * DAY))

        people.merge_people(gallery, "Ada", "Bob")

        joined = consent_of(gallery, "Bob")
        assert (joined.consent, joined.keep_until) == ("his", end and NOW + end * DAY)
        steps.undo(gallery)
        assert consent_of(gallery, "Ada").consent == "hers"

    def test_somebody_split_off_agreed_to_the_same(self, gallery):
        record_consent(gallery, "Ada", TERMS)
        first, _ = people.show_person(gallery, "Ada").templates

        people.split_person(gallery, [first.id], "Cy")

        assert consent_of(gallery, "Cy") == consent_of(gallery, "Ada")

    def test_travels_in_an_archive(self, gallery, tmp_path):
        record_consent(gallery, "Ada", TERMS)
        export_gallery(gallery, tmp_path / "all.zip")

        with open_gallery(tmp_path / "other") as other:
            import_gallery(other, tmp_path / "all.zip")

            assert consent_of(other, "Ada") == consent_of(gallery, "Ada")
            assert consent_of(other, "Bob") is None

    @pytest.mark.parametrize("text", ["x" * 501, "a\x1b[2J"])
    def test_refuses_texts_that_are_none(self, gallery, text):
        with pytest.raises(RangeError):
            record_consent(gallery, "Ada", Terms(purpose=text))
        with pytest.raises(NotFoundError):
            record_consent(gallery, "Nobody", TERMS)


class TestExpiry:
    @pytest.fixture(autouse=True)
    def limited(self, gallery):
        record_consent(gallery, "Ada", TERMS)

    def test_somebody_is_not_named_from_that_moment_on(self, gallery, clock):
        clock(TERMS.keep_until - timedelta(seconds=1))
        assert named(gallery, 1) == "Ada"
        clock(TERMS.keep_until)
        assert named(gallery, 1) == "Bob"
        with pytest.raises(ExpiredError, match="Ada may be kept is over"):
            enrol(gallery, "Ada", 9)

    def test_is_erased_by_the_first_opening_after_the_grace_that_the_notice_began(
        self, gallery, clock
    ):
        noticed = TERMS.keep_until + 100 * DAY  # nobody opened it for long
        clock(noticed)
        assert list_overdue(gallery)[0].erased_from is None

        report = keep_to_terms(gallery)

        assert (report.n_waiting, report.n_erased) == (1, 0)
        assert list_overdue(gallery)[0].erased_from == noticed + gallery.grace == noticed + 7 * DAY
        clock(noticed + 7 * DAY - timedelta(seconds=1))
        assert keep_to_terms(gallery).n_waiting == 1
        clock(noticed + 7 * DAY)
        report = keep_to_terms(gallery)
        assert (report.n_waiting, report.n_erased, report.is_wiped) == (0, 1, True)
        assert [person.name for person in people.list_people(gallery)] == ["Bob"]
        assert access_log(gallery)[0].action == Action.EXPIRED
        assert all("Ada" not in step.sentence for step in steps.history(gallery))

    def test_a_new_consent_within_the_grace_brings_somebody_back(self, gallery, clock):
        clock(TERMS.keep_until)
        keep_to_terms(gallery)

        enrol(gallery, "Ada", 9, Terms(keep_until=TERMS.keep_until + DAY))

        assert named(gallery, 1) == "Ada"
        assert list_overdue(gallery) == []
        clock(TERMS.keep_until + 8 * DAY)
        assert keep_to_terms(gallery).n_erased == 0  # the notice begins anew

    def test_a_clock_that_was_wrong_for_a_while_erases_nobody(self, gallery, clock):
        clock(NOW + 10_000 * DAY)
        keep_to_terms(gallery)
        clock(NOW)
        assert keep_to_terms(gallery).n_waiting == 0
        assert named(gallery, 1) == "Ada"
        clock(TERMS.keep_until)  # the notice of the wrong clock lies in the future

        keep_to_terms(gallery)

        assert list_overdue(gallery)[0].erased_from == TERMS.keep_until + gallery.grace

    def test_can_be_erased_at_once(self, gallery, clock):
        assert expire(gallery).n_erased == 0
        clock(TERMS.keep_until)

        assert expire(gallery).n_erased == 1
        assert people.list_people(gallery)[0].name == "Bob"


class TestAccessLog:
    def test_says_who_did_what_and_names_nobody_who_is_gone(self, gallery, tmp_path):
        named(gallery, 1)
        named(gallery, 2)
        people.rename_person(gallery, "Ada", "Ada L.")
        export_person(gallery, "Ada L.", tmp_path / "ada.zip")
        people.remove_person(gallery, "Ada L.")

        rows = [(row.action, row.n, row.name) for row in access_log(gallery)]

        assert rows == [
            ("remove", 1, None),
            ("exported_person", 1, None),
            ("rename", 1, None),
            ("searched", 2, None),
            ("opened", 1, None),
        ]
        assert {row.program for row in access_log(gallery)} == {"test"}
        assert len({row.account for row in access_log(gallery)}) == 1

    def test_searches_cost_no_write(self, gallery):
        before = gallery.state().revision
        for _ in range(5):
            named(gallery, 1)

        assert gallery.state().revision == before
        gallery.close()
        with open_gallery(gallery.folder) as again:
            assert [(row.action, row.n) for row in access_log(again)] == [
                ("searched", 5),
                ("opened", 1),
            ]

    def test_is_bounded(self, gallery, monkeypatch):
        monkeypatch.setattr(access, "MOST_ENTRIES", 10)
        for _ in range(15):
            with gallery.writing(NOW) as session:
                gallery.log(session, Action.SEARCHED)

        rows = access_log(gallery)

        assert len(rows) == 10
        assert rows[-1].id == rows[0].id - 9
        assert len(access_log(gallery, limit=3)) == 3


def test_an_export_of_a_person_holds_all_that_is_stored_of_them(gallery, tmp_path):
    record_consent(gallery, "Ada", TERMS)
    with gallery.store.write() as session:
        add_sighting(
            session,
            person_id=1,
            source="door",
            began_at=NOW,
            ended_at=NOW,
            score=0.7,
            reason="threshold",
        )
    with gallery.store.read() as session:
        _, vectors = TemplateVectors(session).vectors()

    report = export_person(gallery, "ada", tmp_path / "ada.zip")

    assert (report.n_templates, report.n_sightings, report.n_steps) == (2, 1, 1)
    with zipfile.ZipFile(tmp_path / "ada.zip") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    assert sorted(content) == [
        "README.txt",
        "access.csv",
        "crops/1.png",
        "crops/2.png",
        "history.csv",
        "person.json",
        "sightings.csv",
        "vectors.csv",
    ]
    person = json.loads(content["person.json"])
    assert person["name"] == "Ada"
    assert person["consent"]["keep_until"] == TERMS.keep_until.isoformat()
    assert [template["source_name"] for template in person["templates"]] == ["1.jpg", "2.jpg"]
    rows = list(csv.reader(io.StringIO(content["vectors.csv"].decode())))[1:]
    np.testing.assert_array_equal(
        np.array([row[2:] for row in rows], np.float32), vectors[:2], strict=True
    )
    assert content["crops/1.png"] == CROP_PNG
    assert b"door" in content["sightings.csv"]
    assert b"Recorded the consent" in content["history.csv"]
    assert b"Bob" not in b"".join(content.values())
