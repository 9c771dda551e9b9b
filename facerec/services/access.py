"""The access log of an open gallery: lines wait in memory until they can go along with a write."""

from __future__ import annotations

import getpass
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.gallery import access
from facerec.gallery.access import Access, Action, LoggedAccess

if TYPE_CHECKING:
    from facerec.services.gallery import OpenGallery


class AccessNotes:
    """Lines about one use of a gallery that are not on the disk yet.

    Attributes:
        program: which command or program uses it.
        account: of the operating system, for whom.
    """

    def __init__(self, opened_at: datetime, program: str = "") -> None:
        self.program = program or Path(sys.argv[0]).name or "python"
        self.account = _account()
        self._opened: Access | None = self.line(Action.OPENED, opened_at)
        self._n_searches = 0
        self._lock = threading.Lock()

    def line(self, action: str, at: datetime, n: int = 1, person_id: int | None = None) -> Access:
        """Return a line about this account and program."""
        return Access(at, self.account, self.program, action, n, person_id)

    def count_searches(self, n: int) -> None:
        """Note, in memory, that so many faces were searched for."""
        with self._lock:
            self._n_searches += n

    def waiting(self, at: datetime) -> list[Access]:
        """Return what is not on the disk yet."""
        with self._lock:
            found = [] if self._opened is None else [self._opened]
            if self._n_searches:
                found.append(self.line(Action.SEARCHED, at, self._n_searches))
            return found

    def forget(self, written: Sequence[Access]) -> None:
        """Drop what is on the disk now; searches counted meanwhile stay."""
        with self._lock:
            for entry in written:
                if entry.action == Action.OPENED:
                    self._opened = None
                elif entry.action == Action.SEARCHED:
                    self._n_searches -= entry.n


def access_log(gallery: OpenGallery, *, limit: int | None = None) -> list[LoggedAccess]:
    """Return who did what with the gallery, newest first; all that is kept without a limit.

    Of the use that is asking, nothing is in it yet unless it wrote something.
    """
    with gallery.store.read() as session:
        return access.list_accesses(session, limit=limit)


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no such entry in the system's list of accounts
        return "unknown"
