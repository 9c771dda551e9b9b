"""A gallery in SQLite: how it is connected to, what its safety rests on, and what its errors mean.

One file in the gallery's folder, in WAL mode. ``connect`` makes every connection there is.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, exc
from sqlalchemy.orm import Session

from facerec.errors import (
    DatabaseBusyError,
    DatabaseCorruptError,
    FacerecError,
    GalleryLockedError,
    StoreError,
)
from facerec.gallery import migrate
from facerec.gallery.backends.base import DAMAGED_REMEDY, Backend, refuse_damaged
from facerec.gallery.backends.medium import is_read_only
from facerec.gallery.backends.sqlcipher import (
    DatabaseKey,
    SecretFinder,
    connect_unlocked,
    key_of,
    require_sqlcipher,
    salt_of,
)
from facerec.gallery.backends.sqlite_file import (
    DATABASE_NAME,
    PAGE_SIZE_BYTES,
    make_file,
    note_closed,
    note_open,
    remove_leftovers,
    require_place,
    require_sqlite,
)

# "FREC": tells a gallery from other SQLite files, also by `file`.
APPLICATION_ID = 0x46524543
# Below this size every page is checked at opening (about 1 ms per MB); `check()` does it at any.
FULL_CHECK_BYTES = 32 * 2**20


class SqliteBackend(Backend):
    """The SQLite file of a gallery.

    Attributes:
        path: of the file.
        key: of an encrypted file; None for a plain one.
    """

    name = "SQLite"

    def __init__(self, path: Path, busy_timeout_s: float, key: DatabaseKey | None = None) -> None:
        self.path = path
        self.key = key
        self._place: tuple[int, int] | None = None
        self.engine = _engine(path, busy_timeout_s, key)
        self.writing_engine = self.engine.execution_options(facerec_begin="IMMEDIATE")

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        create: bool,
        busy_timeout_s: float,
        find_secret: SecretFinder | None = None,
    ) -> Self:
        """Open the database in a folder, whatever its revision.

        Args:
            folder: of the gallery.
            create: make folder and database when they are not there.
            busy_timeout_s: how long to wait for another process that is writing.
            find_secret: asked for the passphrase of an encrypted file.

        Raises:
            NotFoundError: there is no gallery and ``create`` is false.
            DatabaseCorruptError: the file is damaged or is no database.
            GalleryLockedError: it is encrypted, and there is no passphrase.
            StoreError: the folder is a file, cannot be written, or the disk is full.
        """
        path = folder / DATABASE_NAME
        require_place(folder, create=create)
        if not path.exists():
            make_file(path, make_gallery_file)
        place = note_open(path, _salt_or_plain)
        try:
            _require_settled(path)
            backend = cls(path, busy_timeout_s, unlock(path, find_secret))
        except BaseException:
            note_closed(place)
            raise
        backend._place = place
        return backend

    def close(self) -> None:
        """See ``Backend.close``."""
        super().close()
        if self._place is not None:
            note_closed(self._place)
            self._place = None

    def fill(self) -> None:
        """Make the tables in an empty file, and let go of it."""
        try:
            with self.translated():
                with self.migrating() as connection:
                    migrate.make_gallery(connection)
                # Leave nothing in the write-ahead log: only the main file gets the final name.
                with self.engine.connect() as connection:
                    _outside_transaction(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self.close()

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """See ``Backend.translated``; what is our own mistake stays as it is."""
        errors = (exc.DBAPIError, database_errors(self.key))
        try:
            yield
        except errors as error:
            text = str(error.orig if isinstance(error, exc.DBAPIError) else error)
            for phrase, kind, sentence, remedy in _SENTENCES:
                if phrase in text:
                    raise kind(sentence, remedy=remedy, path=str(self.path)) from error
            if self.key is not None and "not a database" in text:
                raise GalleryLockedError(
                    "The key does not open this gallery.",
                    remedy="Give the passphrase it was encrypted with; if that is right, the file "
                    "is damaged: restore it from a backup.",
                    path=str(self.path),
                ) from error
            if any(phrase in text for phrase in _DAMAGED):
                raise DatabaseCorruptError(
                    f"The gallery is damaged ({text}).",
                    remedy=DAMAGED_REMEDY,
                    path=str(self.path),
                ) from error
            raise

    @contextlib.contextmanager
    def migrating(self) -> Iterator[Connection]:
        """See ``Backend.migrating``; foreign keys are off, and only outside of a transaction."""
        with self.engine.connect() as connection:
            _outside_transaction(connection, "PRAGMA foreign_keys = OFF")
            try:
                writing = connection.execution_options(facerec_begin="IMMEDIATE")
                with writing.begin():
                    yield writing
            finally:
                connection.execution_options(facerec_begin="")
                _outside_transaction(connection, "PRAGMA foreign_keys = ON")

    def check_at_opening(self, connection: Connection) -> None:
        """See ``Backend.check_at_opening``: every page of a small file.

        What a killed change of the key left behind goes: nobody else can be making one, since that
        waits until every connection is closed.
        """
        remove_leftovers(self.path)
        if self.path.stat().st_size <= FULL_CHECK_BYTES:
            _check_pages(connection, "quick_check")

    def check(self) -> None:
        """See ``Backend.check``: reads every page and compares them with each other."""
        with self.translated(), self.engine.connect() as connection:
            _check_pages(connection, "integrity_check")

    def wipe(self) -> bool:
        """See ``Backend.wipe``: no free pages, and an empty write-ahead log.

        The log is not empty while another process reads an older state.
        """
        with self.translated(), self.engine.connect() as connection:
            _outside_transaction(connection, "VACUUM")
            ((busy, _, _),) = _outside_transaction(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
        return not busy


def unlock(path: Path, find_secret: SecretFinder | None) -> DatabaseKey | None:
    """Return the key of an encrypted file; None when the file is not encrypted.

    Raises:
        GalleryLockedError: it is encrypted, and there is no passphrase.
        StoreError: the file cannot be read.
    """
    salt = _salt(path)
    if salt is None:
        return None
    secret = None if find_secret is None else find_secret(path)
    if secret is None:
        raise GalleryLockedError(
            "The gallery is encrypted, and no key was given.",
            remedy="Set FACEREC_PASSPHRASE or FACEREC_PASSPHRASE_FILE; a gallery that was never "
            "encrypted is damaged: restore it from a backup or an export.",
            path=str(path),
        )
    return key_of(secret, salt)


def _salt(path: Path) -> bytes | None:
    try:
        return salt_of(path)
    except OSError as error:
        raise StoreError(
            f"The gallery {path} cannot be read ({error.strerror}).",
            remedy="Check who may read it.",
        ) from error


def _salt_or_plain(path: Path) -> bytes | None:
    """Return the salt of an encrypted file; None for a plain one, which must be SQLite's."""
    salt = _salt(path)
    if salt is None:
        require_sqlite(path)
    return salt


def _require_settled(path: Path) -> None:
    """Refuse a gallery on a read-only drive whose log holds changes; they cannot be read there."""
    log = path.with_name(f"{path.name}-wal")
    if is_read_only(path.parent) and log.exists() and log.stat().st_size:
        raise StoreError(
            "The gallery's last changes are still in its log, and this drive cannot be written.",
            remedy="Copy the folder to a drive that can be written, and open it there.",
        )


def connect(
    path: Path,
    busy_timeout_s: float,
    key: DatabaseKey | None = None,
    *,
    read_only: bool = False,
) -> sqlite3.Connection:
    """Connect to a gallery's file, or to an empty one, with everything set that safety rests on.

    Args:
        path: of the file.
        busy_timeout_s: how long to wait for others.
        key: of an encrypted file.
        read_only: take no lock and write nothing, not even beside it; for what nobody writes to.
            Always so on a drive that cannot be written.
    """
    unchanging = f"{path.absolute().as_uri()}?immutable=1"
    read_only = read_only or is_read_only(path.parent)
    if key is not None:
        if read_only:
            return connect_unlocked(unchanging, key, busy_timeout_s)
        connection = connect_unlocked(path, key, busy_timeout_s)
    elif read_only:
        return sqlite3.connect(unchanging, uri=True, isolation_level=None, check_same_thread=False)
    else:
        connection = sqlite3.connect(
            path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
        )
    for statement in (
        f"PRAGMA page_size = {PAGE_SIZE_BYTES}",  # counts only while the file is empty
        f"PRAGMA busy_timeout = {int(busy_timeout_s * 1000)}",
        "PRAGMA foreign_keys = ON",
        "PRAGMA journal_mode = WAL",
        # FULL: a commit has reached the disk when it returns, also in WAL mode.
        "PRAGMA synchronous = FULL",
        # Removed rows are overwritten with zeros, not left in free pages.
        "PRAGMA secure_delete = ON",
    ):
        connection.execute(statement).fetchall()
    _mark_as_ours(connection)
    return connection


def make_gallery_file(path: Path) -> None:
    """Make an empty gallery in a new file, which nobody else uses yet, and let go of it."""
    SqliteBackend(path, 0.0).fill()


def sqlite_version() -> str:
    """Version of the SQLite library in use."""
    return sqlite3.sqlite_version


def pragma_value(session: Session, name: str) -> Any:  # noqa: ANN401  (a number or a word)
    """Return what SQLite answers to a PRAGMA; for the doctor."""
    return session.connection().exec_driver_sql(f"PRAGMA {name}").scalar()


def database_errors(key: DatabaseKey | None) -> type[Exception]:
    """Return what a connection to a file with this key raises below SQLAlchemy."""
    found: type[Exception] = sqlite3.Error if key is None else require_sqlcipher().Error
    return found


def _engine(path: Path, busy_timeout_s: float, key: DatabaseKey | None) -> Engine:
    engine = create_engine(
        "sqlite://",
        module=sqlite3.dbapi2 if key is None else require_sqlcipher(),
        creator=lambda: connect(path, busy_timeout_s, key),
        # Each session has a connection of its own, also two in one thread.
        poolclass=QueuePool,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        kind = connection.get_execution_options().get("facerec_begin", "")
        connection.exec_driver_sql(f"BEGIN {kind}".rstrip())

    return engine


def _mark_as_ours(connection: sqlite3.Connection) -> None:
    """Set the application id of an empty file; it is not ours to set in any other."""
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if empty:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _check_pages(connection: Connection, pragma: str) -> None:
    found = connection.exec_driver_sql(f"PRAGMA {pragma}(1)").scalar()
    if found != "ok":
        refuse_damaged("its pages contradict each other")


def _outside_transaction(connection: Connection, statement: str) -> list[Any]:
    raw = connection.connection.driver_connection
    if raw is None:  # only a detached connection has none
        raise RuntimeError("The connection to the gallery was detached.")
    rows: list[Any] = raw.execute(statement).fetchall()
    return rows


# What SQLite says -> the error it becomes. The first phrase found decides.
_SENTENCES: tuple[tuple[str, type[FacerecError], str, str], ...] = (
    (
        "database is locked",
        DatabaseBusyError,
        "Another program is writing to the gallery and did not finish in time.",
        "Wait for it to finish, then try again.",
    ),
    (
        "database or disk is full",
        StoreError,
        "The disk is full; nothing of this step was saved.",
        "Free some space, then try again.",
    ),
    (
        "readonly database",
        StoreError,
        "The gallery cannot be written.",
        "Check who may write to its folder, or use a gallery elsewhere.",
    ),
    (
        "unable to open database",
        StoreError,
        "The gallery cannot be opened.",
        "Check who may read and write its folder.",
    ),
    (
        "disk I/O error",
        StoreError,
        "The disk failed while the gallery was used.",
        "Check the disk; then run facerec doctor.",
    ),
)
_DAMAGED = ("malformed", "not a database", "no such table", "no such column", "file is encrypted")
