"""What the gallery asks of a database, beyond what SQLAlchemy already makes alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import NoReturn

from sqlalchemy import Connection, Engine

from facerec.errors import DatabaseCorruptError

DAMAGED_REMEDY = (
    "Restore a backup (facerec gallery restore), or save what can be read (facerec gallery repair)."
)


class Backend(ABC):
    """The database of one open gallery.

    Attributes:
        name: of the database, for people.
        engine: for transactions that read; each sees one state.
        writing_engine: for transactions that write; only one of them runs at a time.
    """

    name: str
    engine: Engine
    writing_engine: Engine

    def close(self) -> None:
        """Let go of the database; the backend cannot be used afterwards."""
        self.engine.dispose()

    @abstractmethod
    def translated(self) -> AbstractContextManager[None]:
        """Turn what the database says within the block into sentences.

        Raises:
            DatabaseBusyError: another program held the lock for too long.
            DatabaseCorruptError: the database is damaged.
            StoreError: it failed otherwise.
        """

    @abstractmethod
    def migrating(self) -> AbstractContextManager[Connection]:
        """Give a connection with one writing transaction that may change the tables."""

    @abstractmethod
    def check_at_opening(self, connection: Connection) -> None:
        """Check as much as costs next to nothing.

        Raises:
            DatabaseCorruptError: something is damaged.
        """

    @abstractmethod
    def check(self) -> None:
        """Check everything.

        Raises:
            DatabaseCorruptError: something is damaged.
        """

    @abstractmethod
    def wipe(self) -> bool:
        """Write the database anew, so that nothing is left of removed rows.

        Returns:
            Whether nothing is; other programs that use the gallery may prevent it.
        """


def refuse_damaged(what: str) -> NoReturn:
    """Say what is damaged.

    Raises:
        DatabaseCorruptError: always.
    """
    raise DatabaseCorruptError(f"The gallery is damaged: {what}.", remedy=DAMAGED_REMEDY)
