"""People who are never named, and faces that were said not to be somebody."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from facerec.api import Gallery, Recognizer
from facerec.errors import EmbeddingMismatchError, NotFoundError, RangeError
from facerec.gallery.exclusions import list_exclusions
from facerec.match.rule import MatchRule
from facerec.services import exclusions, people
from facerec.services.enroll import EnrollOptions, enroll
from facerec.services.erase import erase
from facerec.services.gallery import open_gallery
from facerec.services.identify import identify
from facerec.services.steps import undo
from facerec.types import Embedding, Reason, Verdict
from tests.helpers.fakes import fake_photo, fake_pipeline
from tests.helpers.gallery import random_unit
from tests.helpers.gallery_dump import all_rows

RULE = MatchRule(0.6)
PIPELINE = fake_pipeline()


@pytest.fixture
def gallery(tmp_path):
    with open_gallery(tmp_path / "gallery") as gallery:
        for number, name in enumerate(["Ada", "Bob", "Cid"]):
            images = [fake_photo(number, shot, 112) for shot in (0, 1)]
            enroll(gallery, PIPELINE, name, images, rule=RULE,
                   options=EnrollOptions(allow_conflict=True))  # fmt: skip
        yield gallery


def decision_on(gallery, person, shot=7):
    (found,) = identify(gallery, PIPELINE, fake_photo(person, shot, 112), rule=RULE)
    return found.decision


def ids_of(gallery, name):
    return [template.id for template in people.show_person(gallery, name).templates]


def facts(gallery):
    with gallery.store.read() as session:
        return list_exclusions(session)


def face_of(person, shot=7):
    return PIPELINE.analyze(fake_photo(person, shot, 112))[0].embedding


def test_who_is_ignored_is_told_apart_but_not_named(gallery):
    assert decision_on(gallery, 0).person.name == "Ada"

    exclusions.ignore_person(gallery, "ada")

    answer = decision_on(gallery, 0)
    assert (answer.verdict, answer.reason) == (Verdict.UNKNOWN, Reason.IGNORED)
    assert answer.candidates[0].name == "Ada"
    assert decision_on(gallery, 1).person.name == "Bob"
    exclusions.heed_person(gallery, "Ada")
    assert decision_on(gallery, 0).person.name == "Ada"


def test_a_face_said_not_to_be_somebody_is_not_named_so(gallery):
    exclusions.exclude_faces(gallery, "Ada", [face_of(0)])

    answer = decision_on(gallery, 0)

    assert answer.verdict is Verdict.UNKNOWN
    assert "Ada" not in [candidate.name for candidate in answer.candidates]
    # What is nearer to Ada's own Templates than to that face is still Ada.
    with gallery.store.read() as session:
        own = gallery.candidates(
            session, face_of(0, shot=0).vector[None], PIPELINE.embedder.contract_id
        )
    assert own[0][0].name == "Ada"


def test_each_is_one_step_that_can_be_undone(gallery):
    before = all_rows(gallery)
    ada = ids_of(gallery, "Ada")

    exclusions.exclude_templates(gallery, "Bob", ada)
    assert [fact.template_id for fact in facts(gallery)] == ada
    undo(gallery)
    exclusions.exclude_faces(gallery, "Bob", [face_of(5)])
    undo(gallery)
    exclusions.ignore_person(gallery, "Bob")
    undo(gallery)

    assert facts(gallery) == []
    assert all_rows(gallery) == before
    assert decision_on(gallery, 1).person.name == "Bob"


def test_the_same_fact_is_noted_once_and_forgotten_by_name(gallery):
    ada = ids_of(gallery, "Ada")
    assert exclusions.exclude_templates(gallery, "Bob", ada) == 2
    assert exclusions.exclude_templates(gallery, "Bob", ada) == 0

    assert exclusions.forget_exclusions(gallery, "Bob") == 2

    assert facts(gallery) == []


def test_what_cannot_be_is_refused(gallery):
    with pytest.raises(RangeError, match="own"):
        exclusions.exclude_templates(gallery, "Ada", ids_of(gallery, "Ada"))
    with pytest.raises(NotFoundError):
        exclusions.ignore_person(gallery, "Eve")
    with pytest.raises(EmbeddingMismatchError):
        exclusions.exclude_faces(gallery, "Ada", [Embedding(random_unit(1, 32), "b" * 16)])


def test_removing_takes_facts_along_and_undo_brings_them_back(gallery):
    (first, second) = ids_of(gallery, "Ada")
    exclusions.exclude_templates(gallery, "Bob", [first, second])
    exclusions.exclude_faces(gallery, "Bob", [face_of(9)])
    before = facts(gallery)

    people.remove_template(gallery, first)
    assert [fact.template_id for fact in facts(gallery)] == [second, None]
    people.remove_person(gallery, "Bob")
    assert facts(gallery) == []
    undo(gallery)
    undo(gallery)

    assert facts(gallery) == before


def test_a_merge_hands_facts_over_and_drops_those_it_overrules(gallery):
    exclusions.exclude_templates(gallery, "Bob", [*ids_of(gallery, "Ada"), *ids_of(gallery, "Cid")])

    people.merge_people(gallery, "Bob", "Ada")

    assert [fact.template_id for fact in facts(gallery)] == ids_of(gallery, "Cid")
    people.move_templates(gallery, ids_of(gallery, "Cid")[:1], "Ada")
    assert len(facts(gallery)) == 1


@pytest.mark.parametrize("name", ["Ada", "Bob"])
def test_erasing_either_side_leaves_no_fact_behind(gallery, name):
    exclusions.exclude_templates(gallery, "Bob", ids_of(gallery, "Ada"))
    exclusions.exclude_faces(gallery, "Bob", [face_of(0)])
    exclusions.forget_exclusions(gallery, "Bob")
    undo(gallery)

    erase(gallery, name)

    assert [fact.template_id for fact in facts(gallery)] == ([None] if name == "Ada" else [])
    with closing(sqlite3.connect(gallery.store.database_path)) as connection:
        kept = connection.execute(
            "SELECT DISTINCT row_id FROM step_changes WHERE table_name = 'exclusions'"
        ).fetchall()
    # What is kept is of the face that is nobody's who was erased.
    assert kept == [(fact.id,) for fact in facts(gallery)]


def test_the_library_says_it_shorter(gallery):
    people_of = Gallery(gallery, Recognizer.from_pipeline(PIPELINE, RULE))

    assert people_of.ignore("Ada").ignored_at is not None
    assert people_of.ignore("Ada", back=True).ignored_at is None
    assert people_of.not_this_person("Bob", ids_of(gallery, "Ada")) == 2
    assert people_of.health().n_people == 3
