"""Undo, redo, history, retention and erasure of a gallery's steps."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from types import SimpleNamespace

import pytest

from facerec.errors import DatabaseBusyError, DuplicateError, NotFoundError, RangeError, StepError
from facerec.match.rule import MatchRule
from facerec.services import people, steps
from facerec.services.enroll import EnrollOptions, enroll
from facerec.services.erase import erase
from facerec.services.gallery import open_gallery
from facerec.services.identify import identify
from facerec.services.reindex import re_embed, reindex
from facerec.services.transfer import export_gallery, import_gallery
from tests.helpers.fakes import FakeEmbedder, fake_photo, fake_pipeline
from tests.helpers.gallery_dump import all_rows, answers

RULE = MatchRule(0.9)
ANYTHING = EnrollOptions(allow_conflict=True)
PIPELINE = fake_pipeline()


@pytest.fixture
def gallery(tmp_path):
    with open_gallery(tmp_path / "gallery", min_saved=1) as gallery:
        yield gallery


def enrol(gallery, name, *photos):
    images = [fake_photo(person, shot, 112) for person, shot in photos]
    return enroll(gallery, PIPELINE, name, images, rule=RULE, options=ANYTHING)


def ids_of(gallery, name):
    return [template.id for template in people.show_person(gallery, name).templates]


def sentences(gallery):
    return [step.sentence for step in steps.history(gallery)]


@pytest.fixture
def peopled(gallery, tmp_path):
    """Ada with three Templates, Bob with one, of which one picture shows both; and an archive."""
    enrol(gallery, "Ada", (1, 0), (1, 1), (9, 9))
    enrol(gallery, "Bob", (2, 0), (9, 9))
    with open_gallery(tmp_path / "other") as other:
        enrol(other, "Cid", (3, 0))
        enrol(other, "Ada", (1, 5))
        export_gallery(other, tmp_path / "other.zip")
    archive = tmp_path / "other.zip"
    return SimpleNamespace(gallery=gallery, ada=ids_of(gallery, "Ada"), archive=archive)


CHANGES = {
    "Enrolled 'Cy' (2 templates)": lambda p: enrol(p.gallery, "Cy", (4, 0), (4, 1)),
    "Enrolled 'Ada' (1 template)": lambda p: enrol(p.gallery, "ada", (1, 2)),
    "Renamed 'Ada' to 'Ada L.'": lambda p: people.rename_person(p.gallery, "ada", "Ada L."),
    "Merged 'Ada' into 'Bob' (3 templates)": lambda p: people.merge_people(p.gallery, "Ada", "Bob"),
    "Split 'Dot' from 'Ada' (2 templates)": lambda p: people.split_person(
        p.gallery, p.ada[:2], "Dot"
    ),
    "Moved 2 templates from 'Ada' to 'Bob'": lambda p: people.move_templates(
        p.gallery, p.ada[:2], "Bob"
    ),
    "Set 2 templates of 'Ada' aside": lambda p: people.set_aside(p.gallery, p.ada[:2]),
    "Removed 'Ada' (3 templates)": lambda p: people.remove_person(p.gallery, "Ada"),
    "Removed 'Ada' and 'Bob' (5 templates)": lambda p: people.remove_people(
        p.gallery, ["Ada", "Bob"]
    ),
    "Removed 2 templates of 'Ada'": lambda p: people.remove_templates(p.gallery, p.ada[:2]),
    "Removed 1 template of 'Ada'": lambda p: people.remove_template(p.gallery, p.ada[2]),
    "Imported 2 people, 2 templates": lambda p: import_gallery(
        p.gallery, p.archive, existing="merge"
    ),
    "Embedded again with another model (5 templates)": lambda p: re_embed(
        p.gallery, FakeEmbedder(contract_id="b" * 16)
    ),
}


@pytest.mark.parametrize("sentence", CHANGES)
def test_every_change_is_one_step_and_comes_back_to_the_last_cell(peopled, sentence):
    gallery = peopled.gallery
    before, found_before = all_rows(gallery), answers(gallery)
    n_steps = len(steps.history(gallery))

    CHANGES[sentence](peopled)

    after, found_after = all_rows(gallery), answers(gallery)
    assert after != before
    assert sentences(gallery)[0] == sentence
    assert len(steps.history(gallery)) == n_steps + 1
    for _ in range(2):
        assert steps.undo(gallery).sentence == sentence
        assert all_rows(gallery) == before
        assert answers(gallery) == found_before
        assert steps.redo(gallery).sentence == sentence
        assert all_rows(gallery) == after
        assert answers(gallery) == found_after


def test_merging_several_people_is_one_step(peopled):
    gallery = peopled.gallery
    enrol(gallery, "Eve", (5, 0))
    before = all_rows(gallery)

    assert people.merge_all(gallery, ["Ada", "Bob"], "Eve").name == "Eve"

    assert [person.name for person in people.list_people(gallery)] == ["Eve"]
    assert sentences(gallery)[0] == "Merged 'Ada' and 'Bob' into 'Eve' (5 templates)"
    steps.undo(gallery)
    assert all_rows(gallery) == before


def test_taking_back_is_a_step_too(peopled):
    gallery = peopled.gallery
    people.set_aside(gallery, peopled.ada)
    before = all_rows(gallery)

    assert people.take_back(gallery, peopled.ada[:2]) == 2

    assert sentences(gallery)[0] == "Took 2 templates of 'Ada' back"
    steps.undo(gallery)
    assert all_rows(gallery) == before


def test_what_is_set_aside_is_kept_and_not_compared(peopled):
    gallery = peopled.gallery
    everything = answers(gallery)

    assert people.set_aside(gallery, peopled.ada) == 3

    assert {name for name, *_ in answers(gallery)} == {"Bob"}
    assert people.show_person(gallery, "Ada").n_set_aside == 3
    assert (reindex(gallery).n_set_aside, reindex(gallery).n_not_compared) == (3, 0)
    (found,) = identify(gallery, PIPELINE, fake_photo(1, 0, 112), rule=RULE)
    assert found.decision.person is None
    assert people.set_aside(gallery, peopled.ada) == 0
    assert people.take_back(gallery, peopled.ada) == 3
    assert answers(gallery) == everything


def test_an_index_in_another_process_sees_what_was_undone(peopled, tmp_path):
    """Removed and brought back between two looks, so that as many ids are there as before."""
    with open_gallery(tmp_path / "gallery") as looking:
        people.remove_person(peopled.gallery, "Ada")
        answers(looking)

        steps.undo(peopled.gallery)
        people.remove_person(peopled.gallery, "Bob")
        enrol(peopled.gallery, "Eve", (5, 0), (5, 1))

        assert {name for name, *_ in answers(looking)} == {"Ada", "Eve"}


def test_a_new_step_ends_what_could_be_redone(peopled):
    gallery = peopled.gallery
    people.rename_person(gallery, "Ada", "Eve")
    steps.undo(gallery)

    people.rename_person(gallery, "Bob", "Rob")

    assert sentences(gallery)[0] == "Renamed 'Bob' to 'Rob'"
    assert "Renamed 'Ada' to 'Eve'" not in sentences(gallery)
    with pytest.raises(StepError, match="nothing to redo"):
        steps.redo(gallery)


def test_what_changes_nothing_is_no_step_and_leaves_redo_alone(peopled):
    gallery = peopled.gallery
    people.rename_person(gallery, "Ada", "Eve")
    steps.undo(gallery)
    n_steps = len(steps.history(gallery))

    assert enrol(gallery, "Ada", (1, 0)).n_added == 0
    with pytest.raises(NotFoundError):
        people.remove_person(gallery, "nobody")

    assert len(steps.history(gallery)) == n_steps
    assert steps.redo(gallery).sentence == "Renamed 'Ada' to 'Eve'"


def test_history_is_newest_first_and_says_what_is_undone(peopled):
    gallery = peopled.gallery
    people.rename_person(gallery, "Bob", "Rob")
    steps.undo(gallery)

    found = steps.history(gallery)

    assert [step.is_undone for step in found] == [True, False, False]
    assert found[0].id > found[1].id > found[2].id
    assert steps.history(gallery, limit=1) == found[:1]


def test_an_older_step_is_undone_when_nothing_builds_on_it(peopled):
    gallery = peopled.gallery
    people.rename_person(gallery, "Ada", "Eve")
    renamed = steps.history(gallery)[0]
    people.rename_person(gallery, "Bob", "Rob")

    steps.undo(gallery, renamed.id)

    assert [person.name for person in people.list_people(gallery)] == ["Ada", "Rob"]
    steps.redo(gallery)
    assert [person.name for person in people.list_people(gallery)] == ["Eve", "Rob"]


def test_a_step_others_build_on_is_not_undone(peopled):
    gallery = peopled.gallery
    first = steps.history(gallery)[-1]
    before = all_rows(gallery)
    people.rename_person(gallery, "Ada", "Eve")

    with pytest.raises(StepError, match=r"step 3 builds on it: Renamed 'Ada' to 'Eve'"):
        steps.undo(gallery, first.id)

    steps.undo(gallery)
    assert all_rows(gallery) == before


def test_a_step_is_not_undone_when_its_picture_or_name_is_used_by_now(gallery):
    enrol(gallery, "Zoe", (7, 7))
    enrol(gallery, "Ada", (1, 0))
    shared = steps.history(gallery)[0]
    enrol(gallery, "Bob", (1, 0))
    people.remove_person(gallery, "Zoe")
    removed = steps.history(gallery)[0]
    enrol(gallery, "Zoe", (8, 8))
    before = all_rows(gallery)

    for step in (shared, removed):
        with pytest.raises(StepError, match="later changes build on it"):
            steps.undo(gallery, step.id)

    assert all_rows(gallery) == before


def test_nobody_is_left_under_a_model_that_was_left(gallery):
    enrol(gallery, "Ada", (1, 0))
    re_embed(gallery, FakeEmbedder(contract_id="b" * 16))
    changed = steps.history(gallery)[0]
    other = fake_pipeline()
    other = type(other)(other.detector, FakeEmbedder(contract_id="b" * 16))
    enroll(gallery, other, "Bob", [fake_photo(2, 0, 112)], rule=RULE)

    with pytest.raises(StepError, match="builds on it"):
        steps.undo(gallery, changed.id)


def test_the_first_enrolment_goes_while_later_ones_stay(gallery):
    enrol(gallery, "Ada", (1, 0))
    contract_id = gallery.state().contract_id
    enrol(gallery, "Bob", (2, 0))

    steps.undo(gallery, 1)
    assert gallery.state().contract_id == contract_id
    steps.undo(gallery)
    assert gallery.state().contract_id is None
    steps.redo(gallery)
    assert gallery.state().contract_id == contract_id


def test_says_what_cannot_be_undone_or_redone(gallery):
    with pytest.raises(StepError, match="nothing to undo"):
        steps.undo(gallery)
    with pytest.raises(NotFoundError, match="no step 7"):
        steps.undo(gallery, 7)
    enrol(gallery, "Ada", (1, 0))
    steps.undo(gallery)
    with pytest.raises(StepError, match="undone already"):
        steps.undo(gallery, 1)


def test_ids_are_never_given_again_after_an_undo(gallery):
    enrol(gallery, "Ada", (1, 0))
    (first,) = ids_of(gallery, "Ada")
    steps.undo(gallery)

    enrol(gallery, "Bob", (2, 0))

    assert ids_of(gallery, "Bob")[0] > first
    assert steps.history(gallery)[0].id == 2


class TestRegrouping:
    def test_split_and_move_refuse_what_makes_no_sense(self, peopled):
        gallery, ada = peopled.gallery, peopled.ada
        bob = ids_of(gallery, "Bob")
        before = all_rows(gallery)

        for error, change, *arguments in (
            (RangeError, people.split_person, [ada[0], bob[0]], "New"),
            (RangeError, people.split_person, ada, "New"),
            (RangeError, people.split_person, [], "New"),
            (RangeError, people.split_person, [ada[0], ada[0]], "New"),
            (DuplicateError, people.split_person, ada[:1], "bob"),
            (NotFoundError, people.split_person, [999], "New"),
            (NotFoundError, people.move_templates, ada[:1], "Nobody"),
            (RangeError, people.move_templates, ada[:1], "Ada"),
            (DuplicateError, people.move_templates, ada[2:], "Bob"),  # the picture of both
        ):
            with pytest.raises(error):
                change(gallery, *arguments)

        assert all_rows(gallery) == before
        assert len(steps.history(gallery)) == 2

    def test_moved_templates_name_their_new_owner(self, peopled):
        gallery = peopled.gallery

        done = people.move_templates(gallery, peopled.ada[:2], "Bob")

        assert (done.person.n_templates, done.owners[0].name) == (4, "Ada")
        (found,) = identify(gallery, PIPELINE, fake_photo(1, 3, 112), rule=RULE)
        assert found.decision.person.name == "Bob"


class TestRetention:
    def test_steps_and_what_they_kept_go_after_their_days(self, peopled, tmp_path, monkeypatch):
        gallery = peopled.gallery
        people.remove_person(gallery, "Ada")
        later = gallery.now() + timedelta(days=31)
        monkeypatch.setattr(type(gallery), "now", lambda self: later)
        assert rows_in_log(gallery) > 0

        for keep_days in (32, None):
            with open_gallery(tmp_path / "gallery", keep_days=keep_days) as longer:
                assert len(steps.history(longer)) == 3
        with open_gallery(tmp_path / "gallery") as opened:
            assert steps.history(opened) == []
        assert rows_in_log(gallery) == 0

    def test_a_new_step_lets_go_of_old_ones(self, gallery, monkeypatch):
        enrol(gallery, "Ada", (1, 0))
        people.rename_person(gallery, "Ada", "Eve")
        steps.undo(gallery)
        later = gallery.now() + timedelta(days=30)
        monkeypatch.setattr(type(gallery), "now", lambda self: later)

        enrol(gallery, "Bob", (2, 0))

        assert sentences(gallery) == ["Enrolled 'Bob' (1 template)"]

    def test_nothing_is_kept_for_no_days(self, tmp_path):
        with open_gallery(tmp_path, keep_days=0) as gallery:
            enrol(gallery, "Ada", (1, 0))
            people.remove_person(gallery, "Ada")

            assert steps.history(gallery) == []
            assert rows_in_log(gallery) == 0


def rows_in_log(gallery):
    with closing(sqlite3.connect(gallery.store.database_path)) as connection:
        return connection.execute("SELECT count(*) FROM step_changes").fetchone()[0]


NAME, FORMER_NAME, MERGED_NAME = "Wilhelmina Qvist", "Minna Qvist", "W. Qvist-Berg"


class TestErase:
    @pytest.fixture
    def secrets(self, gallery, tmp_path):
        """A life in the gallery: all that must not be found any more, and what others have."""
        enrol(gallery, "Ada", (1, 0), (9, 9))
        enrol(gallery, FORMER_NAME, (2, 0), (2, 1), (2, 2), (9, 9))
        enrol(gallery, MERGED_NAME, (3, 0), (2, 0))
        people.rename_person(gallery, FORMER_NAME, NAME)
        secrets = bytes_of(gallery, [NAME, MERGED_NAME])
        people.set_aside(gallery, ids_of(gallery, NAME)[:1])
        people.remove_template(gallery, ids_of(gallery, NAME)[1])
        people.merge_people(gallery, MERGED_NAME, NAME)
        re_embed(gallery, FakeEmbedder(contract_id="b" * 16))
        secrets |= bytes_of(gallery, [NAME])
        reindex(gallery)
        names = (NAME, FORMER_NAME, MERGED_NAME)
        return secrets | {name.encode() for name in names}

    def test_no_file_holds_anything_of_the_person(self, gallery, tmp_path, secrets):
        folder = tmp_path / "gallery"
        others = all_of(gallery, "Ada")
        shared = shared_image(gallery)
        assert len(found_in(folder, secrets)) == len(secrets) > 10
        assert (folder / "vectors.index").exists()
        (folder / "vectors.index.0badf00d.tmp").write_bytes(b"".join(secrets))

        report = erase(gallery, NAME.upper())

        assert report.is_wiped
        assert report.rows.name == NAME
        assert found_in(folder, secrets) == {}
        assert all_of(gallery, "Ada") == others
        assert shared_image(gallery) == shared
        assert {name for name, *_ in answers(gallery)} == {"Ada"}
        gallery.store.check()
        gallery.close()
        assert found_in(folder, secrets) == {}

    def test_says_what_was_erased(self, gallery, secrets):
        rows = erase(gallery, NAME).rows

        # Four of the first picture series and two of the merged person, one of them a double.
        assert (rows.n_templates, rows.n_images) == (6, 4)
        assert sentences(gallery) == [
            "Embedded again with another model (6 templates)",
            "Enrolled 'Ada' (2 templates)",
        ]

    def test_what_is_left_can_still_be_undone_and_redone(self, gallery, secrets):
        erase(gallery, NAME)
        before = all_rows(gallery)

        steps.undo(gallery)
        assert {name for name, *_ in answers(gallery)} == {"Ada"}
        steps.undo(gallery)
        assert all_rows(gallery)["people"] == []
        assert all_rows(gallery)["images"] == []
        steps.redo(gallery)
        steps.redo(gallery)
        assert all_rows(gallery) == before

    def test_somebody_removed_is_erased_from_what_is_kept(self, gallery, tmp_path, secrets):
        people.remove_person(gallery, NAME)
        assert found_in(tmp_path / "gallery", secrets)

        rows = erase(gallery, NAME).rows

        assert rows.n_templates == 6
        assert found_in(tmp_path / "gallery", secrets) == {}
        with pytest.raises(NotFoundError):
            erase(gallery, NAME)

    def test_an_undone_import_keeps_nothing_either(self, peopled, tmp_path):
        gallery = peopled.gallery
        import_gallery(gallery, peopled.archive, existing="merge")
        secrets = bytes_of(gallery, ["Cid"]) | {b"Cid"}
        steps.undo(gallery)
        assert len(found_in(tmp_path / "gallery", secrets)) == len(secrets)

        erase(gallery, "Cid")

        assert found_in(tmp_path / "gallery", secrets) == {}
        steps.redo(gallery)
        assert [person.name for person in people.list_people(gallery)] == ["Ada", "Bob"]
        assert people.show_person(gallery, "Ada").person.n_templates == 4

    def test_templates_given_away_stay(self, peopled):
        gallery = peopled.gallery
        people.split_person(gallery, peopled.ada[:1], "Dot")
        people.move_templates(gallery, peopled.ada[1:2], "Bob")

        erase(gallery, "Ada")

        assert ids_of(gallery, "Dot") == peopled.ada[:1]
        assert peopled.ada[1] in ids_of(gallery, "Bob")

    def test_says_when_another_program_kept_the_files(self, peopled, monkeypatch):
        def busy(self):
            raise DatabaseBusyError("Another program is writing.")

        monkeypatch.setattr(type(peopled.gallery.store), "wipe", busy)

        assert not erase(peopled.gallery, "Ada").is_wiped


def bytes_of(gallery, names):
    """Vectors, Crops and digests of people's pictures, but not of pictures that others share."""
    with closing(sqlite3.connect(gallery.store.database_path)) as connection:
        rows = connection.execute(
            "SELECT name, vector, png, sha256 FROM templates JOIN images ON images.id = image_id "
            "JOIN crops ON template_id = templates.id JOIN people ON people.id = person_id"
        ).fetchall()
    shared = {sha256 for name, *_, sha256 in rows if name in ("Ada", "Bob")}
    found = set()
    for name, vector, png, sha256 in rows:
        if name in names and sha256 not in shared:
            found |= {vector, png, sha256.encode()}
    return found


def found_in(folder, secrets):
    """Which secrets are in which files, if only a piece of them."""
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    return {
        secret: names
        for secret in secrets
        if (
            names := [
                name
                for name, content in contents.items()
                if any(piece in content for piece in pieces(secret))
            ]
        )
    }


def pieces(secret):
    """A Crop lies on several pages of the database; its first bytes are those of every PNG."""
    if len(secret) <= 200:
        return [secret]
    return [secret[start : start + 48] for start in range(64, len(secret) - 48, 499)]


def all_of(gallery, name):
    (person,) = (row for row in all_rows(gallery)["people"] if row[1] == name)
    owned = [row for row in all_rows(gallery)["templates"] if row[1] == person[0]]
    crops = [row for row in all_rows(gallery)["crops"] if row[0] in {t[0] for t in owned}]
    return person, owned, crops


def shared_image(gallery):
    used = {row[2] for row in all_of(gallery, "Ada")[1]}
    return [row for row in all_rows(gallery)["images"] if row[0] in used]
