"""A change of model: prepared beside what serves, accepted and taken back as a whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import numpy as np
import pytest

from facerec.errors import Cancelled, EmbeddingMismatchError, GalleryError, NotFoundError, StepError
from facerec.gallery.crops import png_from_crop
from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.services import change_model, people, steps
from facerec.services.change_model import accept, begin, change_status, forget, prepare
from facerec.services.embed_stored import Originals
from facerec.services.enroll import EnrollOptions, enroll
from facerec.services.erase import erase
from facerec.services.gallery import open_gallery
from facerec.services.identify import identify
from facerec.services.reindex import re_embed
from tests.helpers.fakes import FakeDetector, FakeEmbedder, fake_photo
from tests.helpers.gallery_dump import all_rows, answers
from tests.helpers.stop_at import StopAt

OLD, NEW, THIRD = "a" * 16, "b" * 16, "c" * 16
RULE = MatchRule(0.9)
ANYTHING = EnrollOptions(allow_conflict=True)
SETTINGS = {
    OLD: {"embed.model": "old"},
    NEW: {"embed.model": "new"},
}


def embedder(contract_id):
    return FakeEmbedder(contract_id=contract_id, dimension=32 if contract_id == OLD else 24)


def pipeline(contract_id):
    return Pipeline(FakeDetector(), embedder(contract_id))


def enrol(gallery, name, *photos, contract_id=OLD):
    images = [fake_photo(person, shot, 112) for person, shot in photos]
    enroll(gallery, pipeline(contract_id), name, images, rule=RULE, options=ANYTHING)


@pytest.fixture
def gallery(tmp_path):
    """Ada with two Templates, Bob and Cy with one each."""
    with open_gallery(tmp_path / "gallery", min_saved=1) as gallery:
        enrol(gallery, "Ada", (1, 0), (1, 1))
        enrol(gallery, "Bob", (2, 0))
        enrol(gallery, "Cy", (3, 0))
        yield gallery


def prepared(gallery):
    begin(gallery, "old", "new", NEW)
    prepare(gallery, embedder(NEW))
    return gallery


def change_to(gallery, contract_id, **options):
    return accept(gallery, embedder(contract_id), SETTINGS[contract_id], **options)


def names_found(gallery, contract_id, *photos):
    found = []
    for person, shot in photos:
        image = fake_photo(person, shot, 112)
        (face,) = identify(gallery, pipeline(contract_id), image, rule=RULE)
        found.append(face.decision.person.name if face.decision.person else None)
    return found


def fresh_rows(gallery, tmp_path, contract_id):
    """What a gallery enrolled under that contract from the beginning holds of each name."""
    with open_gallery(tmp_path / f"fresh-{contract_id}") as fresh:
        enrol(fresh, "Ada", (1, 0), (1, 1), contract_id=contract_id)
        enrol(fresh, "Bob", (2, 0), contract_id=contract_id)
        enrol(fresh, "Cy", (3, 0), contract_id=contract_id)
        return answers(fresh)


def test_preparing_changes_nothing_that_serves(gallery):
    before = all_rows(gallery), answers(gallery), gallery.state().vectors_token

    status = change_status(prepared(gallery))

    assert (all_rows(gallery), answers(gallery), gallery.state().vectors_token) == before
    assert status.is_ready
    assert not status.change.is_accepted
    assert (status.progress.n_ready, status.progress.n_waiting) == (4, 0)
    assert names_found(gallery, OLD, (1, 5), (2, 5)) == ["Ada", "Bob"]
    with pytest.raises(EmbeddingMismatchError):
        names_found(gallery, NEW, (1, 5))


def test_accepting_gives_the_gallery_that_enrolling_anew_would(gallery, tmp_path):
    before = all_rows(gallery), answers(gallery)

    served = change_to(prepared(gallery), NEW)

    assert (served.model, served.n_templates, served.left_out) == ("new", 4, ())
    assert answers(gallery) == fresh_rows(gallery, tmp_path, NEW)
    assert change_status(gallery).change.is_accepted
    assert steps.history(gallery)[0].sentence == "Changed to the model new (4 templates)"
    change_to(gallery, OLD)
    assert (all_rows(gallery), answers(gallery)) == before
    assert not change_status(gallery).change.is_accepted


def test_going_on_embeds_only_what_is_left(gallery, monkeypatch):
    monkeypatch.setattr(change_model, "BATCH", 2)
    begin(gallery, "old", "new", NEW)
    first = embedder(NEW)
    with pytest.raises(Cancelled):
        prepare(gallery, first, task=StopAt(2))
    assert change_status(gallery).progress.n_waiting == 2
    assert change_status(gallery).change.prepared_at is None

    second = embedder(NEW)
    begin(gallery, "old", "new", NEW)
    prepare(gallery, second)

    assert (first.n_crops, second.n_crops) == (2, 2)
    assert change_status(gallery).change.prepared_at is not None


def test_who_is_enrolled_at_the_last_moment_comes_along_and_back(gallery, monkeypatch):
    """Between the last batch and the transaction that changes over."""
    prepared(gallery)
    enrol(gallery, "Dot", (4, 0))
    before = all_rows(gallery)
    monkeypatch.setattr(change_model, "prepare", lambda *_, **__: None)

    change_to(gallery, NEW)

    assert names_found(gallery, NEW, (1, 7), (4, 7)) == ["Ada", "Dot"]
    steps.undo(gallery)
    assert all_rows(gallery) == before


def test_people_enrolled_meanwhile_come_along_both_ways(gallery):
    prepared(gallery)
    enrol(gallery, "Dot", (4, 0))
    assert change_status(gallery).progress.n_waiting == 1

    change_to(gallery, NEW)
    enrol(gallery, "Eve", (5, 0), contract_id=NEW)
    everybody = [(1, 7), (2, 7), (4, 7), (5, 7)]

    assert names_found(gallery, NEW, *everybody) == ["Ada", "Bob", "Dot", "Eve"]
    change_to(gallery, OLD)
    assert names_found(gallery, OLD, *everybody) == ["Ada", "Bob", "Dot", "Eve"]


def test_removed_people_vanish_from_both_and_come_back_to_the_one_that_serves(gallery):
    prepared(gallery)
    people.remove_person(gallery, "Bob")
    assert n_spare(gallery) == 3

    change_to(gallery, NEW)
    removal = next(step for step in steps.history(gallery) if "Removed" in step.sentence)
    steps.undo(gallery, removal.id)

    assert names_found(gallery, NEW, (1, 7), (2, 7)) == ["Ada", "Bob"]
    change_to(gallery, OLD)
    assert names_found(gallery, OLD, (1, 7), (2, 7)) == ["Ada", "Bob"]


def n_spare(gallery):
    with closing(sqlite3.connect(gallery.store.database_path)) as connection:
        return connection.execute("SELECT count(*) FROM spare_vectors").fetchone()[0]


def test_undo_and_redo_across_a_change(gallery):
    old = all_rows(gallery)
    change_to(prepared(gallery), NEW)
    new = all_rows(gallery)

    for _ in range(2):
        steps.undo(gallery)
        assert all_rows(gallery) == old
        assert not change_status(gallery).change.is_accepted
        steps.redo(gallery)
        assert all_rows(gallery) == new
    enrol(gallery, "Eve", (5, 0), contract_id=NEW)
    change = next(step for step in steps.history(gallery) if step.kind == "change_model")
    with pytest.raises(StepError):
        steps.undo(gallery, change.id)


def test_what_was_removed_and_redone_after_forgetting_is_gone(gallery):
    """The spare vector that came back with Bob went again with the change."""
    change_to(prepared(gallery), NEW)
    people.remove_person(gallery, "Bob")
    steps.undo(gallery)
    forget(gallery)

    steps.redo(gallery)

    assert [person.name for person in people.list_people(gallery)] == ["Ada", "Cy"]


@pytest.mark.parametrize("accepted", [False, True])
def test_erasing_reaches_prepared_and_kept_vectors(gallery, accepted):
    prepared(gallery)
    if accepted:
        change_to(gallery, NEW)
    crops = np.stack([fake_photo(2, 0, 112)])
    secrets = [embedder(one).embed_vectors(crops)[0].tobytes() for one in (OLD, NEW)]
    assert all(found_in(gallery, secret) for secret in secrets)
    people.remove_person(gallery, "Bob")

    erase(gallery, "Bob")

    assert not any(found_in(gallery, secret) for secret in secrets)
    assert n_spare(gallery) == 3


def found_in(gallery, secret):
    return any(secret in path.read_bytes() for path in gallery.folder.iterdir())


def test_forgetting_leaves_nothing_of_the_other_model(gallery):
    prepared(gallery)
    crops = np.stack([fake_photo(2, 0, 112)])
    secret = embedder(NEW).embed_vectors(crops)[0].tobytes()
    before = all_rows(gallery)

    forget(gallery)

    assert not found_in(gallery, secret)
    assert all_rows(gallery) == before
    assert change_status(gallery) is None
    with pytest.raises(NotFoundError):
        forget(gallery)
    with pytest.raises(EmbeddingMismatchError):
        prepare(gallery, embedder(NEW))


def test_old_vectors_go_with_the_days_that_steps_are_kept(gallery, monkeypatch):
    change_to(prepared(gallery), NEW)
    now = gallery.now()
    monkeypatch.setattr(type(gallery), "now", lambda self: now + timedelta(days=29))
    gallery.forget_old_steps()
    assert n_spare(gallery) == 4
    assert change_status(gallery).keeps_until == change_status(
        gallery
    ).change.accepted_at + timedelta(days=30)

    monkeypatch.setattr(type(gallery), "now", lambda self: now + timedelta(days=31))
    gallery.forget_old_steps()

    assert n_spare(gallery) == 0
    assert change_status(gallery) is None
    assert names_found(gallery, NEW, (1, 7)) == ["Ada"]


def test_a_third_model_takes_the_place_of_the_second(gallery):
    prepared(gallery)
    assert change_status(gallery).change.new_model == "new"

    begin(gallery, "old", "third", THIRD)

    assert n_spare(gallery) == 0
    assert change_status(gallery).change.new_model == "third"
    with pytest.raises(EmbeddingMismatchError):
        prepare(gallery, embedder(NEW))


def test_embedding_at_once_with_a_third_model_ends_the_change(gallery):
    change_to(prepared(gallery), NEW)

    re_embed(gallery, embedder(THIRD))

    assert change_status(gallery) is None
    assert n_spare(gallery) == 0
    steps.undo(gallery)
    assert names_found(gallery, NEW, (1, 7), (3, 7)) == ["Ada", "Cy"]


@pytest.fixture
def damaged(gallery):
    """The Crop of Cy's Template is damaged."""
    with gallery.store.write() as session:
        session.connection().exec_driver_sql("UPDATE crops SET png = x'00' WHERE template_id = 4")
    return gallery


def test_what_cannot_be_embedded_is_listed_and_refused(damaged):
    before = all_rows(damaged)

    (failure,) = change_status(prepared(damaged)).failures

    assert (failure.template_id, failure.person) == (4, "Cy")
    assert failure.reason == "A stored crop is damaged."
    with pytest.raises(GalleryError, match="template 4 of Cy"):
        change_to(damaged, NEW)
    assert all_rows(damaged) == before
    served = change_to(damaged, NEW, leave_out=True)
    assert [one.template_id for one in served.left_out] == [4]
    assert names_found(damaged, NEW, (1, 7), (3, 7)) == ["Ada", None]
    change_to(damaged, OLD)
    assert all_rows(damaged) == before


def test_originals_stand_in_for_damaged_crops(damaged, tmp_path):
    from PIL import Image as PilImage

    folder = tmp_path / "pictures"
    folder.mkdir()
    PilImage.fromarray(fake_photo(4, 0, 112)).save(folder / "dot.png")
    options = EnrollOptions(allow_conflict=True)
    enroll(damaged, pipeline(OLD), "Dot", [folder / "dot.png"], rule=RULE, options=options)
    with damaged.store.write() as session:
        session.connection().exec_driver_sql("UPDATE crops SET png = x'00' WHERE template_id = 5")
    begin(damaged, "old", "new", NEW)
    prepare(damaged, embedder(NEW))
    assert [one.person for one in change_status(damaged).failures] == ["Cy", "Dot"]

    prepare(damaged, embedder(NEW), originals=Originals(folder, FakeDetector()))

    assert [one.person for one in change_status(damaged).failures] == ["Cy"]
    change_to(damaged, NEW, leave_out=True)
    assert names_found(damaged, NEW, (4, 7)) == ["Dot"]


def test_one_crop_without_a_direction_does_not_spoil_the_batch(gallery):
    class NoDirection(FakeEmbedder):
        """Has no vector for the second Template's Crop."""

        def embed(self, crops):
            from facerec.errors import WeightsIncompatibleError

            if (crops == fake_photo(2, 0, 112)).all(axis=(1, 2, 3)).any():
                raise WeightsIncompatibleError("The network gave a vector that is zero.")
            return super().embed(crops)

    begin(gallery, "old", "new", NEW)

    prepare(gallery, NoDirection(contract_id=NEW))

    status = change_status(gallery)
    assert (status.progress.n_ready, status.progress.n_failed) == (3, 1)
    assert [one.person for one in status.failures] == ["Bob"]


def test_a_crop_of_another_size_is_a_failure_with_its_sizes(gallery):
    with gallery.store.write() as session:
        small = png_from_crop(np.zeros((8, 8, 3), np.uint8))
        session.connection().exec_driver_sql(
            "UPDATE crops SET png = ? WHERE template_id = 4", (small,)
        )

    (failure,) = change_status(prepared(gallery)).failures

    assert failure.reason == "The stored crop has 8 pixels a side; the model takes 112."
