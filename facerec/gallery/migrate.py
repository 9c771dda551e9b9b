"""Bring a gallery's database to the revision this program works with.

In comes a connection; what it must be is decided from the revision stored in it. Alembic is loaded
only when there is something to do, since loading it costs more than opening a gallery.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert

from facerec.errors import DatabaseCorruptError, DatabaseTooNewError
from facerec.gallery.tables import GalleryRow
from facerec.paths import migrations_dir

# The newest script in alembic/versions; a test compares the two.
HEAD_REVISION = "0007"


def stored_revision(connection: Connection) -> str | None:
    """Return the revision a database is at; None when it has no tables at all.

    Raises:
        DatabaseCorruptError: there are tables, but not those of a gallery.
    """
    names = set(
        connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars()
    )
    if not names:
        return None
    rows: list[str] = []
    if "alembic_version" in names:
        rows = list(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars())
    if len(rows) != 1 or "templates" not in names:
        raise DatabaseCorruptError(
            "This database is not a facerec gallery.",
            remedy="Name the folder of a gallery, or a new folder.",
        )
    return rows[0]


def known_revisions(folder: Path | None = None) -> tuple[str, ...]:
    """Return the revisions this program has scripts for, oldest first."""
    versions = (folder or migrations_dir()) / "versions"
    return tuple(sorted(path.name.partition("_")[0] for path in versions.glob("[0-9]*_*.py")))


def require_not_newer(revision: str) -> None:
    """Refuse a revision that this program does not know.

    Raises:
        DatabaseTooNewError: a newer program wrote the gallery.
    """
    if revision != HEAD_REVISION and revision not in known_revisions():
        raise DatabaseTooNewError(
            f"A newer version of facerec wrote this gallery (its revision is {revision}, "
            f"this program knows {HEAD_REVISION}).",
            remedy="Update facerec: pip install --upgrade facerec.",
            revision=revision,
        )


def upgrade(connection: Connection, target: str = "head") -> None:
    """Run the missing migrations in the transaction that the caller has begun.

    The caller has switched foreign keys off before that transaction: batch migrations drop tables,
    and a cascade would take the templates along.

    Args:
        connection: with an open transaction.
        target: the revision to reach.

    Raises:
        DatabaseCorruptError: rows are left that refer to nothing.
    """
    _run(connection, "upgrade", target)


def make_gallery(connection: Connection) -> None:
    """Make the tables and the gallery's own row in an empty database, see ``upgrade``."""
    upgrade(connection)
    connection.execute(
        insert(GalleryRow).values(
            id=1,
            uuid=str(uuid.uuid4()),
            revision=0,
            vectors_revision=0,
            vectors_token=uuid.uuid4().hex,
            contract_id=None,
            created_at=datetime.now(UTC),
        )
    )


def downgrade(connection: Connection, target: str) -> None:
    """Go back to an older revision; for tests and developers.

    Args:
        connection: with an open transaction, foreign keys off.
        target: the revision to reach, ``base`` for none.
    """
    _run(connection, "downgrade", target)


def _run(connection: Connection, direction: str, target: str) -> None:
    from alembic.config import Config

    from alembic import command

    settings = Config()
    settings.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    settings.attributes["connection"] = connection
    getattr(command, direction)(settings, target)
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise DatabaseCorruptError(
            "The gallery has rows that refer to nothing, so it was left as it is.",
            remedy="Restore it from a backup or an export.",
        )
