"""A gallery's whole database as one file that says itself what is in it, and whether it is whole.

A backup is a SQLite database like the gallery's own, with one table more: the manifest, which has
the digest of every other table. It is made of one state of the gallery, while others may write.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from facerec import __version__
from facerec.errors import (
    DatabaseBusyError,
    DatabaseCorruptError,
    DuplicateError,
    InputError,
    StoreError,
)
from facerec.gallery import migrate
from facerec.gallery.backends.sqlcipher import DatabaseKey
from facerec.gallery.backends.sqlite import SqliteBackend, connect, database_errors
from facerec.gallery.backends.sqlite_file import (
    require_sqlite,
    sync_file,
    unfinished_files,
    unfinished_name,
)
from facerec.gallery.wiping import sync_folder

MANIFEST_TABLE = "backup_manifest"
# Pages copied at a time while another program may hold the target.
_PAGES_PER_STEP = 4096
# Person -> (digest of an Image, contract) of each Template.
Holdings = dict[str, set[tuple[str, str]]]
_HOLDINGS = """
SELECT people.name, images.sha256, templates.contract_id FROM people
LEFT JOIN templates ON templates.person_id = people.id
LEFT JOIN images ON images.id = templates.image_id
"""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    Attributes:
        made_at: when, UTC, in ISO 8601.
        program: version of facerec that made it.
        tables_revision: of the tables, see ``facerec.gallery.migrate``.
        gallery_uuid: of which gallery.
        gallery_revision: as of which of its changes.
        counts: table -> rows.
        digests: table -> SHA-256 of its rows in their order.
    """

    made_at: str
    program: str
    tables_revision: str
    gallery_uuid: str
    gallery_revision: int
    counts: dict[str, int]
    digests: dict[str, str]


def write_backup(
    source: Path, out: Path, *, busy_timeout_s: float, key: DatabaseKey | None = None
) -> Manifest:
    """Write a backup in one step: under its name is a whole one or none.

    Args:
        source: database of the gallery; others may write to it meanwhile.
        out: the file to make.
        busy_timeout_s: how long to wait for others.
        key: of an encrypted gallery; the backup is encrypted with it too.

    Raises:
        DuplicateError: the file is there already.
        StoreError: it cannot be written, or what was written is not what was read.
    """
    if out.exists():
        raise DuplicateError(f"{out} is there already.", remedy="Name another file.")
    if not out.parent.is_dir():
        raise StoreError(f"There is no folder {out.parent}.", remedy="Make it, or name another.")
    for leftover in unfinished_files(out.parent, out.name):
        leftover.unlink(missing_ok=True)
    making = unfinished_name(out)
    try:
        with (
            SqliteBackend(source, busy_timeout_s, key).translated(),
            contextlib.closing(connect(source, busy_timeout_s, key)) as reading,
            contextlib.closing(connect(making, busy_timeout_s, key)) as writing,
        ):
            reading.execute("BEGIN")  # the copy is of the state that the digests are of
            manifest = _describe(reading)
            copy_database(reading, writing, busy_timeout_s)
            reading.execute("COMMIT")
            seal(writing, manifest)
            writing.execute("PRAGMA journal_mode = DELETE").fetchall()
        _require_whole_copy(making, key)
        sync_file(making)
        making.replace(out)
        sync_folder(out.parent)
    except OSError as error:
        raise StoreError(
            f"The backup {out} cannot be written ({error.strerror}).",
            remedy="Name a file in a folder that can be written, with enough space.",
        ) from error
    finally:
        for leftover in out.parent.glob(f"{making.name}*"):
            leftover.unlink(missing_ok=True)
    return manifest


def _require_whole_copy(making: Path, key: DatabaseKey | None) -> None:
    try:
        verify_backup(making, key)
    except InputError as error:
        raise DatabaseCorruptError(
            "The gallery is damaged, so no backup of it was written.",
            remedy="facerec gallery repair saves what can be read.",
        ) from error


def seal(connection: sqlite3.Connection, manifest: Manifest | None = None) -> Manifest:
    """Write the manifest of a backup, also anew after rows of it were erased.

    Args:
        connection: to the backup, without a transaction.
        manifest: what it must hold; what it holds now when not given.
    """
    manifest = manifest or _describe(connection)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"DROP TABLE IF EXISTS {MANIFEST_TABLE}")
    connection.execute(f"CREATE TABLE {MANIFEST_TABLE} (manifest VARCHAR NOT NULL)")
    connection.execute(f"INSERT INTO {MANIFEST_TABLE} VALUES (?)", (json.dumps(asdict(manifest)),))  # noqa: S608  (names of our own tables)
    connection.execute("COMMIT")
    return manifest


def is_sealed(connection: sqlite3.Connection) -> bool:
    """Say whether a database has a manifest."""
    is_table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.execute(is_table, (MANIFEST_TABLE,)).fetchone() is not None


def verify_backup(path: Path, key: DatabaseKey | None = None) -> Manifest:
    """Read a whole backup, and compare it with its manifest.

    Args:
        path: of the backup.
        key: of an encrypted one.

    Raises:
        InputError: there is none, it is no backup, or it is damaged.
        DatabaseTooNewError: a newer program made it.
    """
    with opened_backup(path, key) as connection:
        manifest = _manifest(connection)
        whole = connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
        now = _describe(connection)
    if not whole or (now.counts, now.digests) != (manifest.counts, manifest.digests):
        raise InputError(f"The backup {path} is damaged.", remedy="Use an older one.")
    migrate.require_not_newer(manifest.tables_revision)
    return manifest


@contextlib.contextmanager
def opened_backup(path: Path, key: DatabaseKey | None = None) -> Iterator[sqlite3.Connection]:
    """Open a backup for reading only; nothing is written beside it.

    Raises:
        InputError: there is none, or it is damaged.
    """
    if not path.is_file():
        raise InputError(f"There is no backup {path}.", remedy="Check the name.")
    try:
        if key is None:
            require_sqlite(path)
        with contextlib.closing(connect(path, 0.0, key, read_only=True)) as connection:
            yield connection
    except (database_errors(key), StoreError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} is no backup, or it is damaged.", remedy="Use another one."
        ) from error


def holdings(connection: sqlite3.Connection) -> Holdings:
    """Say who is in a gallery or backup, with what, for comparing two."""
    found: Holdings = {}
    for name, sha256, contract_id in connection.execute(_HOLDINGS):
        templates = found.setdefault(name, set())
        if sha256 is not None:
            templates.add((sha256, contract_id))
    return found


def copy_database(
    source: sqlite3.Connection, target: sqlite3.Connection, busy_timeout_s: float
) -> None:
    """Put a database in the place of another in one transaction, which others may be reading.

    Raises:
        DatabaseBusyError: another program held the target for too long.
    """
    deadline = time.monotonic() + busy_timeout_s

    def wait(status: int, remaining: int, total: int) -> None:
        del remaining, total
        if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} and time.monotonic() > deadline:
            raise DatabaseBusyError(
                "Another program is writing to the gallery and did not finish in time.",
                remedy="Wait for it to finish, then try again.",
            )

    source.backup(target, pages=_PAGES_PER_STEP, progress=wait, sleep=0.01)


def _manifest(connection: sqlite3.Connection) -> Manifest:
    text = connection.execute(f"SELECT manifest FROM {MANIFEST_TABLE}").fetchone()[0]  # noqa: S608  (names of our own tables)
    return Manifest(**json.loads(text))


def _describe(connection: sqlite3.Connection) -> Manifest:
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
        "AND name <> ? ORDER BY name",
        (MANIFEST_TABLE,),
    ).fetchall()
    found = {name: _digest(connection, name) for (name,) in names}
    (tables_revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    gallery_uuid, revision = connection.execute("SELECT uuid, revision FROM gallery").fetchone()
    return Manifest(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        program=__version__,
        tables_revision=tables_revision,
        gallery_uuid=gallery_uuid,
        gallery_revision=revision,
        counts={name: count for name, (count, _) in found.items()},
        digests={name: digest for name, (_, digest) in found.items()},
    )


def _digest(connection: sqlite3.Connection, table: str) -> tuple[int, str]:
    """Count a table's rows, and digest them."""
    count, digest = 0, hashlib.sha256()
    # (the table's name comes from the schema)
    for row in connection.execute(f'SELECT rowid, * FROM "{table}" ORDER BY rowid'):  # noqa: S608  (names of our own tables)
        count += 1
        for value in row:
            data = value if isinstance(value, bytes) else repr(value).encode()
            digest.update(f"{type(value).__name__}{len(data)}:".encode())
            digest.update(data)
    return count, digest.hexdigest()
