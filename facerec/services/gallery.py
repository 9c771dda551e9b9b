"""An open gallery as the use cases need it: the database and the index kept in step with it.

Nobody else joins the two. ``candidates`` answers from one state of the database: the index is
brought to it first, and the owners of the nearest Templates are read from it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from facerec.config import StoreSettings
from facerec.errors import EmbeddingMismatchError, StoreError
from facerec.gallery.access import log_access
from facerec.gallery.consents import overdue_ids
from facerec.gallery.exclusions import excluded_vectors
from facerec.gallery.model_change import (
    forget_old_vectors_up_to,
    has_old_vectors_up_to,
    settle_vectors,
)
from facerec.gallery.session import (
    DEFAULT_BUSY_TIMEOUT_S,
    GalleryState,
    GalleryStore,
    gallery_state,
)
from facerec.gallery.steps import (
    Change,
    StepKind,
    forget_steps_up_to,
    has_steps_up_to,
    recorded_step,
)
from facerec.gallery.templates import TemplateVectors, owners_of
from facerec.index.base import NO_ID, VectorIndex
from facerec.index.cache import MIN_SAVED, IndexCache
from facerec.match.decide import N_EVIDENCE
from facerec.match.score import best_per_person, without_excluded
from facerec.services.access import AccessNotes
from facerec.services.keys import find_secret
from facerec.types import Candidate

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from facerec.services.expire import ExpiryReport

# Enough Templates for three people in most galleries; doubled until three people are among them.
_FIRST_NEIGHBOURS = 16
DEFAULT_KEEP_DAYS = StoreSettings().keep_days
DEFAULT_GRACE_DAYS = StoreSettings().grace_days


class OpenGallery:
    """A gallery that can be searched and changed.

    Attributes:
        folder: where it lies.
        store: its database.
        index: its vectors.
        keep: how long its steps can be undone; None forgets none.
        grace: how long after people's time is over, and that was noticed, they are erased.
        accesses: what this use leaves in the access log.
        expiry: what was done at opening about people whose time is over; None when nobody asked.
    """

    def __init__(
        self,
        store: GalleryStore,
        *,
        min_saved: int = MIN_SAVED,
        keep_days: int | None = DEFAULT_KEEP_DAYS,
        grace_days: int = DEFAULT_GRACE_DAYS,
        program: str = "",
    ) -> None:
        self.folder = store.folder
        self.store = store
        # A file of vectors beside an encrypted database would be in the clear.
        self.index = IndexCache(
            store.folder, min_saved=sys.maxsize if store.is_encrypted else min_saved
        )
        if store.is_encrypted:
            self.index.destroy_files()
        self.keep = None if keep_days is None else timedelta(days=keep_days)
        self.grace = timedelta(days=grace_days)
        self.accesses = AccessNotes(self.now(), program)
        self.expiry: ExpiryReport | None = None

    def close(self) -> None:
        """Keep the index and the access log, and let go of the database."""
        try:
            self._write_accesses()
            if self.index.stamp is not None:
                with self.store.read() as session:
                    self.index.save(TemplateVectors(session))
        finally:
            self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def now(self) -> datetime:
        """Return the moment that is written beside what is stored, UTC."""
        return datetime.now(UTC)

    def state(self) -> GalleryState:
        """Read the gallery's own row."""
        with self.store.read() as session:
            return gallery_state(session)

    def ready_index(self, session: Session) -> VectorIndex | None:
        """Return the index of exactly the vectors the session sees; None when there are none."""
        return self.index.refresh(TemplateVectors(session))

    @contextlib.contextmanager
    def change(self, kind: StepKind) -> Iterator[Change]:
        """Give a transaction that is one step, which can be undone.

        Raises:
            StoreError: the gallery cannot be written; nothing was changed.
        """
        at = self.now()
        with self.writing(at) as session:
            with recorded_step(session, kind, at=at) as change:
                yield change
            if change.sentence:
                named = change.person_ids
                self.log(session, kind, person_id=min(named) if len(named) == 1 else None)

    @contextlib.contextmanager
    def writing(self, at: datetime) -> Iterator[Session]:
        """Give a transaction; with it goes what is too old to be undone at the moment ``at``.

        Vectors of the contract that serves at its end are the ones compared from then on.
        The index file goes too when vectors changed: it may hold what was removed.

        Raises:
            StoreError: the gallery cannot be written; nothing was changed.
        """
        with self.store.write() as session:
            waiting = self.accesses.waiting(at)
            log_access(session, waiting)
            before = gallery_state(session).vectors_token
            yield session
            settle_vectors(session)
            if self.keep is not None:
                _forget_up_to(session, at - self.keep)
            after = gallery_state(session).vectors_token
        self.accesses.forget(waiting)
        if before != after:
            self.index.forget_file()

    def log(
        self, session: Session, action: str, *, n: int = 1, person_id: int | None = None
    ) -> None:
        """Note something in the access log, within ``writing``.

        Args:
            session: of the transaction.
            action: an ``Action`` or a ``StepKind``.
            n: with how many people.
            person_id: with whom, when it is one.
        """
        log_access(session, [self.accesses.line(action, self.now(), n, person_id)])

    def _write_accesses(self) -> None:
        """Write what waits; a gallery that cannot be written now goes without it."""
        with contextlib.suppress(StoreError), self.writing(self.now()):
            pass

    def forget_old_steps(self) -> None:
        """Remove steps too old to be undone, and vectors of a model left long ago, if any."""
        if self.keep is None:
            return
        limit = self.now() - self.keep
        with self.store.read() as session:
            found = has_steps_up_to(session, limit) or has_old_vectors_up_to(session, limit)
        # A gallery that cannot be written now is cleared at the next opening.
        if found:
            with contextlib.suppress(StoreError), self.store.write() as session:
                _forget_up_to(session, limit)

    def candidates(
        self,
        session: Session,
        vectors: NDArray[np.float32],
        contract_id: str,
        *,
        n_people: int = N_EVIDENCE,
    ) -> list[tuple[Candidate, ...]]:
        """Find the nearest people of each vector; nobody whose time in the gallery is over.

        Args:
            session: which state of the gallery answers.
            vectors: (B, D) float32 of unit length.
            contract_id: what the vectors were made under.
            n_people: how many people to find for each, unless fewer are enrolled.

        Returns:
            B tuples of Candidates, one per Person, best first; without people whom a face like
            this one was said not to be.

        Raises:
            EmbeddingMismatchError: the gallery's vectors were made under another contract.
        """
        require_contract(gallery_state(session), contract_id)
        self.accesses.count_searches(len(vectors))
        index = self.ready_index(session)
        if index is None or not len(index):
            return [() for _ in vectors]
        found: list[tuple[Candidate, ...]] = [() for _ in vectors]
        overdue = overdue_ids(session, at=self.now())
        open_rows = list(range(len(vectors)))
        k = min(_FIRST_NEIGHBOURS, len(index))
        while open_rows:
            result = index.search(vectors[open_rows], k)
            ids = np.unique(result.ids[result.ids != NO_ID])
            owners = {
                template_id: owner
                for template_id, owner in owners_of(session, ids.tolist()).items()
                if owner.person_id not in overdue
            }
            people = {owner.person_id for owner in owners.values()}
            not_them = excluded_vectors(session, people, contract_id)
            for row, row_ids, scores in zip(open_rows, result.ids, result.scores, strict=True):
                scored = zip(row_ids.tolist(), scores.tolist(), strict=True)
                ranked = without_excluded(best_per_person(scored, owners), vectors[row], not_them)
                found[row] = tuple(ranked)[:n_people]
            if k >= len(index):
                break
            open_rows = [row for row in open_rows if len(found[row]) < n_people]
            k = min(2 * k, len(index))
        return found


def open_gallery(
    folder: Path,
    *,
    create: bool = True,
    busy_timeout_s: float = DEFAULT_BUSY_TIMEOUT_S,
    min_saved: int = MIN_SAVED,
    keep_days: int | None = DEFAULT_KEEP_DAYS,
    grace_days: int = DEFAULT_GRACE_DAYS,
    program: str = "",
) -> OpenGallery:
    """Open the gallery in a folder, and let go of the steps that are too old to be undone.

    Args:
        folder: of the gallery.
        create: make it when it is not there.
        busy_timeout_s: how long to wait for another process that is writing.
        min_saved: from how many vectors on the index is kept in a file.
        keep_days: for how many days a change can be undone; None forgets nothing.
        grace_days: see ``facerec.services.expire``.
        program: which command or program opens it, for the access log; found out when not given.

    Raises:
        StoreError: see ``GalleryStore.open``.
    """
    store = GalleryStore.open(
        folder, create=create, busy_timeout_s=busy_timeout_s, find_secret=find_secret
    )
    gallery = OpenGallery(
        store, min_saved=min_saved, keep_days=keep_days, grace_days=grace_days, program=program
    )
    try:
        gallery.forget_old_steps()
    except BaseException:
        store.close()
        raise
    return gallery


def _forget_up_to(session: Session, moment: datetime) -> None:
    forget_steps_up_to(session, moment)
    forget_old_vectors_up_to(session, moment)


def require_contract(state: GalleryState, contract_id: str) -> None:
    """Refuse vectors that cannot be compared with the gallery's.

    Raises:
        EmbeddingMismatchError: the gallery's vectors were made under another contract.
    """
    if state.contract_id not in (None, contract_id):
        raise EmbeddingMismatchError(
            "This gallery was made with another model, so its faces cannot be compared.",
            remedy="Choose that model with --model, or change the gallery over to this one: "
            "facerec models use NAME.",
            expected=state.contract_id,
            actual=contract_id,
        )


def stacked(vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Join vectors (D,) to an array (B, D)."""
    return np.stack(list(vectors)).astype(np.float32)
