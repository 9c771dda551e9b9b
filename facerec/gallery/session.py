"""A gallery and the transactions on its database.

``GalleryStore.open`` finds or makes it, refuses what is damaged, foreign or newer, and runs missing
migrations. ``read()`` and ``write()`` give sessions; every ``write()`` is one immediate
transaction that counts the gallery's revision up. Knows nothing of networks or of the vector index.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from facerec.gallery import migrate
from facerec.gallery.backends.base import Backend, refuse_damaged
from facerec.gallery.backends.sqlcipher import SecretFinder
from facerec.gallery.backends.sqlite import SqliteBackend
from facerec.gallery.tables import GalleryRow

# How long a writer waits for another process; enrolling one person takes milliseconds of lock.
DEFAULT_BUSY_TIMEOUT_S = 10.0


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
        key: of the file, when it is encrypted.
        is_encrypted: whether that file is.
    """

    def __init__(self, backend: SqliteBackend) -> None:
        self._backend: Backend = backend
        self.database_path = backend.path
        self.folder = backend.path.parent
        self.key = backend.key
        self.is_encrypted = backend.key is not None

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        create: bool = True,
        busy_timeout_s: float = DEFAULT_BUSY_TIMEOUT_S,
        find_secret: SecretFinder | None = None,
    ) -> Self:
        """Open the gallery in a folder, bringing it to this program's revision.

        Args:
            folder: of the gallery.
            create: make folder and gallery when they are not there.
            busy_timeout_s: how long to wait for another process that is writing.
            find_secret: asked for the passphrase of an encrypted gallery.

        Raises:
            NotFoundError: there is no gallery and ``create`` is false.
            DatabaseCorruptError: the file is damaged or is no gallery.
            DatabaseTooNewError: a newer program wrote it.
            DatabaseBusyError: another process held it for too long.
            GalleryLockedError: it is encrypted, and the passphrase is missing or wrong.
            StoreError: the folder is a file, cannot be written, or the disk is full.
        """
        backend = SqliteBackend.open(
            folder, create=create, busy_timeout_s=busy_timeout_s, find_secret=find_secret
        )
        try:
            with backend.translated():
                _bring_up_to_date(backend)
        except BaseException:
            backend.close()
            raise
        return cls(backend)

    def close(self) -> None:
        """Let go of the database; the store cannot be used afterwards."""
        self._backend.close()

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
        with self._backend.translated(), Session(self._backend.engine) as session:
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
        with (
            self._backend.translated(),
            Session(self._backend.writing_engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            session.execute(update(GalleryRow).values(revision=GalleryRow.revision + 1))
            yield session

    def wipe(self) -> bool:
        """Write the database anew, so that nothing is left of removed rows.

        Returns:
            Whether nothing is; it may be while another process reads an older state.

        Raises:
            DatabaseBusyError: another process held the gallery for too long.
            StoreError: the database failed; it is as it was.
        """
        return self._backend.wipe()

    def check(self) -> None:
        """Read the whole database and compare its parts with each other.

        Raises:
            DatabaseCorruptError: something is damaged.
        """
        self._backend.check()


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
        refuse_damaged("it lacks its own row")
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


def _bring_up_to_date(backend: Backend) -> None:
    with backend.engine.connect() as connection:
        revision = migrate.stored_revision(connection)
        if revision is None:
            refuse_damaged("its database has no tables")
        migrate.require_not_newer(revision)
        backend.check_at_opening(connection)
    if revision != migrate.HEAD_REVISION:
        with backend.migrating() as connection:
            migrate.upgrade(connection)
    with Session(backend.engine) as session:
        gallery_state(session)
