"""The access log: who did what with the gallery, and when; without names, faces or file names.

It is bounded, and it costs a search nothing: searches are counted in memory and noted as one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from facerec.gallery.tables import AccessRow, PersonRow

# About a megabyte; the oldest lines go first.
MOST_ENTRIES = 10_000


class Action(StrEnum):
    """What was done, apart from steps, which are noted by their kind."""

    OPENED = "opened"
    SEARCHED = "searched"
    UNDONE = "undone"
    REDONE = "redone"
    EXPORTED = "exported"
    EXPORTED_PERSON = "exported_person"
    BACKED_UP = "backed_up"
    ERASED = "erased"
    EXPIRED = "expired"
    ENCRYPTED = "encrypted"
    DECRYPTED = "decrypted"
    KEY_CHANGED = "key_changed"


@dataclass(frozen=True, slots=True)
class Access:
    """One line about to be written.

    Attributes:
        at: when, UTC.
        account: of the operating system.
        program: which command or program.
        action: an ``Action``, or the kind of a step.
        n: how often, or with how many people.
        person_id: with whom; None for several or nobody.
    """

    at: datetime
    account: str
    program: str
    action: str
    n: int = 1
    person_id: int | None = None


@dataclass(frozen=True, slots=True)
class LoggedAccess:
    """One line as it is read back.

    Attributes:
        id: never given twice.
        name: of the Person as they are called now; None when they are not enrolled any more.
    """

    id: int
    at: datetime
    account: str
    program: str
    action: str
    n: int
    person_id: int | None
    name: str | None


def log_access(session: Session, entries: Sequence[Access]) -> None:
    """Write lines, and let the oldest go when there are too many."""
    if not entries:
        return
    rows = [
        {
            "at": entry.at,
            "account": entry.account,
            "program": entry.program,
            "action": entry.action,
            "n": entry.n,
            "person_id": entry.person_id,
        }
        for entry in entries
    ]
    session.execute(insert(AccessRow), rows)
    newest = session.scalar(select(func.max(AccessRow.id))) or 0
    session.execute(delete(AccessRow).where(AccessRow.id <= newest - MOST_ENTRIES))


def list_accesses(session: Session, *, limit: int | None = None) -> list[LoggedAccess]:
    """Return the newest lines, newest first; all when there is no limit."""
    statement = (
        select(
            AccessRow.id,
            AccessRow.at,
            AccessRow.account,
            AccessRow.program,
            AccessRow.action,
            AccessRow.n,
            AccessRow.person_id,
            PersonRow.name,
        )
        .outerjoin(PersonRow, PersonRow.id == AccessRow.person_id)
        .order_by(AccessRow.id.desc())
        .limit(limit)
    )
    return [LoggedAccess(*row) for row in session.execute(statement)]
