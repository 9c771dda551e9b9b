"""A gallery's folder and the transactions on its database.

``GalleryStore.open`` finds or makes the folder, refuses what is damaged, foreign or newer, and runs
missing migrations. ``read()`` and ``write()`` give sessions; every ``write()`` is one immediate
transaction that counts the gallery's revision up. Knows nothing of networks or of the vector index.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from sqlalchemy import (
    Connection,
    Engine,
    QueuePool,
    create_engine,
    event,
    exc,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Session

from facerec.errors import (
    DatabaseBusyError,
    DatabaseCorruptError,
    FacerecError,
    NotFoundError,
    StoreError,
)
from facerec.gallery import migrate
from facerec.gallery.tables import GalleryRow

DATABASE_NAME = "gallery.db"
# How long a writer waits for another process; enrolling one person takes milliseconds of lock.
DEFAULT_BUSY_TIMEOUT_S = 10.0
# A vector of 512 floats fills half a page of SQLite's usual 4096 bytes and no second one fits:
# with this size a table of templates takes 40 % less space and reads as much faster.
PAGE_SIZE_BYTES = 16384
# "FREC": tells a gallery from other SQLite files, also by `file`.
APPLICATION_ID = 0x46524543
# Below this size every page is checked at opening (about 1 ms per MB); `check()` does it at any.
FULL_CHECK_BYTES = 32 * 2**20
# A half-made database of a killed program is left alone this long; it may still be in the making.
ABANDONED_AFTER_S = 3600.0
_SQLITE_MAGIC = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class GalleryState:
    """What the gallery's own row says.

    Attributes:
        uuid: tells galleries apart.
        revision: counts writing transactions.
        vectors_revision: revision of the last change to a vector.
        vectors_token: drawn at random by that change.
        returned_revision: revision that last brought vectors of older ids back.
        contract_id: contract of the vectors that are compared; None while the gallery is empty.
    """

    uuid: str
    revision: int
    vectors_revision: int
    vectors_token: str
    returned_revision: int
    contract_id: str | None


class GalleryStore:
    """An open gallery.

    Attributes:
        folder: where everything of the gallery lies.
        database_path: the SQLite file in it.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self.database_path = folder / DATABASE_NAME
        self._engine = engine

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        create: bool = True,
        busy_timeout_s: float = DEFAULT_BUSY_TIMEOUT_S,
    ) -> Self:
        """Open the gallery in a folder, bringing it to this program's revision.

        Args:
            folder: of the gallery.
            create: make folder and gallery when they are not there.
            busy_timeout_s: how long to wait for another process that is writing.

        Raises:
            NotFoundError: there is no gallery and ``create`` is false.
            DatabaseCorruptError: the file is damaged or is no gallery.
            DatabaseTooNewError: a newer program wrote it.
            DatabaseBusyError: another process held it for too long.
            StoreError: the folder is a file, cannot be written, or the disk is full.
        """
        path = folder / DATABASE_NAME
        _require_place(folder, create=create)
        if not path.exists():
            _create(path, busy_timeout_s)
        _require_sqlite(path)
        engine = _engine(path, busy_timeout_s)
        try:
            with _translated(path):
                _bring_up_to_date(engine, path)
        except BaseException:
            engine.dispose()
            raise
        return cls(folder, engine)

    def close(self) -> None:
        """Let go of the database; the store cannot be used afterwards."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that sees one state of the gallery and changes nothing.

        Raises:
            StoreError: the database failed; see ``open`` for the kinds.
        """
        with _translated(self.database_path), Session(self._engine) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session whose changes are kept together or not at all.

        The write lock is taken at the start, so what the session reads stays true until its end.
        When the block ends without an error, the revision has gone up by one and everything is on
        the disk.

        Raises:
            DatabaseBusyError: another process held the lock for too long.
            StoreError: the database failed; nothing was changed.
        """
        writing = self._engine.execution_options(facerec_begin="IMMEDIATE")
        with (
            _translated(self.database_path),
            Session(writing, expire_on_commit=False) as session,
            session.begin(),
        ):
            session.execute(update(GalleryRow).values(revision=GalleryRow.revision + 1))
            yield session

    def wipe(self) -> bool:
        """Write the database anew without its free pages, and empty the write-ahead log.

        Returns:
            Whether the log is empty; it is not while another process reads an older state.

        Raises:
            DatabaseBusyError: another process held the gallery for too long.
            StoreError: the database failed; it is as it was.
        """
        with _translated(self.database_path), self._engine.connect() as connection:
            _outside_transaction(connection, "VACUUM")
            ((busy, _, _),) = _outside_transaction(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
        return not busy

    def check(self) -> None:
        """Read every page of the database and compare its parts with each other.

        Raises:
            DatabaseCorruptError: something is damaged.
        """
        with _translated(self.database_path), self._engine.connect() as connection:
            _check_pages(connection, "integrity_check")


def gallery_state(session: Session) -> GalleryState:
    """Read the gallery's own row.

    Raises:
        DatabaseCorruptError: it is not there.
    """
    row = session.execute(
        select(
            GalleryRow.uuid,
            GalleryRow.revision,
            GalleryRow.vectors_revision,
            GalleryRow.vectors_token,
            GalleryRow.returned_revision,
            GalleryRow.contract_id,
        )
    ).first()
    if row is None:
        _refuse_damaged("it lacks its own row")
    return GalleryState(*row)


def mark_vectors_changed(session: Session, *, older_ids: bool = False) -> None:
    """Note, within ``write()``, that vectors were added, removed or changed.

    Args:
        session: of the change.
        older_ids: whether some joined those compared whose ids are not the highest.
    """
    session.execute(
        update(GalleryRow).values(
            vectors_revision=GalleryRow.revision, vectors_token=uuid.uuid4().hex
        )
    )
    if older_ids:
        session.execute(update(GalleryRow).values(returned_revision=GalleryRow.revision))


def set_contract(session: Session, contract_id: str | None) -> None:
    """Say, within ``write()``, under which contract vectors are compared from now on."""
    session.execute(update(GalleryRow).values(contract_id=contract_id))


def _require_place(folder: Path, *, create: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise StoreError(
            f"{folder} is a file; a gallery is a folder.", remedy="Name another folder."
        )
    if (folder / DATABASE_NAME).is_dir():
        raise DatabaseCorruptError(
            f"{folder / DATABASE_NAME} is a folder; it should be the gallery's database.",
            remedy="Restore it from a backup or an export.",
        )
    if create:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The gallery's folder {folder} cannot be made ({error.strerror}).",
                remedy="Name a folder that can be written.",
            ) from error
    elif not (folder / DATABASE_NAME).exists():
        raise NotFoundError(
            f"There is no gallery in {folder}.",
            remedy="Enrol somebody first: facerec enroll NAME IMAGE.",
        )


def _require_sqlite(path: Path) -> None:
    """Refuse what SQLite would take for an empty database, or not for a database at all."""
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_SQLITE_MAGIC))
    except OSError as error:
        raise StoreError(
            f"The gallery {path} cannot be read ({error.strerror}).",
            remedy="Check who may read it.",
        ) from error
    if head != _SQLITE_MAGIC:
        _refuse_damaged("its file is empty" if not head else "its file is no SQLite database")


def _refuse_damaged(what: str) -> NoReturn:
    raise DatabaseCorruptError(
        f"The gallery is damaged: {what}.", remedy="Restore it from a backup or an export."
    )


def _create(path: Path, busy_timeout_s: float) -> None:
    """Make a whole empty gallery under another name, then give it its own in one step.

    So a database that is there was once complete, and an empty file is damage, not a beginning.
    """
    _remove_abandoned(path)
    if any(path.parent.glob(f"{path.name}-wal")):
        _refuse_damaged("its write-ahead log is there, but its database is gone")
    making = path.with_name(f"{path.name}.new-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    engine = _engine(making, busy_timeout_s)
    try:
        with _translated(path):
            _fill(engine)
        engine.dispose()
        with making.open("rb+") as stream:
            os.fsync(stream.fileno())
        _publish(making, path)
    except OSError as error:
        raise StoreError(
            f"The gallery cannot be made in {path.parent} ({error.strerror}).",
            remedy="Name a folder that can be written.",
        ) from error
    finally:
        engine.dispose()
        for leftover in path.parent.glob(f"{making.name}*"):
            leftover.unlink(missing_ok=True)


def _publish(making: Path, path: Path) -> None:
    """Give the finished file its name, unless another process was first."""
    with contextlib.suppress(FileExistsError):
        try:
            os.link(making, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if not path.exists():
                making.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Put a folder's entries on the disk, where the system can (Windows cannot)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_abandoned(path: Path) -> None:
    for leftover in path.parent.glob(f"{path.name}.new-*"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > ABANDONED_AFTER_S:
                leftover.unlink()


def _fill(engine: Engine) -> None:
    with engine.connect() as connection, _migrating(connection):
        migrate.upgrade(connection)
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
    # Leave nothing in the write-ahead log: only the main file gets the final name.
    with engine.connect() as connection:
        _outside_transaction(connection, "PRAGMA wal_checkpoint(TRUNCATE)")


def _bring_up_to_date(engine: Engine, path: Path) -> None:
    with engine.connect() as connection:
        revision = migrate.stored_revision(connection)
        if revision is None:
            _refuse_damaged("its database has no tables")
        migrate.require_not_newer(revision)
        if path.stat().st_size <= FULL_CHECK_BYTES:
            _check_pages(connection, "quick_check")
    if revision != migrate.HEAD_REVISION:
        with engine.connect() as connection, _migrating(connection):
            migrate.upgrade(connection)
    with Session(engine) as session:
        gallery_state(session)


def _check_pages(connection: Connection, pragma: str) -> None:
    found = connection.exec_driver_sql(f"PRAGMA {pragma}(1)").scalar()
    if found != "ok":
        _refuse_damaged("its pages contradict each other")


@contextlib.contextmanager
def _migrating(connection: Connection) -> Iterator[None]:
    """One immediate transaction with foreign keys off, which SQLite takes only outside of one."""
    _outside_transaction(connection, "PRAGMA foreign_keys = OFF")
    try:
        writing = connection.execution_options(facerec_begin="IMMEDIATE")
        with writing.begin():
            yield
    finally:
        connection.execution_options(facerec_begin="")
        _outside_transaction(connection, "PRAGMA foreign_keys = ON")


def _outside_transaction(connection: Connection, statement: str) -> list[Any]:
    raw = connection.connection.driver_connection
    if raw is None:  # only a detached connection has none
        raise RuntimeError("The connection to the gallery was detached.")
    rows: list[Any] = raw.execute(statement).fetchall()
    return rows


def _engine(path: Path, busy_timeout_s: float) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
        ),
        # Each session has a connection of its own, also two in one thread.
        poolclass=QueuePool,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
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


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn what SQLite says into a sentence; what is our own mistake stays as it is."""
    try:
        yield
    except (exc.DBAPIError, sqlite3.Error) as error:
        text = str(error.orig if isinstance(error, exc.DBAPIError) else error)
        for phrase, kind, sentence, remedy in _SENTENCES:
            if phrase in text:
                raise kind(sentence, remedy=remedy, path=str(path)) from error
        if any(phrase in text for phrase in _DAMAGED):
            raise DatabaseCorruptError(
                f"The gallery is damaged ({text}).",
                remedy="Restore it from a backup or an export.",
                path=str(path),
            ) from error
        raise


def sqlite_version() -> str:
    """Version of the SQLite library in use."""
    return sqlite3.sqlite_version


def pragma_value(session: Session, name: str) -> Any:  # noqa: ANN401  (a number or a word)
    """Return what SQLite answers to a PRAGMA; for the doctor."""
    return session.connection().exec_driver_sql(f"PRAGMA {name}").scalar()
