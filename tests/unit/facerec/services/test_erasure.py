"""The proof of erasure: every byte of every file, and each step of it missed when left out."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest

from facerec.gallery import erase as erase_rows
from facerec.gallery.access import Action
from facerec.gallery.backends import sqlite
from facerec.gallery.copies import CopyKind, register_copy
from facerec.gallery.crops import png_from_crop
from facerec.gallery.sightings import add_unknown
from facerec.gallery.steps import StepKind
from facerec.gallery.tables import Base
from facerec.gallery.templates import TemplateVectors, replace_embedding
from facerec.index.cache import IndexCache
from facerec.services import copies, people, steps
from facerec.services.access import access_log
from facerec.services.copies import CopyState
from facerec.services.erase import erase
from facerec.services.gallery import open_gallery
from facerec.services.person_export import export_person
from facerec.services.transfer import export_gallery, read_archive
from facerec.types import Embedding
from tests.helpers.byte_scan import forms, found_in
from tests.helpers.gallery import AT, CONTRACT, add_person, random_unit

NOTHING = "DELETE FROM steps WHERE 0"  # a statement in the place of one that is left out
NAME, FORMER_NAME, MERGED_NAME = "Wilhelmina Qvist", "Minna Qvist", "W. Qvist-Berg"


def random_png(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8)
    return png_from_crop(pixels)


def backed_up(gallery, path):
    """A copy of the whole database, as a backup makes one."""
    with gallery.writing(gallery.now()) as session:
        register_copy(session, path, CopyKind.BACKUP)
    with (
        closing(sqlite3.connect(gallery.store.database_path)) as source,
        closing(sqlite3.connect(path)) as target,
    ):
        source.backup(target)


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A data folder in which somebody has lived, and a second one that keeps it as it was."""
    data = tmp_path_factory.mktemp("erasure") / "data"
    with open_gallery(data / "gallery", min_saved=1) as gallery:
        live(gallery, data)
    leave_in_free_pages(gallery, random_unit(2).tobytes())
    (data / "gallery" / "vectors.index.0badf00d.tmp").write_bytes(random_unit(4).tobytes())
    shutil.copytree(data, data.with_name("kept"))
    return data


def live(gallery, data):
    with gallery.store.write() as session:
        add_person(session, "Ada", 1, crop=random_png(1))
        add_person(session, FORMER_NAME, 2, crop=random_png(2))
        add_person(session, FORMER_NAME, 5, crop=random_png(5))  # Ada's later on
        add_person(session, "Somebody", 3, crop=random_png(3))
        add_unknown(
            session,
            source="door",
            seen_at=AT,
            expires_at=AT,
            embedding=Embedding(random_unit(2), CONTRACT),
            quality=1.0,
            crop_png=random_png(2),
        )
    people.rename_person(gallery, "Somebody", MERGED_NAME)
    backed_up(gallery, data / "old backup.db")
    export_gallery(gallery, data / "old.zip")
    people.rename_person(gallery, FORMER_NAME, NAME)
    (_, given_away) = people.show_person(gallery, NAME).templates
    people.move_templates(gallery, [given_away.id], "Ada")
    people.merge_people(gallery, MERGED_NAME, NAME)
    (template, _) = people.show_person(gallery, NAME).templates
    with gallery.change(StepKind.RE_EMBED) as change:  # a step that names nobody
        replace_embedding(change.session, template.id, Embedding(random_unit(4), CONTRACT))
        change.says("Embedded again")
    with gallery.store.read() as session:
        gallery.index.refresh(TemplateVectors(session))
    export_gallery(gallery, data / "alone.zip", names=[NAME])
    export_person(gallery, NAME, data / "person.zip")
    backed_up(gallery, data / "backup.db")


@pytest.fixture
def life(lived):
    """All of it again, at the place where the list of copies says it is."""
    shutil.rmtree(lived)
    shutil.copytree(lived.with_name("kept"), lived)
    with open_gallery(lived / "gallery", min_saved=1) as gallery:
        with gallery.store.read() as session:
            gallery.index.refresh(TemplateVectors(session))
        people.rename_person(gallery, NAME, NAME.upper())  # something for the write-ahead log
        steps.undo(gallery)
        yield SimpleNamespace(gallery=gallery, data=lived, secrets=secrets())


def leave_in_free_pages(gallery, blob):
    """What a program without ``secure_delete`` would leave behind."""
    with closing(sqlite3.connect(gallery.store.database_path)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE junk (b)")
        connection.executemany("INSERT INTO junk VALUES (?)", [(blob,)] * 400)
        connection.execute("DROP TABLE junk")
        connection.commit()


def secrets():
    found = {name: name.encode() for name in (NAME, FORMER_NAME, MERGED_NAME)}
    found |= {name.casefold(): name.casefold().encode() for name in found}
    for seed in (2, 3):
        found |= {
            f"{what} {seed}": data
            for what, data in forms(random_unit(seed), random_png(seed)).items()
        }
        found |= {f"digest {seed}": f"{seed:064x}".encode(), f"file {seed}": f"{seed}.jpg".encode()}
    found |= {f"{what} 4": data for what, data in forms(random_unit(4), random_png(2)).items()}
    return found


def test_every_secret_is_there_before(life):
    found = found_in(life.data, life.secrets)

    assert {name for name, _ in found} >= {
        "gallery.db",
        "vectors.index",
        "vectors.index.0badf00d.tmp",
        "old backup.db",
        "backup.db",
        "old.zip",
        "alone.zip",
        "person.zip",
    }
    stored = {what for what in life.secrets if "as float16" not in what}
    stored -= {what for what in stored if "float64" in what or "pixels" in what}
    assert {what for _, what in found} == stored


def test_no_byte_is_left_and_others_keep_theirs(life):
    gallery = life.gallery
    before = found_in(life.data, forms(random_unit(1), random_png(1)))

    report = erase(gallery, NAME)

    assert report.is_wiped
    assert found_in(life.data, life.secrets) == set()
    assert {(copy.path.name, copy.state) for copy in report.copies} == {
        ("old backup.db", CopyState.REWRITTEN),
        ("backup.db", CopyState.REWRITTEN),
        ("old.zip", CopyState.REWRITTEN),
        ("alone.zip", CopyState.DESTROYED),
        ("person.zip", CopyState.DESTROYED),
    }
    after = found_in(life.data, forms(random_unit(1), random_png(1)))
    names = {"gallery.db", "vectors.index", "old backup.db", "backup.db", "old.zip"}
    assert {name for name, _ in after} == names <= {name for name, _ in before}
    assert list(read_archive(life.data / "old.zip").templates) == ["Ada"]
    for backup in ("old backup.db", "backup.db"):
        with closing(sqlite3.connect(life.data / backup)) as connection:
            assert connection.execute("SELECT name FROM people").fetchall() == [("Ada",)]
    gallery.store.check()
    gallery.close()
    assert found_in(life.data, life.secrets) == set()


def nothing(*_arguments, **_options):
    return None


def without_statement(name, number=None):
    def disable(monkeypatch):
        if number is None:
            monkeypatch.setattr(erase_rows, name, NOTHING)
            return
        rows = list(getattr(erase_rows, name))
        rows[number] = NOTHING
        monkeypatch.setattr(erase_rows, name, tuple(rows))

    return disable


def without_pragma(word, answer):
    def disable(monkeypatch):
        run = sqlite._outside_transaction

        def left_out(connection, statement):
            return answer if word in statement else run(connection, statement)

        monkeypatch.setattr(sqlite, "_outside_transaction", left_out)

    return disable


def without_index_rebuild(monkeypatch):
    monkeypatch.setattr(IndexCache, "forget_file", nothing)
    monkeypatch.setattr(IndexCache, "rebuild", nothing)


def without_copies(kind):
    def disable(monkeypatch):
        monkeypatch.setitem(copies._ERASERS, kind, lambda *_: CopyState.UNTOUCHED)

    return disable


LEFT_OUT = {
    "rows of people, and what goes with them": without_statement("_ROWS", -1),
    "rows of images": without_statement("_ROWS", -2),
    "unknown faces": without_statement("_UNKNOWN_FACES"),
    "steps that name the person": without_statement("_STEPS"),
    "what other steps keep": without_statement("_CHANGES"),
    "people merged into the person": without_statement("_MERGED"),
    "free pages": without_pragma("VACUUM", []),
    "write-ahead log": without_pragma("wal_checkpoint", [(0, 0, 0)]),
    "index file": without_index_rebuild,
    "unfinished index files": lambda patch: patch.setattr(
        IndexCache, "forget_unfinished_files", nothing
    ),
    "exports": without_copies(CopyKind.EXPORT),
    "exports of the person": without_copies(CopyKind.PERSON_EXPORT),
    "backups": without_copies(CopyKind.BACKUP),
}


@pytest.mark.parametrize("step", LEFT_OUT)
def test_the_scan_finds_what_a_left_out_step_leaves(life, monkeypatch, step):
    LEFT_OUT[step](monkeypatch)

    erase(life.gallery, NAME)

    assert found_in(life.data, life.secrets)


def test_what_a_copy_held_is_overwritten_on_the_disk(life):
    """The old file is not among the files any more; whoever had it open sees its blocks."""
    with (life.data / "old.zip").open("rb") as old, (life.data / "person.zip").open("rb") as person:
        erase(life.gallery, NAME)

        assert set(old.read()) == {0}
        assert set(person.read()) == {0}


def test_copies_that_cannot_be_reached_are_named(life):
    (life.data / "old.zip").rename(life.data / "elsewhere.zip")
    (life.data / "backup.db").write_bytes(b"something else")

    report = erase(life.gallery, NAME)

    states = {copy.path.name: copy.state for copy in report.copies}
    assert states["old.zip"] is CopyState.MISSING
    assert states["backup.db"] is CopyState.UNREACHED
    assert [copy.path.name for copy in report.copies if not copy.is_clean] == [
        "old.zip",
        "backup.db",
    ]


def test_a_copy_without_the_person_stays_as_it_is(life):
    export_gallery(life.gallery, life.data / "ada.zip", names=["Ada"])
    before = (life.data / "ada.zip").read_bytes()

    erase(life.gallery, NAME)

    assert (life.data / "ada.zip").read_bytes() == before


def test_the_access_log_knows_no_name(life):
    erase(life.gallery, NAME)

    rows = access_log(life.gallery)

    assert Action.ERASED in {row.action for row in rows}
    assert {row.name for row in rows if row.person_id == 2} == {None}


def test_every_table_that_points_at_people_or_templates_loses_its_rows_with_them():
    """A table that is added later is erased from too, or this says so."""
    known = {"step_people", "access_log"}  # erased by step; holds a number and no name
    for table in Base.metadata.tables.values():
        for column in ("person_id", "template_id"):
            if column in table.columns and table.name not in known:
                (key,) = table.columns[column].foreign_keys
                assert key.ondelete == "CASCADE", table.name
