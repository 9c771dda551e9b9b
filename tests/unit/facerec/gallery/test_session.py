"""Opening a gallery, its transactions, and everything that may be wrong with its files."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from facerec.errors import (
    DatabaseBusyError,
    DatabaseCorruptError,
    NotFoundError,
    StoreError,
)
from facerec.gallery import people
from facerec.gallery.backends import sqlite, sqlite_file
from facerec.gallery.backends.sqlite import pragma_value, sqlite_version
from facerec.gallery.session import (
    GalleryStore,
    gallery_state,
    mark_vectors_changed,
)
from facerec.gallery.tables import GalleryRow
from tests.helpers.gallery import AT, add_person


@pytest.fixture
def store(tmp_path):
    with GalleryStore.open(tmp_path / "gallery") as store:
        yield store


def names(store):
    with store.read() as reading:
        return [person.name for person in people.list_people(reading)]


def test_makes_an_empty_gallery_and_opens_it_again(tmp_path):
    folder = tmp_path / "deep" / "папка"
    with GalleryStore.open(folder) as store, store.write() as writing:
        add_person(writing, "Ann")

    with GalleryStore.open(folder, create=False) as store:
        assert names(store) == ["Ann"]
    assert [path.name for path in folder.iterdir()] == ["gallery.db"]


def test_sets_what_safety_rests_on(store):
    expected = {
        "foreign_keys": 1,
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "page_size": sqlite.PAGE_SIZE_BYTES,
        "application_id": sqlite.APPLICATION_ID,
        "busy_timeout": 10_000,
    }

    with store.read() as reading:
        assert {name: pragma_value(reading, name) for name in expected} == expected
    assert sqlite_version() == sqlite3.sqlite_version


def test_counts_the_revision_once_per_writing_transaction(store):
    for _ in range(3):
        with store.write() as writing:
            add_person(writing, f"P{gallery_state(writing).revision}")

    with store.read() as reading:
        state = gallery_state(reading)
        assert (state.revision, state.vectors_revision) == (3, 3)


def test_draws_a_new_token_only_when_vectors_changed(store):
    tokens = []
    for changes in (False, True, True):
        with store.write() as writing:
            if changes:
                mark_vectors_changed(writing)
        with store.read() as reading:
            tokens.append(gallery_state(reading).vectors_token)

    assert len(set(tokens)) == 3


def test_changes_nothing_when_the_block_fails(store):
    def fail():
        with store.write() as writing:
            add_person(writing, "Ann")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert names(store) == []
    with store.read() as reading:
        assert gallery_state(reading).revision == 0


def test_a_reader_sees_one_state_while_another_writes(store):
    with store.read() as reading:
        before = gallery_state(reading)
        with store.write() as writing:
            add_person(writing, "Ann")

        assert gallery_state(reading) == before
        assert people.list_people(reading) == []
    assert names(store) == ["Ann"]


def test_refuses_a_missing_gallery_when_told_not_to_make_one(tmp_path):
    with pytest.raises(NotFoundError, match="no gallery"):
        GalleryStore.open(tmp_path / "none", create=False)

    assert not (tmp_path / "none").exists()


def test_refuses_a_file_as_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("x")

    with pytest.raises(StoreError, match="is a file"):
        GalleryStore.open(path)


def test_refuses_a_folder_as_database(tmp_path):
    (tmp_path / "gallery.db").mkdir()

    with pytest.raises(DatabaseCorruptError, match="is a folder"):
        GalleryStore.open(tmp_path)


def test_refuses_a_folder_below_a_file(tmp_path):
    (tmp_path / "file").write_text("x")

    with pytest.raises(StoreError, match="cannot be made"):
        GalleryStore.open(tmp_path / "file" / "gallery")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(5000)])
def test_refuses_what_is_no_database_and_leaves_it_alone(tmp_path, content):
    (tmp_path / "gallery.db").write_bytes(content)

    with pytest.raises(DatabaseCorruptError, match="damaged"):
        GalleryStore.open(tmp_path)

    assert (tmp_path / "gallery.db").read_bytes() == content


def write_sqlite_file(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_refuses_a_database_of_another_program(tmp_path):
    write_sqlite_file(tmp_path / "gallery.db", "CREATE TABLE songs (id INTEGER)")

    with pytest.raises(DatabaseCorruptError, match="not a facerec gallery"):
        GalleryStore.open(tmp_path)


def test_refuses_a_database_without_tables(tmp_path):
    write_sqlite_file(tmp_path / "gallery.db", "CREATE TABLE t (id INTEGER)", "DROP TABLE t")

    with pytest.raises(DatabaseCorruptError, match="no tables"):
        GalleryStore.open(tmp_path)


def test_refuses_a_gallery_without_its_own_row(tmp_path):
    GalleryStore.open(tmp_path).close()
    write_sqlite_file(tmp_path / "gallery.db", "DELETE FROM gallery")

    with pytest.raises(DatabaseCorruptError, match="lacks its own row"):
        GalleryStore.open(tmp_path)


def test_refuses_a_gallery_that_lost_a_table(tmp_path):
    with GalleryStore.open(tmp_path) as store, store.write() as writing:
        add_person(writing, "Ann")
    write_sqlite_file(tmp_path / "gallery.db", "PRAGMA foreign_keys = OFF", "DROP TABLE people")

    with pytest.raises(DatabaseCorruptError, match="damaged"), GalleryStore.open(tmp_path) as store:
        names(store)


def test_never_makes_a_new_gallery_where_the_old_one_was_lost(tmp_path):
    (tmp_path / "gallery.db-wal").write_bytes(b"what is left")

    with pytest.raises(DatabaseCorruptError, match="database is gone"):
        GalleryStore.open(tmp_path)

    assert not (tmp_path / "gallery.db").exists()


def fill(folder, n=30):
    with GalleryStore.open(folder) as store, store.write() as writing:
        for number in range(n):
            add_person(writing, f"Person {number}")


@pytest.mark.parametrize("page", range(1, 12))
def test_refuses_a_damaged_page_at_opening(tmp_path, page):
    fill(tmp_path)
    path = tmp_path / "gallery.db"
    data = bytearray(path.read_bytes())
    start = page * sqlite.PAGE_SIZE_BYTES
    data[start : start + sqlite.PAGE_SIZE_BYTES] = b"\xa5" * sqlite.PAGE_SIZE_BYTES
    path.write_bytes(data)

    with pytest.raises(DatabaseCorruptError, match="damaged"):
        GalleryStore.open(tmp_path)


def test_refuses_a_database_that_was_cut_off(tmp_path):
    fill(tmp_path)
    path = tmp_path / "gallery.db"
    os.truncate(path, path.stat().st_size // 2)

    with pytest.raises(DatabaseCorruptError, match="damaged"):
        GalleryStore.open(tmp_path)


def test_check_finds_damage_that_opening_a_large_gallery_passes_over(tmp_path, monkeypatch):
    fill(tmp_path)
    path = tmp_path / "gallery.db"
    data = bytearray(path.read_bytes())
    data[-sqlite.PAGE_SIZE_BYTES :] = b"\xa5" * sqlite.PAGE_SIZE_BYTES
    path.write_bytes(data)
    monkeypatch.setattr(sqlite, "FULL_CHECK_BYTES", 0)

    with GalleryStore.open(tmp_path) as store, pytest.raises(DatabaseCorruptError):
        store.check()


def test_check_is_content_with_a_whole_gallery(store):
    store.check()


class TestBusy:
    def test_says_so_when_another_writer_takes_too_long(self, tmp_path):
        with (
            GalleryStore.open(tmp_path) as first,
            GalleryStore.open(tmp_path, busy_timeout_s=0.1) as second,
            first.write() as writing,
        ):
            add_person(writing, "Ann")
            with pytest.raises(DatabaseBusyError, match="Another program"), second.write():
                pytest.fail("The lock was taken twice.")
        assert names_in(tmp_path) == ["Ann"]

    def test_waits_for_another_writer(self, tmp_path):
        with GalleryStore.open(tmp_path) as first, GalleryStore.open(tmp_path) as second:
            locked, waited = threading.Event(), []

            def write_second():
                locked.wait(10)
                start = time.perf_counter()
                with second.write() as writing:
                    add_person(writing, "Bob")
                waited.append(time.perf_counter() - start)

            thread = threading.Thread(target=write_second)
            thread.start()
            with first.write() as writing:
                add_person(writing, "Ann")
                locked.set()
                thread.join(0.2)
                assert thread.is_alive()
            thread.join(10)

            assert waited[0] >= 0.1
        assert names_in(tmp_path) == ["Ann", "Bob"]


def names_in(folder):
    with GalleryStore.open(folder, create=False) as store:
        return names(store)


WRITER = """
import sys
from pathlib import Path
from facerec.gallery.session import GalleryStore
from tests.helpers.gallery import add_person
with GalleryStore.open(Path(sys.argv[1])) as store:
    for number in range(int(sys.argv[3])):
        with store.write() as writing:
            add_person(writing, f"{sys.argv[2]} {number:02d}")
"""


def test_processes_that_make_and_fill_a_gallery_at_once_lose_nothing(tmp_path):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "g"), who, "8"], stderr=subprocess.PIPE
        )
        for who in ("a", "b")
    ]
    errors = [writer.communicate()[1] for writer in writers]

    assert errors == [b"", b""]
    expected = sorted(f"{who} {number:02d}" for who in "ab" for number in range(8))
    assert names_in(tmp_path / "g") == expected
    assert [path.name for path in (tmp_path / "g").iterdir()] == ["gallery.db"]


def test_keeps_everything_but_the_step_that_filled_the_disk(store):
    with store.write() as writing:
        add_person(writing, "Ann")

    def fill_disk():
        with store.write() as writing:
            pages = pragma_value(writing, "page_count")
            pragma_value(writing, f"max_page_count = {pages + 2}")
            for number in range(3000):
                add_person(writing, f"Somebody, number {number}", crop=b"x" * 3000)

    with pytest.raises(StoreError, match="disk is full"):
        fill_disk()

    assert names(store) == ["Ann"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("attempt to write a readonly database", "cannot be written"),
        ("unable to open database file", "cannot be opened"),
        ("disk I/O error", "disk failed"),
        ("database or disk is full", "disk is full"),
        ("database disk image is malformed", "damaged"),
    ],
)
def test_translates_what_sqlite_says(store, text, sentence):
    with pytest.raises(StoreError, match=sentence), store.read():
        raise sqlite3.OperationalError(text)


def test_leaves_our_own_mistakes_as_they_are(store):
    with pytest.raises(sqlite3.OperationalError), store.read():
        raise sqlite3.OperationalError('near "SELEC": syntax error')


def test_a_database_that_may_not_be_written_is_refused_in_a_sentence(store):
    with store.read() as reading:
        # The pool gives this connection out again.
        reading.connection().exec_driver_sql("PRAGMA query_only = ON")

    with pytest.raises(StoreError, match="cannot be written"), store.write():
        pytest.fail("It was written.")


def test_says_when_the_folder_cannot_be_written(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sqlite_file, "_publish", refuse)

    with pytest.raises(StoreError, match="Permission denied"):
        GalleryStore.open(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_says_when_the_database_may_not_be_read(tmp_path, monkeypatch):
    GalleryStore.open(tmp_path).close()

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)

    with pytest.raises(StoreError, match="cannot be read"):
        GalleryStore.open(tmp_path)


def test_works_where_there_are_no_hard_links(tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(sqlite_file.os, "link", unsupported)

    GalleryStore.open(tmp_path).close()

    assert [path.name for path in tmp_path.iterdir()] == ["gallery.db"]


def test_takes_the_gallery_that_another_process_made_a_moment_before(tmp_path, monkeypatch):
    real, other = sqlite_file._publish, tmp_path / "other"
    GalleryStore.open(other).close()

    def late(making, path):
        shutil.copy(other / "gallery.db", path)
        real(making, path)

    monkeypatch.setattr(sqlite_file, "_publish", late)
    folder = tmp_path / "gallery"

    with GalleryStore.open(folder) as store, store.read() as reading:
        mine = gallery_state(reading).uuid
    with GalleryStore.open(other) as store, store.read() as reading:
        assert gallery_state(reading).uuid == mine
    assert [path.name for path in folder.iterdir()] == ["gallery.db"]


def test_clears_away_what_a_killed_program_left_long_ago(tmp_path):
    old, new = tmp_path / "gallery.db.new-1-aa", tmp_path / "gallery.db.new-2-bb"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))

    GalleryStore.open(tmp_path).close()

    assert not old.exists()
    assert new.exists()


def test_refuses_to_store_a_time_without_zone(store):
    from sqlalchemy import update
    from sqlalchemy.exc import StatementError

    with pytest.raises(StatementError, match="without a zone"), store.write() as writing:
        writing.execute(update(GalleryRow).values(created_at=AT.replace(tzinfo=None)))


def test_gives_times_back_in_utc_whatever_zone_they_came_in(store):
    from datetime import timedelta, timezone

    there = AT.astimezone(timezone(timedelta(hours=9)))
    with store.write() as writing:
        people.add_person(writing, "Ann", at=there)

    with store.read() as reading:
        person = people.require_person(reading, "Ann")
    assert person.created_at == AT
    assert person.created_at.utcoffset() == timedelta(0)
