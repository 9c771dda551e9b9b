"""Encryption at rest: what a stolen folder gives, keys, and kills in the middle of a change."""

from __future__ import annotations

import os
import shutil
import sqlite3
import warnings
from contextlib import closing

import keyring
import keyring.backend
import numpy as np
import pytest
from sqlalchemy.exc import IntegrityError
from sqlcipher3 import dbapi2 as sqlcipher

from facerec.errors import (
    ConfigError,
    DatabaseBusyError,
    DatabaseCorruptError,
    GalleryLockedError,
    RangeError,
)
from facerec.gallery import encryption
from facerec.gallery.backends.sqlcipher import DatabaseKey, key_of, new_secret
from facerec.gallery.backends.sqlite_file import PAGE_SIZE_BYTES
from facerec.gallery.crops import png_from_crop
from facerec.gallery.templates import TemplateVectors
from facerec.services import encrypt, keys, people, steps
from facerec.services.gallery import open_gallery
from facerec.services.transfer import export_gallery
from tests.helpers.byte_scan import forms, found_in
from tests.helpers.gallery import add_person, random_unit

SECRET, OTHER = "several words of one's own", new_secret()
PNG = png_from_crop(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
STOLEN = {
    "name": b"Wilhelmina Qvist",
    "name as a key": b"wilhelmina qvist",
    "PNG magic": b"\x89PNG\r\n",
    "SQLite magic": b"SQLite format 3",
    **forms(random_unit(2), PNG),
}


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    monkeypatch.setattr(keys, "_told", {})
    monkeypatch.delenv("FACEREC_PASSPHRASE", raising=False)
    monkeypatch.delenv("FACEREC_PASSPHRASE_FILE", raising=False)
    before = keyring.get_keyring()
    keyring.set_keyring(FakeKeyring())
    yield
    keyring.set_keyring(before)


class FakeKeyring(keyring.backend.KeyringBackend):
    priority = 1

    def __init__(self):
        super().__init__()
        self.stored = {}

    def get_password(self, service, username):
        return self.stored.get((service, username))

    def set_password(self, service, username, password):
        self.stored[service, username] = password

    def delete_password(self, service, username):
        del self.stored[service, username]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encryption") / "gallery"
    with open_gallery(folder, min_saved=1) as gallery:
        with gallery.store.write() as session:
            add_person(session, "Ada", 1)
            add_person(session, "Wilhelmina Qvist", 2, crop=PNG)
        people.remove_person(gallery, "Ada")
        with gallery.store.read() as session:
            gallery.index.refresh(TemplateVectors(session))
    return folder


@pytest.fixture
def folder(filled, tmp_path):
    return shutil.copytree(filled, tmp_path / "gallery")


def contents(folder):
    """Every cell of every table, but the access log."""
    with open_gallery(folder) as gallery, gallery.store.read() as session:
        connection = session.connection()
        names = connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'access_log'"
        ).scalars()
        rows = {
            name: connection.exec_driver_sql(f"SELECT * FROM {name}").fetchall()  # noqa: S608
            for name in list(names)
        }
    del rows["gallery"]  # (counts its revisions)
    rows["sqlite_sequence"] = [row for row in rows["sqlite_sequence"] if row[0] != "access_log"]
    return rows


def test_a_stolen_folder_gives_nothing_while_it_is_used_and_after(folder):
    plain = found_in(folder, STOLEN)
    before = contents(folder)
    assert {name for name, _ in plain} == {"gallery.db", "vectors.index"}
    assert {what for _, what in plain} >= {"name", "PNG magic", "Crop as PNG", "vector as float32"}

    report = encrypt.encrypt(folder, SECRET)

    assert (report.is_encrypted, report.recovery_key) == (True, None)
    assert [path.name for path in folder.iterdir()] == ["gallery.db"]
    assert contents(folder) == before
    with open_gallery(folder, min_saved=1) as gallery:
        assert gallery.store.is_encrypted
        with gallery.store.write() as session:
            add_person(session, "Wilhelmina Qvist", 3, crop=PNG)
        with gallery.store.read() as session:
            assert len(gallery.ready_index(session)) == 2
        assert (folder / "gallery.db-wal").stat().st_size > 0
        assert found_in(folder, STOLEN) == set()
    assert found_in(folder, STOLEN) == set()


def test_everything_works_as_in_a_plain_one(folder):
    encrypt.encrypt(folder, SECRET)

    with open_gallery(folder) as gallery:
        steps.undo(gallery)
        assert [person.name for person in people.list_people(gallery)] == [
            "Ada",
            "Wilhelmina Qvist",
        ]
        gallery.store.check()
        assert gallery.store.wipe()
        with pytest.raises(IntegrityError), gallery.store.write() as session:
            session.connection().exec_driver_sql("INSERT INTO people SELECT * FROM people")


def test_the_key_changes_and_the_gallery_is_decrypted(folder):
    before = contents(folder)
    encrypt.encrypt(folder, SECRET)
    with (folder / "gallery.db").open("rb") as old:
        encrypt.change_key(folder, "other words of one's own")
        assert set(old.read()) == {0}
    assert contents(folder) == before

    assert not encrypt.decrypt(folder).is_encrypted

    with closing(sqlite3.connect(folder / "gallery.db")) as connection:
        assert connection.execute("PRAGMA page_size").fetchone() == (PAGE_SIZE_BYTES,)
        assert connection.execute("PRAGMA application_id").fetchone()[0].to_bytes(4) == b"FREC"
    assert contents(folder) == before


def test_another_program_opens_it_with_the_passphrase(folder):
    """The key is made as SQLCipher makes it, so that nobody depends on this program."""
    encrypt.encrypt(folder, SECRET)

    with closing(sqlcipher.connect(str(folder / "gallery.db"))) as connection:
        connection.execute(f'PRAGMA key = "{SECRET}"')
        connection.execute("PRAGMA cipher_page_size = 16384")
        names = connection.execute("SELECT name FROM people").fetchall()
    assert names == [("Wilhelmina Qvist",)]


def test_a_wrong_or_missing_key_is_one_sentence(folder, monkeypatch, capfd):
    encrypt.encrypt(folder, SECRET)
    keys._told.clear()

    with pytest.raises(GalleryLockedError, match=r"^The gallery is encrypted, and no key"):
        open_gallery(folder)
    monkeypatch.setenv("FACEREC_PASSPHRASE", "not the right words")
    with pytest.raises(GalleryLockedError, match=r"^The key does not open this gallery\. Give"):
        open_gallery(folder)
    with pytest.raises(GalleryLockedError, match=r"^The key does not open"):
        encrypt.decrypt(folder)

    assert capfd.readouterr() == ("", "")


def test_the_passphrase_may_lie_in_a_file(folder, monkeypatch, tmp_path):
    encrypt.encrypt(folder, SECRET)
    keys._told.clear()
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    monkeypatch.setenv("FACEREC_PASSPHRASE_FILE", str(tmp_path / "secret"))
    open_gallery(folder).close()

    monkeypatch.setenv("FACEREC_PASSPHRASE_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="cannot be read"):
        open_gallery(folder)


def test_a_key_in_the_keyring_opens_a_moved_folder_and_can_be_recovered(
    folder, monkeypatch, tmp_path
):
    report = encrypt.encrypt(folder, None)
    keys._told.clear()
    moved = folder.rename(tmp_path / "moved")
    open_gallery(moved).close()

    keyring.set_keyring(FakeKeyring())
    with pytest.raises(GalleryLockedError):
        open_gallery(moved)
    monkeypatch.setenv("FACEREC_PASSPHRASE", report.recovery_key)
    open_gallery(moved).close()


def test_no_key_shows_in_what_is_printed():
    assert OTHER[2:20] not in repr(key_of(OTHER, b"s" * 16))
    assert repr(DatabaseKey(b"k" * 32, b"s" * 16)) == "DatabaseKey()"


def test_refuses_what_makes_no_sense(folder, tmp_path):
    with pytest.raises(ConfigError, match="not encrypted"):
        encrypt.decrypt(folder)
    with pytest.raises(RangeError, match="at least 8"):
        encrypt.encrypt(folder, "short")
    encrypt.encrypt(folder, OTHER)
    with pytest.raises(ConfigError, match="encrypted already"):
        encrypt.encrypt(folder, OTHER)
    with (
        open_gallery(folder) as gallery,
        pytest.raises(ConfigError, match="in the clear"),
    ):
        export_gallery(gallery, tmp_path / "all.zip")
    assert not (tmp_path / "all.zip").exists()


def test_a_gallery_in_use_stays_as_it_is(folder):
    before = contents(folder)
    with open_gallery(folder), pytest.raises(DatabaseBusyError):
        encrypt.encrypt(folder, OTHER)

    assert contents(folder) == before
    assert not keys.is_encrypted(folder)


def test_damage_is_not_taken_for_encryption(folder):
    data = bytearray((folder / "gallery.db").read_bytes())
    data[:PAGE_SIZE_BYTES] = bytes(PAGE_SIZE_BYTES)
    (folder / "gallery.db").write_bytes(data)

    with pytest.raises(DatabaseCorruptError):
        open_gallery(folder)


def in_a_killed_process(work):
    """Run something in a child that ends without any clearing up, wherever it says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        work()
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


STEPS = ("_copy", "_require_equal", "os.link", "sync_folder", "overwrite")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("way", ["encrypt", "decrypt"])
def test_a_kill_leaves_the_old_gallery_or_the_new_one(folder, monkeypatch, way, step, moment):
    before = contents(folder)
    secrets = {what: data for what, data in STOLEN.items() if what != "SQLite magic"}
    if way == "decrypt":
        encrypt.encrypt(folder, OTHER)
    owner = encryption.os if step == "os.link" else encryption
    name = step.removeprefix("os.")
    do = getattr(owner, name)

    def killed(*arguments):
        if moment == "after":
            do(*arguments)
        os._exit(0)

    def work():
        setattr(owner, name, killed)
        encrypt.encrypt(folder, OTHER) if way == "encrypt" else encrypt.decrypt(folder)

    in_a_killed_process(work)
    monkeypatch.setenv("FACEREC_PASSPHRASE", OTHER)

    assert contents(folder) == before
    assert [path.name for path in folder.glob("gallery.db.*")] == []
    is_new = step in ("sync_folder", "overwrite")
    assert keys.is_encrypted(folder) is (is_new if way == "encrypt" else not is_new)
    assert (found_in(folder, secrets) == set()) is keys.is_encrypted(folder)
