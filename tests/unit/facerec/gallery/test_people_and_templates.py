"""What is stored comes back; what is removed is gone from every table."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, text, update
from sqlalchemy.exc import IntegrityError

from facerec.errors import (
    DatabaseCorruptError,
    DuplicateError,
    FacerecError,
    NotFoundError,
    RangeError,
    ShapeError,
)
from facerec.gallery import people, templates
from facerec.gallery.crops import MAX_CROP_SIDE_PX, crop_from_png, png_from_crop
from facerec.gallery.people import clean_name, name_key
from facerec.gallery.session import GalleryStore, set_contract
from facerec.gallery.tables import TemplateRow
from facerec.gallery.templates import TemplateVectors
from tests.helpers.gallery import AT, CONTRACT, add_person, new_template, random_unit, source


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    with GalleryStore.open(tmp_path_factory.mktemp("gallery")) as store:
        yield store


class UndoneError(Exception):
    pass


@pytest.fixture
def session(shared_store):
    """A writing session that is rolled back: each test begins with an empty gallery."""
    manager = shared_store.write()
    writing = manager.__enter__()
    yield writing
    assert not manager.__exit__(UndoneError, UndoneError(), None)


def n_rows(session):
    return {
        table: session.execute(text(f"SELECT count(*) FROM {table}")).scalar()  # noqa: S608
        for table in ("people", "images", "templates", "crops")
    }


class TestNames:
    @pytest.mark.parametrize(
        ("given_name", "expected"),
        [
            ("Ada", "Ada"),
            ("  Ada \u3000 Lovelace ", "Ada Lovelace"),
            ("Jose\u0301", "Jos\u00e9"),
            ("\u0646\u06cc\u200c\u0645\u0627", "\u0646\u06cc\u200c\u0645\u0627"),
        ],
    )
    def test_are_cleaned(self, given_name, expected):
        assert clean_name(given_name) == expected

    @pytest.mark.parametrize(
        "name",
        ["", "   ", "a\nb", "a\tb", "\x00", "\u202eevil", "\u200b", "\u200d", "x" * 201, "\ud800"],
    )
    def test_are_refused_when_they_are_none(self, name):
        with pytest.raises(RangeError):
            clean_name(name)

    @given(st.text(max_size=30))
    def test_cleaning_twice_changes_nothing(self, name):
        try:
            once = clean_name(name)
        except FacerecError:
            return
        assert clean_name(once) == once
        assert unicodedata.is_normalized("NFC", once)
        assert name_key(name_key(name)) == name_key(name)

    def test_cannot_be_shared_whatever_their_case(self, session):
        people.add_person(session, "Stra\u00dfe", at=AT)

        with pytest.raises(DuplicateError, match="enrolled already"):
            people.add_person(session, "STRASSE", at=AT)
        assert people.require_person(session, "strasse").name == "Stra\u00dfe"


class TestPeople:
    def test_are_listed_by_name_with_their_templates_counted(self, session):
        add_person(session, "bob", 1, 2)
        people.add_person(session, "Ann", at=AT)

        found = [(person.name, person.n_templates) for person in people.list_people(session)]
        assert found == [("Ann", 0), ("bob", 2)]

    def test_unknown_ones_are_named_with_those_that_come_near(self, session):
        add_person(session, "Margarethe")

        with pytest.raises(NotFoundError, match="'margarete'") as caught:
            people.require_person(session, "margarete")
        assert caught.value.remedy == "Did you mean Margarethe?"
        with pytest.raises(NotFoundError) as caught:
            people.require_person(session, "Xyz")
        assert "gallery list" in caught.value.remedy

    def test_can_be_renamed_also_only_in_case(self, session):
        number = add_person(session, "ann")

        assert people.rename_person(session, "ANN", "Ann", at=AT).id == number
        assert people.rename_person(session, "ann", "Anna", at=AT).name == "Anna"

    def test_cannot_take_a_name_that_is_taken(self, session):
        add_person(session, "Ann")
        add_person(session, "Bob")

        with pytest.raises(DuplicateError):
            people.rename_person(session, "Ann", "bob", at=AT)

    def test_merging_moves_templates_and_drops_the_same_face_twice(self, session):
        add_person(session, "Ann", 1, 2)
        taker = add_person(session, "Bob", 2, 3)

        merged = people.merge_people(session, "ann", "bob", at=AT)

        assert (merged.id, merged.name, merged.n_templates) == (taker, "Bob", 3)
        names = [t.source.source_name for t in templates.list_templates(session, taker)]
        assert sorted(names) == ["1.jpg", "2.jpg", "3.jpg"]
        assert n_rows(session) == {"people": 1, "images": 3, "templates": 3, "crops": 3}

    def test_cannot_be_merged_with_themselves(self, session):
        add_person(session, "Ann")

        with pytest.raises(RangeError):
            people.merge_people(session, "Ann", "ANN", at=AT)

    def test_removing_leaves_nothing_but_what_others_share(self, session):
        add_person(session, "Ann", 1, 2)
        add_person(session, "Bob", 2)

        assert people.remove_person(session, "ANN").n_templates == 2

        assert n_rows(session) == {"people": 1, "images": 1, "templates": 1, "crops": 1}

    def test_ids_are_never_given_twice(self, session):
        first = add_person(session, "Ann")
        template = templates.list_templates(session)[-1]
        people.remove_person(session, "Ann")

        assert add_person(session, "Ann") > first
        assert templates.list_templates(session)[-1].id > template.id


class TestTemplates:
    def test_come_back_as_they_went_in(self, session):
        person_id = add_person(session, "Ann", 5)
        (template,) = templates.list_templates(session, person_id)

        assert template.source == source(5)
        assert template.box_ltrb == (1.0, 2.0, 30.0, 40.0)
        assert (template.quality, template.contract_id, template.dimension) == (0.9, CONTRACT, 16)
        assert template.created_at == AT
        embedding = templates.embedding_of(session, template.id)
        np.testing.assert_array_equal(embedding.vector, random_unit(5))
        assert templates.crop_png(session, template.id) == new_template(random_unit(5)).crop_png

    def test_vectors_are_stored_as_little_endian_float32(self, session):
        add_person(session, "Ann", 5)

        blob = session.execute(text("SELECT vector FROM templates")).scalar()
        assert blob == random_unit(5).astype("<f4").tobytes()

    def test_share_their_image(self, session):
        add_person(session, "Ann", 1)
        add_person(session, "Bob", 1)

        assert n_rows(session)["images"] == 1

    def test_are_found_by_their_image(self, session):
        person_id = add_person(session, "Ann", 1)
        (template,) = templates.list_templates(session)

        found = templates.template_of_image
        assert found(session, person_id, source(1).sha256, CONTRACT) == template.id
        assert found(session, person_id, source(1).sha256, "other") is None
        assert found(session, person_id, source(2).sha256, CONTRACT) is None

    def test_can_be_removed_one_by_one(self, session):
        add_person(session, "Ann", 1, 2)
        first, second = templates.list_templates(session)

        templates.remove_template(session, first.id, at=AT)

        assert [t.id for t in templates.list_templates(session)] == [second.id]
        assert n_rows(session) == {"people": 1, "images": 1, "templates": 1, "crops": 1}
        with pytest.raises(NotFoundError):
            templates.remove_template(session, first.id, at=AT)

    def test_owners_of_many_are_found_in_several_statements(self, session, monkeypatch):
        monkeypatch.setattr(templates, "_IDS_PER_STATEMENT", 3)
        ann = add_person(session, "Ann", *range(8))
        ids = [t.id for t in templates.list_templates(session)]

        owners = templates.owners_of(session, [*ids, 10**9])

        assert set(owners) == set(ids)
        assert {owner.person_id for owner in owners.values()} == {ann}

    def test_a_persons_vectors_are_those_of_one_contract(self, session):
        person_id = add_person(session, "Ann", 1, 2)

        vectors = templates.vectors_of_person(session, person_id, CONTRACT)
        np.testing.assert_array_equal(vectors, [random_unit(1), random_unit(2)])
        assert templates.vectors_of_person(session, person_id, "other").shape == (0, 0)

    def test_the_contract_is_forgotten_with_the_last_one(self, session):
        add_person(session, "Ann")
        templates.forget_contract_when_empty(session)
        assert TemplateVectors(session).contract_id == CONTRACT

        people.remove_person(session, "Ann")
        templates.forget_contract_when_empty(session)
        assert TemplateVectors(session).contract_id == ""

    def test_an_unknown_one_has_no_embedding(self, session):
        with pytest.raises(NotFoundError):
            templates.embedding_of(session, 77)

    def test_the_database_itself_refuses_a_vector_of_another_length(self, session):
        add_person(session, "Ann")

        with pytest.raises(IntegrityError, match="vector_length"):
            session.execute(update(TemplateRow).values(dimension=15))

    def test_the_database_itself_refuses_a_template_of_nobody(self, session):
        add_person(session, "Ann")

        with pytest.raises(IntegrityError, match="FOREIGN KEY"):
            session.execute(update(TemplateRow).values(person_id=99))


class TestAllVectors:
    def test_are_those_of_the_gallerys_contract_by_id(self, session):
        add_person(session, "Bob", 7, contract_id="other")
        add_person(session, "Ann", 3, 1, 2)
        source_of_vectors = TemplateVectors(session)
        all_ids = [t.id for t in templates.list_templates(session)]

        ids, vectors = source_of_vectors.vectors()

        assert ids.tolist() == source_of_vectors.ids().tolist() == all_ids[1:]
        np.testing.assert_array_equal(vectors, [random_unit(3), random_unit(1), random_unit(2)])
        assert source_of_vectors.dimension() == 16
        assert source_of_vectors.count() == 3
        assert source_of_vectors.count(up_to_id=all_ids[1]) == 1
        assert source_of_vectors.vectors(after_id=all_ids[2])[0].tolist() == all_ids[3:]

    def test_are_none_in_an_empty_gallery(self, session):
        set_contract(session, None)
        ids, vectors = TemplateVectors(session).vectors()

        assert ids.shape == (0,)
        assert vectors.shape == (0, 0)

    @pytest.mark.parametrize(
        "blob",
        [
            pytest.param(np.full(16, np.nan, "<f4").tobytes(), id="not a number"),
            pytest.param(np.full(16, 0.9, "<f4").tobytes(), id="too long"),
            pytest.param(np.zeros(16, "<f4").tobytes(), id="zero"),
        ],
    )
    def test_are_refused_when_damaged(self, session, blob):
        add_person(session, "Ann", 1, 2)
        (first, _) = templates.list_templates(session)
        session.execute(update(TemplateRow).where(TemplateRow.id == first.id).values(vector=blob))

        with pytest.raises(DatabaseCorruptError, match="damaged"):
            TemplateVectors(session).vectors()
        with pytest.raises(DatabaseCorruptError, match="damaged"):
            templates.embedding_of(session, first.id)

    def test_are_refused_when_they_have_several_lengths(self, session):
        add_person(session, "Ann", 1, 2)
        (first, _) = templates.list_templates(session)
        session.execute(
            update(TemplateRow)
            .where(TemplateRow.id == first.id)
            .values(vector=random_unit(1, 8).tobytes(), dimension=8)
        )

        with pytest.raises(DatabaseCorruptError):
            TemplateVectors(session).vectors()

    def test_refuse_a_blob_that_is_no_vector(self):
        with pytest.raises(DatabaseCorruptError):
            templates.vector_from_blob(b"123", 1)

    def test_are_refused_when_their_number_is_not_what_was_counted(self, session, monkeypatch):
        add_person(session, "Ann", 1, 2)
        vectors = TemplateVectors(session)
        monkeypatch.setattr(vectors, "count", lambda **_: 3)

        with pytest.raises(DatabaseCorruptError):
            vectors.vectors()


class TestCrops:
    def test_come_back_bit_for_bit(self):
        crop = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)

        np.testing.assert_array_equal(crop_from_png(png_from_crop(crop)), crop)

    @pytest.mark.parametrize(
        "crop",
        [
            np.zeros((8, 9, 3), np.uint8),
            np.zeros((8, 8), np.uint8),
            np.zeros((8, 8, 3), np.float32),
            np.zeros((MAX_CROP_SIDE_PX + 1,) * 2 + (3,), np.uint8),
        ],
    )
    def test_are_refused_when_they_are_none(self, crop):
        with pytest.raises(ShapeError):
            png_from_crop(crop)

    @pytest.mark.parametrize(
        "png",
        [
            b"",
            b"GIF89a",
            png_from_crop(np.ones((64, 64, 3), np.uint8))[:-30],
            b"\x89PNG\r\n\x1a\n" + bytes(40),
        ],
    )
    def test_are_refused_when_damaged(self, png):
        with pytest.raises(DatabaseCorruptError):
            crop_from_png(png)

    def test_are_refused_when_not_square_or_grey(self):
        import io

        from PIL import Image as PilImage

        for mode, size in (("RGB", (8, 9)), ("L", (8, 8)), ("RGB", (600, 600))):
            stream = io.BytesIO()
            PilImage.new(mode, size).save(stream, "PNG")
            with pytest.raises(DatabaseCorruptError):
                crop_from_png(stream.getvalue())

    def test_are_missing_when_there_is_none(self, session):
        add_person(session, "Ann")
        session.execute(delete(TemplateRow))

        assert templates.crop_png(session, 1) is None
        assert n_rows(session)["crops"] == 0
