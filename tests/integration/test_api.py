"""Three lines of Python do the job: Recognizer and Gallery, with images in any form."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image as PilImage

import facerec
from facerec.api import Gallery, Recognizer
from facerec.errors import DatabaseCorruptError, NoFaceError
from facerec.match.rule import MatchRule
from facerec.paths import default_gallery_dir
from facerec.types import Reason, Verdict
from tests.helpers.fakes import fake_photo, fake_pipeline


@pytest.fixture
def recognizer():
    return Recognizer.from_pipeline(fake_pipeline(), MatchRule(0.9))


@pytest.fixture
def gallery(recognizer, tmp_path):
    with Gallery.open(tmp_path / "people", recognizer=recognizer) as gallery:
        yield gallery


@pytest.fixture
def forms(tmp_path):
    """One photograph as array, PIL image, path, text and bytes."""
    path = tmp_path / "photo.png"
    image = PilImage.fromarray(fake_photo(1))
    image.save(path)
    return [fake_photo(1), image, path, str(path), path.read_bytes()]


def test_is_imported_only_when_used():
    code = (
        "import sys, facerec; assert 'numpy' not in sys.modules, 'heavy'; "
        "facerec.Recognizer; assert 'facerec.api' in sys.modules; "
        "assert not any(m.split('.')[0] in ('torch', 'PySide6') for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert facerec.Gallery is Gallery
    with pytest.raises(AttributeError):
        _ = facerec.Nothing


def test_images_may_come_in_any_form(recognizer, forms):
    vectors = [recognizer.embed(form)[0].vector for form in forms]

    for vector in vectors:
        np.testing.assert_array_equal(vector, vectors[0])
    assert len(recognizer.detect(forms[2])) == 1
    assert recognizer.analyze(forms[1])[0].quality_issues == ()


def test_embeds_only_the_faces_given(recognizer):
    (face,) = recognizer.detect(fake_photo(1))

    assert len(recognizer.embed(fake_photo(1), [face, face])) == 2
    assert recognizer.embed(fake_photo(1), []) == []


def test_enrols_identifies_and_refuses_a_stranger(gallery, forms):
    outcome = gallery.enroll("Ada", forms[2])

    assert outcome.n_added == 1
    (known,) = gallery.identify(fake_photo(1, 5))
    (stranger,) = gallery.identify(fake_photo(8))
    assert known.person.name == "Ada"
    assert stranger.verdict is Verdict.UNKNOWN
    assert gallery.identify_faces(fake_photo(1, 5))[0].analyzed.embedding.vector.size == 32
    assert gallery.identify(np.zeros((50, 50, 3), np.uint8)) == []


def test_enrols_several_images_at_once(gallery):
    assert gallery.enroll("Ada", [fake_photo(1, 0), fake_photo(1, 1)]).n_added == 2
    assert gallery.enroll("Bob", (fake_photo(2),)).n_added == 1
    assert [(p.name, p.n_templates) for p in gallery.people()] == [("Ada", 2), ("Bob", 1)]

    gallery.remove("ada")

    assert gallery.identify(fake_photo(1))[0].reason is Reason.BELOW_THRESHOLD


def test_changes_are_undone_and_redone_and_a_person_is_erased(gallery):
    gallery.enroll("Ada", [fake_photo(1, 0), fake_photo(1, 1), fake_photo(1, 2)])
    gallery.enroll("Bob", fake_photo(2))

    split = gallery.split([1], "Cy")
    gallery.move([2], "Cy")
    assert gallery.set_aside([1]) == gallery.set_aside([1], back=True) == 1
    gallery.merge("Bob", "Ada")
    gallery.rename("Cy", "Dot")

    assert split.person.name == "Cy"
    assert [(p.name, p.n_templates) for p in gallery.people()] == [("Ada", 2), ("Dot", 2)]
    assert gallery.undo(gallery.history(limit=2)[1].id).kind == "merge"
    assert [(p.name, p.n_templates) for p in gallery.people()] == [
        ("Ada", 1),
        ("Bob", 1),
        ("Dot", 2),
    ]
    assert gallery.redo().kind == "merge"
    assert gallery.erase("Ada").rows.n_templates == 2
    assert [p.name for p in gallery.people()] == ["Dot"]


def test_verifies_two_images(gallery):
    assert gallery.verify(fake_photo(1, 0), fake_photo(1, 1)).same
    assert not gallery.verify(fake_photo(1), fake_photo(2), faces="largest").same
    with pytest.raises(NoFaceError):
        gallery.verify(fake_photo(1), np.zeros((50, 50, 3), np.uint8))


def test_a_gallery_is_found_again(recognizer, tmp_path):
    with Gallery.open(str(tmp_path / "g"), recognizer=recognizer) as gallery:
        gallery.enroll("Ada", fake_photo(1))

    with Gallery.open(tmp_path / "g", recognizer=recognizer, create=False) as gallery:
        assert gallery.identify(fake_photo(1, 3))[0].person.name == "Ada"


def test_the_command_lines_gallery_is_the_default(recognizer):
    Gallery.open(recognizer=recognizer).close()

    assert (default_gallery_dir() / "gallery.db").exists()


def test_a_damaged_gallery_is_never_opened_as_an_empty_one(recognizer, tmp_path):
    (tmp_path / "gallery.db").write_bytes(b"")

    with pytest.raises(DatabaseCorruptError):
        Gallery.open(tmp_path, recognizer=recognizer)
