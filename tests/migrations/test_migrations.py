"""Migrations: up, down, up again; nothing left for autogenerate; a newer gallery is refused."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from facerec.errors import DatabaseCorruptError, DatabaseTooNewError
from facerec.gallery import migrate, people
from facerec.gallery.calibrations import find_calibration
from facerec.gallery.session import GalleryStore, gallery_state, set_contract
from facerec.gallery.tables import Base
from facerec.paths import migrations_dir
from facerec.services.access import access_log
from facerec.services.change_model import begin, change_status
from facerec.services.copies import list_copies
from facerec.services.gallery import open_gallery
from facerec.services.people import rename_person, show_person
from facerec.services.steps import undo
from tests.helpers.gallery_dump import all_rows, answers

ROOT = Path(__file__).resolve().parents[2]
NEXT_REVISION = f"{int(migrate.HEAD_REVISION) + 1:04d}"


@pytest.fixture
def engine(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'plain.db'}")
    yield engine
    engine.dispose()


def test_the_folder_is_no_package():
    """With an ``__init__.py`` it would shadow the library of the same name."""
    assert not (migrations_dir() / "__init__.py").exists()


def test_the_program_names_the_newest_script():
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()))
    scripts = ScriptDirectory.from_config(config)

    assert scripts.get_heads() == [migrate.HEAD_REVISION]
    assert sorted(script.revision for script in scripts.walk_revisions()) == list(
        migrate.known_revisions()
    )


def test_every_script_says_what_and_why():
    for path in (migrations_dir() / "versions").glob("*.py"):
        assert "\nWhy: " in path.read_text(encoding="utf-8")


def test_goes_up_and_down_and_up_again(engine):
    with engine.begin() as connection:
        migrate.upgrade(connection)
    tables = set(inspect(engine).get_table_names())
    with engine.begin() as connection:
        migrate.downgrade(connection, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    with engine.begin() as connection:
        migrate.upgrade(connection)

    assert set(inspect(engine).get_table_names()) == tables
    assert tables == {*Base.metadata.tables, "alembic_version"}


def test_autogenerate_finds_nothing_to_do(engine):
    with engine.begin() as connection:
        migrate.upgrade(connection)

        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "render_as_batch": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_ids_are_autoincrement(engine):
    with engine.begin() as connection:
        migrate.upgrade(connection)
        for table in ("people", "images", "templates", "calibrations"):
            sql = connection.exec_driver_sql(
                "SELECT sql FROM sqlite_master WHERE name = ?", (table,)
            ).scalar()
            assert "AUTOINCREMENT" in sql


def test_developers_can_use_the_alembic_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "-x", f"db={tmp_path / 'dev.db'}", "upgrade", "head"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    with sqlite3.connect(tmp_path / "dev.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (
            migrate.HEAD_REVISION,
        )
    connection.close()


def set_revision(folder, revision):
    connection = sqlite3.connect(folder / "gallery.db")
    connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.commit()
    connection.close()


def test_refuses_a_gallery_of_a_newer_program(tmp_path):
    GalleryStore.open(tmp_path).close()
    set_revision(tmp_path, "9999")

    with pytest.raises(DatabaseTooNewError, match="newer version") as caught:
        GalleryStore.open(tmp_path)

    assert "Update facerec" in caught.value.remedy


def test_a_gallery_of_the_first_revision_keeps_what_it_holds(tmp_path):
    """Filled by the statements of the program that wrote that revision."""
    engine = create_engine(f"sqlite:///{tmp_path / 'gallery.db'}")
    with engine.begin() as connection:
        migrate.upgrade(connection, "0001")
        for statement in FIRST_REVISION.split(";"):
            connection.exec_driver_sql(statement)
    engine.dispose()

    with open_gallery(tmp_path) as gallery:
        details = show_person(gallery, "Ann")
        before = all_rows(gallery)
        rename_person(gallery, "Ann", "Bea")
        undo(gallery)

        assert [template.id for template in details.templates] == [3, 4]
        assert details.n_set_aside == 0
        assert gallery.state().revision == 9
        assert [name for name, *_ in answers(gallery)] == ["Ann"] * 4
        assert all_rows(gallery) == before


FIRST_REVISION = """
INSERT INTO gallery VALUES (1, 'u', 7, 6, 't', 'c', '2026-03-01 12:00:00.000000');
INSERT INTO people VALUES
    (5, 'Ann', 'ann', '2026-03-01 12:00:00.000000', '2026-03-01 12:00:00.000000');
INSERT INTO images VALUES
    (1, 'a1', 'a.jpg', 8, 8, '2026-03-01 12:00:00.000000'),
    (2, 'b2', 'b.jpg', 8, 8, '2026-03-01 12:00:00.000000');
INSERT INTO templates VALUES
    (3, 5, 1, 'c', 2, x'0000803f00000000', 0.5, 0, 0, 8, 8, '2026-03-01 12:00:00.000000'),
    (4, 5, 2, 'c', 2, x'000000000000803f', 0.5, 0, 0, 8, 8, '2026-03-01 12:00:00.000000');
INSERT INTO crops VALUES (3, x'00'), (4, x'01')
"""


@pytest.fixture
def future(tmp_path, monkeypatch):
    """A program one revision further: its migration rebuilds ``people``, as batch mode does."""
    folder = tmp_path / "future"
    shutil.copytree(migrations_dir(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / f"{NEXT_REVISION}_add_note.py").write_text(
        f'''"""Add a note.

Why: a test.
"""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT_REVISION}"
down_revision = "{migrate.HEAD_REVISION}"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("people", recreate="always") as batch:
        batch.add_column(sa.Column("note", sa.String(), nullable=True))


def downgrade():
    with op.batch_alter_table("people") as batch:
        batch.drop_column("note")
'''
    )
    monkeypatch.setattr(migrate, "migrations_dir", lambda: folder)
    monkeypatch.setattr(migrate, "HEAD_REVISION", NEXT_REVISION)
    return folder


def gallery_with_a_template(folder, add_person_with_template):
    with GalleryStore.open(folder) as store, store.write() as session:
        add_person_with_template(session, "Ann")


def columns_of_people(folder):
    connection = sqlite3.connect(folder / "gallery.db")
    names = [row[1] for row in connection.execute("PRAGMA table_info(people)")]
    connection.close()
    return names


def n_rows(folder, table):
    connection = sqlite3.connect(folder / "gallery.db")
    (n,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    connection.close()
    return n


def test_an_old_gallery_is_brought_up_when_opened_and_keeps_its_templates(
    tmp_path, monkeypatch, request, add_person_with_template
):
    folder = tmp_path / "gallery"
    gallery_with_a_template(folder, add_person_with_template)
    request.getfixturevalue("future")

    with GalleryStore.open(folder) as store, store.read() as session:
        assert [person.name for person in people.list_people(session)] == ["Ann"]
        assert gallery_state(session).revision == 1

    assert "note" in columns_of_people(folder)
    assert n_rows(folder, "templates") == n_rows(folder, "crops") == 1


def test_a_failing_migration_changes_nothing(tmp_path, request, add_person_with_template):
    folder = tmp_path / "gallery"
    gallery_with_a_template(folder, add_person_with_template)
    script = request.getfixturevalue("future") / "versions" / f"{NEXT_REVISION}_add_note.py"
    script.write_text(
        script.read_text().replace("nullable=True))\n", "nullable=True))\n    1 / 0\n")
    )

    with pytest.raises(ZeroDivisionError):
        GalleryStore.open(folder)

    assert "note" not in columns_of_people(folder)
    assert n_rows(folder, "templates") == n_rows(folder, "people") == 1


def test_a_migration_that_leaves_loose_rows_is_undone(tmp_path, request, add_person_with_template):
    folder = tmp_path / "gallery"
    gallery_with_a_template(folder, add_person_with_template)
    script = request.getfixturevalue("future") / "versions" / f"{NEXT_REVISION}_add_note.py"
    script.write_text(
        script.read_text().replace(
            "nullable=True))\n", 'nullable=True))\n    op.execute("DELETE FROM people")\n'
        )
    )

    with pytest.raises(DatabaseCorruptError, match="refer to nothing"):
        GalleryStore.open(folder)

    assert n_rows(folder, "people") == 1


def test_consents_log_and_copies_come_with_their_revision(tmp_path, add_person_with_template):
    """A gallery of the version before keeps everything; nobody has agreed to anything there."""
    folder = tmp_path / "gallery"
    gallery_with_a_template(folder, add_person_with_template)
    engine = create_engine(f"sqlite:///{folder / 'gallery.db'}")
    with engine.begin() as connection:
        migrate.downgrade(connection, "0004")
    assert {"consents", "access_log", "copies"}.isdisjoint(inspect(engine).get_table_names())
    engine.dispose()

    with open_gallery(folder) as gallery:
        assert show_person(gallery, "Ann").consent is None
        assert (list_copies(gallery), access_log(gallery)) == ([], [])

    assert n_rows(folder, "templates") == 1
    assert n_rows(folder, "access_log") == 1


def test_calibrations_come_and_go_with_their_revision(tmp_path, add_person_with_template):
    """A gallery of the version before keeps everything, and has no calibration yet."""
    folder = tmp_path / "gallery"
    gallery_with_a_template(folder, add_person_with_template)
    engine = create_engine(f"sqlite:///{folder / 'gallery.db'}")
    with engine.begin() as connection:
        migrate.downgrade(connection, "0001")
    assert "calibrations" not in inspect(engine).get_table_names()
    engine.dispose()

    with GalleryStore.open(folder) as store, store.read() as session:
        assert find_calibration(session) is None
        assert [person.name for person in people.list_people(session)] == ["Ann"]

    assert n_rows(folder, "templates") == 1


def test_changes_of_model_come_and_go_with_their_revision(tmp_path, add_person_with_template):
    """A gallery of the version before keeps everything, and is in no change of model."""
    folder = tmp_path / "gallery"
    gallery_with_a_template(folder, add_person_with_template)
    engine = create_engine(f"sqlite:///{folder / 'gallery.db'}")
    with engine.begin() as connection:
        migrate.downgrade(connection, "0004")
    assert "spare_vectors" not in inspect(engine).get_table_names()
    engine.dispose()

    with open_gallery(folder) as gallery:
        assert change_status(gallery) is None
        with gallery.store.write() as session:
            set_contract(session, "a" * 16)
        begin(gallery, "old", "new", "b" * 16)
        assert change_status(gallery).progress.n_waiting == 1

    assert n_rows(folder, "templates") == 1
