"""The commands for consent, expiry, the access log, copies, one person's data and encryption."""

from __future__ import annotations

import pytest

from facerec.services import keys
from facerec.services.gallery import open_gallery
from tests.helpers.command_line import CommandLine
from tests.helpers.gallery import add_person


@pytest.fixture
def run(capsys):
    return CommandLine(capsys)


@pytest.fixture
def where(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "_told", {})
    monkeypatch.setenv("FACEREC_HOME", str(tmp_path / "home"))
    with open_gallery(tmp_path / "gallery") as gallery, gallery.store.write() as session:
        add_person(session, "Ada", 1)
        add_person(session, "Bob", 2)
    return "--gallery", tmp_path / "gallery"


def test_consent_is_recorded_shown_and_acted_on(run, where):
    assert "No consent is recorded" in run("gallery", "consent", "Ada", *where).out
    two = run("gallery", "consent", "Ada", "--keep-until", "2099-01-01", "--no-end", *where)
    assert two.code == 2

    given = ("--consent", "form 12", "--purpose", "door", "--keep-until", "2099-12-31")
    assert "Kept until: 2099-12-31" in run("gallery", "consent", "ada", *given, *where).out

    shown = run("gallery", "show", "Ada", *where)
    assert "Consent: form 12\nPurpose: door\nKept until: 2099-12-31\n" in shown.out
    assert "kept until" in run("gallery", "list", *where).out
    run("gallery", "consent", "Ada", "--keep-until", "2020-01-01", *where)
    assert "Not named any more" in run("gallery", "list", *where).err
    listed = run("gallery", "expire", "--dry-run", "--json", *where).json
    assert [person["name"] for person in listed["overdue"]] == ["Ada"]
    assert "1 person" in run("gallery", "expire", "--yes", *where).out
    assert [p["name"] for p in run("gallery", "list", "--json", *where).json["people"]] == ["Bob"]


def test_copies_are_listed_reached_and_logged(run, where, tmp_path):
    export, own = tmp_path / "all.zip", tmp_path / "ada.zip"
    assert run("gallery", "export", export, *where).code == 0
    assert "1 template" in run("gallery", "export-person", "Ada", own, *where).out
    (tmp_path / "gone.zip").touch()
    run("gallery", "export", tmp_path / "gone.zip", *where)
    (tmp_path / "gone.zip").unlink()

    text = run("gallery", "copies", *where).out
    erased = run("gallery", "erase", "Ada", "--yes", *where)

    assert "person export" in text
    assert "not there" in text
    assert f"Written anew without the person: {export}" in erased.out
    assert f"Deleted, since it held nobody else: {own}" in erased.out
    assert f"Not at its place any more; erase it where it is now: {tmp_path / 'gone.zip'}" in (
        erased.out
    )
    assert "Taken off the list: 1" in run("gallery", "copies", "--forget-missing", *where).out
    entries = run("gallery", "log", "--limit", "50", "--json", *where).json["entries"]
    assert {("facerec gallery erase", "erased"), ("facerec gallery export", "exported")} <= {
        (entry["program"], entry["action"]) for entry in entries
    }
    assert "Ada" not in str(entries)


def test_a_gallery_is_encrypted_used_and_decrypted(run, where, tmp_path, monkeypatch):
    export = tmp_path / "all.zip"
    run("gallery", "export", export, *where)
    monkeypatch.setenv("FACEREC_PASSPHRASE", "short")
    assert run("gallery", "encrypt", *where).code == 1
    monkeypatch.setenv("FACEREC_PASSPHRASE", "several words of one's own")

    done = run("gallery", "encrypt", *where)

    assert "nothing opens the gallery" in done.out
    assert f"As it was before: {export}" in done.out
    assert "several words" not in done.out + done.err
    assert "2 people" in run("gallery", "list", *where).out
    assert "--plain" in run("gallery", "export", export, *where).err
    assert run("gallery", "export", export, "--plain", *where).code == 0
    monkeypatch.setenv("FACEREC_NEW_PASSPHRASE", "other words of one's own")
    assert run("gallery", "change-key", *where).code == 0
    monkeypatch.setattr(keys, "_told", {})
    assert run("gallery", "list", "--json", *where).json["error"]["code"] == "gallery_locked"
    monkeypatch.setenv("FACEREC_PASSPHRASE", "other words of one's own")
    assert "in the clear now" in run("gallery", "decrypt", "--yes", *where).out
    assert not keys.is_encrypted(where[1])
