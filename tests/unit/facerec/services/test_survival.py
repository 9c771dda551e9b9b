"""Backup, restore and repair of a gallery: what comes back, what is kept, and what is said."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from facerec.cli.main import main
from facerec.errors import (
    DatabaseBusyError,
    DatabaseCorruptError,
    DatabaseTooNewError,
    DuplicateError,
    InputError,
    StoreError,
)
from facerec.gallery.backends import medium
from facerec.gallery.backends.sqlite import PAGE_SIZE_BYTES
from facerec.gallery.backends.sqlite_backup import copy_database, seal
from facerec.gallery.backends.sqlite_pages import PageFile
from facerec.gallery.session import GalleryStore
from facerec.services import backup as backup_service
from facerec.services import people, steps
from facerec.services.backup import back_up, verify_backup
from facerec.services.copies import CopyState, list_copies
from facerec.services.doctor import State
from facerec.services.doctor_gallery import examine_gallery
from facerec.services.erase import erase
from facerec.services.gallery import OpenGallery, open_gallery
from facerec.services.people import list_people
from facerec.services.repair import repair
from facerec.services.restore import plan_restore, restore
from tests.helpers.gallery import add_person
from tests.helpers.gallery_dump import all_rows, answers

ROOT = Path(__file__).resolve().parents[4]


def change(folder, act):
    with open_gallery(folder, min_saved=1) as gallery:
        return act(gallery)


def enrol(folder, *names):
    def act(gallery):
        with gallery.store.write() as session:
            for name in names:
                add_person(session, name)

    change(folder, act)


def contents(folder):
    return change(folder, lambda gallery: (all_rows(gallery), answers(gallery)))


@pytest.fixture
def folder(tmp_path):
    enrol(tmp_path / "gallery", *(f"Person {number}" for number in range(40)))
    return tmp_path / "gallery"


@pytest.fixture
def backup(tmp_path, folder):
    return change(folder, lambda gallery: back_up(gallery, tmp_path / "a.backup")).path


def damage(folder, page, fill=0xA5):
    with (folder / "gallery.db").open("rb+") as stream:
        stream.seek((page - 1) * PAGE_SIZE_BYTES)
        stream.write(bytes([fill]) * PAGE_SIZE_BYTES)


class TestBackup:
    def test_holds_what_the_gallery_holds_and_leaves_nothing_beside_it(self, folder, tmp_path):
        before = contents(folder)
        report = change(folder, lambda g: back_up(g, tmp_path / "a.backup"))

        assert report.manifest.counts["people"] == report.manifest.counts["templates"] == 40
        assert report.manifest == verify_backup(report.path)
        restore(tmp_path / "copy", report.path)
        assert contents(tmp_path / "copy") == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.backup", "copy", "gallery"]

    def test_is_of_one_moment_while_others_write(self, folder, tmp_path, monkeypatch):
        """Somebody is enrolled after the gallery was read and before it was copied."""

        def enrol_meanwhile(*arguments):
            enrol(folder, "Late")
            copy_database(*arguments)

        monkeypatch.setattr("facerec.gallery.backends.sqlite_backup.copy_database", enrol_meanwhile)
        report = change(folder, lambda g: back_up(g, tmp_path / "a.backup"))

        assert report.manifest.counts["people"] == 40
        assert len(contents(folder)[0]["people"]) == 41

    def test_holds_nothing_of_an_unfinished_change(self, folder, tmp_path):
        with open_gallery(folder) as gallery, open_gallery(folder) as other:
            # Putting the file on the list of copies is a change of its own, made before.
            write_backup = backup_service.write_backup

            def while_writing(*given, **named):
                with gallery.store.write() as session:
                    add_person(session, "Unfinished")
                    session.flush()
                    return write_backup(*given, **named)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(backup_service, "write_backup", while_writing)
                report = back_up(other, tmp_path / "a.backup")
        assert report.manifest.counts["people"] == 40

    def test_is_on_the_list_that_an_erasure_goes_through(self, folder, tmp_path):
        with open_gallery(folder) as gallery:
            report = back_up(gallery, tmp_path / "a.backup")
            name = list_people(gallery)[0].name
            assert [copy.path for copy in list_copies(gallery)] == [report.path]

            outcome = erase(gallery, name)

            assert [copy.state for copy in outcome.copies] == [CopyState.REWRITTEN]
            assert verify_backup(report.path).counts["people"] == 39
        assert name.encode() not in report.path.read_bytes()

    def test_never_replaces_a_file(self, folder, backup):
        before = backup.read_bytes()

        with pytest.raises(DuplicateError, match="there already"):
            change(folder, lambda gallery: back_up(gallery, backup))

        assert backup.read_bytes() == before

    def test_says_where_it_cannot_be_written(self, folder, tmp_path):
        with pytest.raises(StoreError, match="no folder"):
            change(folder, lambda gallery: back_up(gallery, tmp_path / "none" / "a.backup"))

    def test_of_a_damaged_gallery_is_refused_and_leaves_nothing(self, folder, tmp_path):
        with open_gallery(folder) as gallery:
            damage(folder, 9)
            with pytest.raises(StoreError, match="damaged"):
                back_up(gallery, tmp_path / "a.backup")

        assert [path.name for path in tmp_path.iterdir()] == ["gallery"]

    def test_removes_what_a_killed_one_left(self, folder, tmp_path):
        left = tmp_path / f"a.backup.new-{2**22 + 1}-00"  # no process has that number
        left.write_bytes(b"half")

        change(folder, lambda gallery: back_up(gallery, tmp_path / "a.backup"))

        assert not left.exists()

    @pytest.mark.parametrize("what", ["header", "name", "vector", "crop", "manifest"])
    def test_that_was_damaged_is_refused(self, folder, backup, what):
        rows = contents(folder)[0]
        parts = {
            "header": b"SQLite format",
            "name": b"Person 7",
            "vector": rows["templates"][7][5],
            "crop": rows["crops"][7][1],
            "manifest": b'"made_at"',
        }
        data = bytearray(backup.read_bytes())
        place = data.index(parts[what])
        data[place : place + 4] = bytes(byte ^ 0x15 for byte in data[place : place + 4])
        backup.write_bytes(data)

        with pytest.raises(InputError, match="damaged"):
            verify_backup(backup)

    def test_that_was_cut_off_is_refused(self, backup):
        os.truncate(backup, backup.stat().st_size // 2)

        with pytest.raises(InputError, match="damaged"):
            verify_backup(backup)

    def test_whose_rows_were_changed_is_refused_until_it_is_sealed_again(self, backup):
        connection = sqlite3.connect(backup, isolation_level=None)
        connection.execute("UPDATE people SET name = 'Mallory' WHERE id = 3")
        with pytest.raises(InputError, match="damaged"):
            verify_backup(backup)
        seal(connection)
        connection.close()

        assert verify_backup(backup).counts["people"] == 40

    def test_other_files_are_no_backups(self, tmp_path, folder):
        (tmp_path / "text").write_text("hello")

        for path in (tmp_path / "text", tmp_path / "none", folder / "gallery.db"):
            with pytest.raises(InputError, match="no backup"):
                verify_backup(path)

    def test_of_a_newer_program_is_refused(self, backup):
        connection = sqlite3.connect(backup, isolation_level=None)
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        seal(connection)
        connection.close()

        with pytest.raises(DatabaseTooNewError):
            verify_backup(backup)


class TestRestore:
    def test_brings_everything_back_and_keeps_what_was_there(self, folder, backup):
        then = contents(folder)
        change(folder, lambda gallery: people.remove_person(gallery, "Person 3"))
        enrol(folder, "New")
        now = contents(folder)

        report = restore(folder, backup)

        assert contents(folder) == then
        assert report.plan.leaving == ("New",)
        assert report.plan.returning == ("Person 3",)
        assert report.index.n_indexed == 40
        restore(folder, report.kept)
        assert contents(folder) == now

    def test_dry_run_changes_nothing(self, folder, backup, capsys):
        enrol(folder, "New")
        before = contents(folder)

        code = main(["gallery", "restore", str(backup), "--dry-run", "--gallery", str(folder)])

        assert code == 0
        assert "Not in the backup: New." in capsys.readouterr().out
        assert contents(folder) == before
        assert [path.name for path in folder.glob("replaced-*")] == []

    def test_says_whose_templates_differ(self, folder, backup):
        change(folder, lambda g: people.merge_people(g, "Person 1", "Person 2"))

        plan = plan_restore(folder, backup)

        assert (plan.changing, plan.returning) == (("Person 2",), ("Person 1",))

    def test_programs_that_have_the_gallery_open_go_on_with_the_restored_one(self, folder, backup):
        with open_gallery(folder, min_saved=1) as other:
            enrol(folder, "New")
            assert len(answers(other)) == 82
            restore(folder, backup)

            assert "New" not in [person.name for person in people.list_people(other)]
            enrol(folder, "Newer")
            found = answers(other)
            assert len(found) == 82
            assert {name for name, *_ in found} >= {"Newer"}

    def test_numbers_given_since_the_backup_are_not_given_again(self, folder, backup):
        enrol(folder, "New")
        used = max(row[0] for row in contents(folder)[0]["templates"])
        restore(folder, backup)
        enrol(folder, "Newer")

        rows = contents(folder)[0]
        assert max(row[0] for row in rows["templates"]) > used
        assert max(row[0] for row in rows["people"]) == 42

    def test_history_comes_back_with_it(self, folder, tmp_path):
        change(folder, lambda gallery: people.rename_person(gallery, "Person 1", "Ada"))
        backup = change(folder, lambda gallery: back_up(gallery, tmp_path / "b.backup")).path
        change(folder, lambda gallery: people.remove_person(gallery, "Ada"))
        restore(folder, backup)

        change(folder, steps.undo)
        assert "Person 1" in [row[1] for row in contents(folder)[0]["people"]]

    def test_into_the_place_of_a_damaged_one_keeps_that_as_it_was(self, folder, backup):
        then = contents(folder)
        damage(folder, 1)
        broken = (folder / "gallery.db").read_bytes()

        report = restore(folder, backup, keep=False)

        assert contents(folder) == then
        assert (report.kept / "gallery.db").read_bytes() == broken
        assert report.plan.n_people is None

    def test_after_the_database_was_lost(self, folder, backup):
        then = contents(folder)
        (folder / "gallery.db").rename(folder / "gallery.db-wal")

        report = restore(folder, backup)

        assert contents(folder) == then
        assert (report.kept / "gallery.db-wal").exists()

    def test_keeps_nothing_when_told_so(self, folder, backup):
        assert restore(folder, backup, keep=False).kept is None
        assert sorted(path.name for path in folder.iterdir()) == ["gallery.db"]

    def test_a_damaged_gallery_that_is_open_elsewhere_is_left_alone(self, folder, backup):
        """Also when the other program opened it twice, and closed it once."""
        code = f"""
from pathlib import Path
from facerec.services.restore import restore
from facerec.errors import DatabaseBusyError
with Path({str(folder / "gallery.db")!r}).open("rb+") as stream:
    stream.write(bytes(16384))
try:
    restore(Path({str(folder)!r}), Path({str(backup)!r}))
except DatabaseBusyError as error:
    print(error)
"""
        with open_gallery(folder) as other:
            people.list_people(other)
            open_gallery(folder).close()
            answer = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
            )
            assert "Another program has the damaged gallery open. Close it" in answer.stdout
            with pytest.raises(DatabaseBusyError):
                restore(folder, backup)
            assert not list(folder.glob("damaged-*"))

    def test_says_so_when_another_program_writes_for_too_long(self, folder, backup, monkeypatch):
        monkeypatch.setattr("facerec.services.restore.DEFAULT_BUSY_TIMEOUT_S", 0.2)
        with open_gallery(folder) as other, other.store.write() as session:
            add_person(session, "Unfinished")
            with pytest.raises(DatabaseBusyError, match="Another program"):
                restore(folder, backup, keep=False)
        assert len(contents(folder)[0]["people"]) == 41


class TestRepair:
    def test_leaves_a_whole_gallery_as_it_is(self, folder):
        before = contents(folder)

        report = repair(folder)

        assert (report.salvaged, report.kept, report.removed) == (None, None, ())
        assert report.index.n_indexed == 40
        assert contents(folder) == before

    @pytest.mark.parametrize("page", range(1, 17))
    def test_any_page_but_those_of_rows_costs_nothing(self, folder, page):
        """Rows without their tree, trees without their schema: all are found again."""
        rows_before, answers_before = contents(folder)
        kind = PageFile.read(folder / "gallery.db", usual_page_bytes=PAGE_SIZE_BYTES).page(page)
        is_rows = (
            kind is not None
            and page > 1
            and any(
                len(cell.values or ()) in {2, 5, 6, 13} and not isinstance(cell.values[-1], int)
                for cell in kind.cells
            )
        )
        damage(folder, page)
        try:
            open_gallery(folder, create=False).close()
        except DatabaseCorruptError:
            report = repair(folder)
            rows, found = contents(folder)
            lost = {t.id for t in report.salvaged.lost_templates}
            assert {row[0] for row in rows_before["templates"]} - {
                row[0] for row in rows["templates"]
            } == lost
            assert len(found) == 2 * (40 - len(lost))
            if not is_rows:
                assert rows == rows_before
                assert found == answers_before
        else:
            pytest.skip("nobody uses this page")

    def test_lists_lost_templates_by_name_and_number(self, folder):
        file = PageFile.read(folder / "gallery.db", usual_page_bytes=PAGE_SIZE_BYTES)
        page, ids = next(
            (number, [cell.rowid for cell in found.cells])
            for number in range(2, file.n_pages + 1)
            if (found := file.page(number)) is not None
            and found.kind == 13
            and len(found.cells[:1]) == 1
            and len(found.cells[0].values or ()) == 13
        )
        owners = {row[0]: row[1] for row in contents(folder)[0]["templates"]}
        names = {row[0]: row[1] for row in contents(folder)[0]["people"]}
        damage(folder, page)

        report = repair(folder)

        found = [(lost.id, lost.person) for lost in report.salvaged.lost_templates]
        assert found == [(number, names[owners[number]]) for number in ids]
        assert (report.kept / "gallery.db").exists()

    def test_people_whose_rows_are_lost_keep_their_templates_under_what_is_known(self, folder):
        file = PageFile.read(folder / "gallery.db", usual_page_bytes=PAGE_SIZE_BYTES)
        page = next(
            number
            for number in range(2, file.n_pages + 1)
            if (found := file.page(number)) is not None
            and found.kind == 13
            and len(found.cells) == 40
            and (found.cells[0].values or ("",))[1:2] == ("Person 0",)
        )
        damage(folder, page)

        report = repair(folder)

        assert report.salvaged.renamed_people[:2] == ("person 0", "person 1")
        rows, found = contents(folder)
        assert len(rows["templates"]) == 40
        assert {name for name, *_ in found} == {f"person {number}" for number in range(40)}

    def test_saves_what_is_only_in_the_log(self, folder, tmp_path):
        with open_gallery(folder) as gallery:
            people.rename_person(gallery, "Person 1", "Ada")
            shutil.copytree(folder, tmp_path / "cut")  # as a machine leaves it that is switched off
        damage(tmp_path / "cut", 1)
        (tmp_path / "cut" / "gallery.db-shm").unlink()

        repair(tmp_path / "cut")

        assert "Ada" in [row[1] for row in contents(tmp_path / "cut")[0]["people"]]

    def test_flipped_bits_of_a_vector_are_found(self, folder):
        data = bytearray((folder / "gallery.db").read_bytes())
        vector = contents(folder)[0]["templates"][7][5]
        place = data.index(vector)
        data[place : place + 8] = b"\x00\x00\x80\x7f" * 2
        (folder / "gallery.db").write_bytes(data)

        with pytest.raises(DatabaseCorruptError):
            contents(folder)
        (lost,) = repair(folder).salvaged.lost_templates
        assert (lost.id, lost.person) == (8, "Person 7")

    def test_rubbish_is_left_as_it_is(self, folder):
        rubbish = random.Random(1).randbytes(9 * PAGE_SIZE_BYTES).replace(b"\7", b"\6")
        (folder / "gallery.db").write_bytes(rubbish)

        with pytest.raises(DatabaseCorruptError, match="Nothing of the damaged gallery"):
            repair(folder)

        assert (folder / "gallery.db").read_bytes() == rubbish
        assert [path.name for path in folder.iterdir()] == ["gallery.db"]

    def test_remakes_a_damaged_or_stale_index(self, folder, monkeypatch):
        change(folder, answers)
        index = folder / "vectors.index"
        old = index.read_bytes()
        enrol(folder, "New")
        index.write_bytes(old)
        assert repair(folder).index_fault == "out of date"
        index.write_bytes(old[:-7])
        assert repair(folder).index_fault in {"damaged", "out of date"}
        assert len(answers_of(folder)) == 82

    def test_removes_half_made_files(self, folder):
        names = [f"gallery.db.new-{2**22 + 1}-aa", f"replaced-1.backup.new-{2**22 + 1}-bb"]
        names += ["vectors.index.12345678.tmp"]
        for name in names:
            (folder / name).write_bytes(b"half")
        mine = folder / f"gallery.db.new-{os.getpid()}-cc"
        mine.write_bytes(b"in the making")

        report = repair(folder)

        assert sorted(path.name for path in report.removed) == sorted(names)
        assert mine.exists()

    def test_a_log_left_over_is_taken_in(self, folder, tmp_path):
        with open_gallery(folder) as gallery:
            people.rename_person(gallery, "Person 1", "Ada")
            shutil.copytree(folder, tmp_path / "cut")
        assert (tmp_path / "cut" / "gallery.db-wal").stat().st_size

        assert repair(tmp_path / "cut").salvaged is None
        assert "Ada" in [row[1] for row in contents(tmp_path / "cut")[0]["people"]]

    def test_the_command_says_it_in_sentences(self, folder, capsys):
        damage(folder, 1)

        assert main(["gallery", "repair", "--gallery", str(folder)]) == 0
        said = capsys.readouterr().out
        assert "The database was damaged; saved: 40 people with 40 templates." in said
        assert "The damaged database is kept in" in said

    def test_the_doctor_mends_when_asked(self, folder, capsys):
        damage(folder, 1)

        main(["doctor", "--json", "--gallery", str(folder)])
        before = json.loads(capsys.readouterr().out)
        main(["doctor", "--repair", "--json", "--gallery", str(folder)])
        after = json.loads(capsys.readouterr().out)

        (check,) = [c for c in before["checks"] if c["group"] == "gallery"]
        assert check["state"] == "problem"
        assert "facerec gallery repair" in check["remedy"]
        assert after["repaired"]["salvaged"]["n_people"] == 40
        assert {c["state"] for c in after["checks"] if c["group"] == "gallery"} <= {"ok", "note"}


def answers_of(folder):
    return change(folder, answers)


class TestPlaces:
    def test_a_moved_folder_is_the_same_gallery(self, folder, tmp_path):
        before = contents(folder)
        folder.rename(tmp_path / "elsewhere")

        assert contents(tmp_path / "elsewhere") == before

    def test_a_read_only_drive_lets_people_be_found_and_not_changed(self, folder, monkeypatch):
        before = contents(folder)
        for module in ("sqlite", "medium"):
            monkeypatch.setattr(f"facerec.gallery.backends.{module}.is_read_only", lambda _: True)

        with open_gallery(folder, create=False, min_saved=1) as gallery:
            assert answers(gallery) == before[1]
            with pytest.raises(StoreError, match=r"cannot be written\..*use a gallery elsewhere"):
                people.remove_person(gallery, "Person 1")
            assert sorted(path.name for path in folder.iterdir()) == [
                "gallery.db",
                "vectors.index",
            ]
        note = next(check for check in examine_gallery(folder) if check.name == "drive")
        assert note.state is State.NOTE

    def test_changes_in_the_log_cannot_be_read_on_a_read_only_drive(
        self, folder, tmp_path, monkeypatch
    ):
        with open_gallery(folder) as gallery:
            people.rename_person(gallery, "Person 1", "Ada")
            shutil.copytree(folder, tmp_path / "cut")
        monkeypatch.setattr("facerec.gallery.backends.sqlite.is_read_only", lambda _: True)

        with pytest.raises(StoreError, match=r"still in its log.*Copy the folder"):
            GalleryStore.open(tmp_path / "cut", create=False)

    def test_a_network_drive_is_named(self, folder, tmp_path, monkeypatch):
        mounts = tmp_path / "mountinfo"
        mounts.write_text(
            "22 1 8:1 / / rw - ext4 /dev/vda rw\n"
            f"40 22 0:35 / {tmp_path} rw,relatime shared:9 - nfs4 box:/faces rw\n"
        )
        monkeypatch.setattr(medium, "_MOUNTS", mounts)

        check = next(check for check in examine_gallery(folder) if check.name == "drive")
        assert (check.state, medium.network_kind(folder)) == (State.PROBLEM, "nfs4")
        assert "network drive (nfs4)" in check.detail
        assert medium.network_kind(tmp_path.parent) == ""

    def test_a_clock_that_went_back_changes_no_order_and_is_noted(self, folder, monkeypatch):
        ahead = datetime.now(UTC) + timedelta(days=400)
        monkeypatch.setattr(OpenGallery, "now", lambda _: ahead)
        change(folder, lambda gallery: people.rename_person(gallery, "Person 1", "Ada"))
        monkeypatch.undo()
        change(folder, lambda gallery: people.rename_person(gallery, "Ada", "Bea"))

        note = next(check for check in examine_gallery(folder) if check.name == "clock")
        assert "was changed at" in note.detail
        sentences = change(folder, lambda gallery: [s.sentence for s in steps.history(gallery)])
        assert [s.split()[1] for s in sentences] == ["'Ada'", "'Person"]
        change(folder, steps.undo)
        change(folder, steps.undo)
        assert "Person 1" in [row[1] for row in contents(folder)[0]["people"]]
