"""An open gallery as the use cases need it: the database and the index kept in step with it.

Nobody else joins the two. ``candidates`` answers from one state of the database: the index is
brought to it first, and the owners of the nearest Templates are read from it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from facerec.config import StoreSettings
from facerec.errors import EmbeddingMismatchError, StoreError
from facerec.gallery.exclusions import excluded_vectors
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
from facerec.types import Candidate

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# Enough Templates for three people in most galleries; doubled until three people are among them.
_FIRST_NEIGHBOURS = 16
DEFAULT_KEEP_DAYS = StoreSettings().keep_days


class OpenGallery:
    """A gallery that can be searched and changed.

    Attributes:
        folder: where it lies.
        store: its database.
        index: its vectors.
        keep: how long its steps can be undone; None forgets none.
    """

    def __init__(
        self,
        store: GalleryStore,
        *,
        min_saved: int = MIN_SAVED,
        keep_days: int | None = DEFAULT_KEEP_DAYS,
    ) -> None:
        self.folder = store.folder
        self.store = store
        self.index = IndexCache(store.folder, min_saved=min_saved)
        self.keep = None if keep_days is None else timedelta(days=keep_days)

    def close(self) -> None:
        """Keep the index for the next start and let go of the database."""
        try:
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
        with self.writing(at) as session, recorded_step(session, kind, at=at) as change:
            yield change

    @contextlib.contextmanager
    def writing(self, at: datetime) -> Iterator[Session]:
        """Give a transaction; with it go the steps that are too old at the moment ``at``.

        The index file goes too when vectors changed: it may hold what was removed.

        Raises:
            StoreError: the gallery cannot be written; nothing was changed.
        """
        with self.store.write() as session:
            before = gallery_state(session).vectors_token
            yield session
            if self.keep is not None:
                forget_steps_up_to(session, at - self.keep)
            after = gallery_state(session).vectors_token
        if before != after:
            self.index.forget_file()

    def forget_old_steps(self) -> None:
        """Remove the steps that are too old to be undone, if there are any."""
        if self.keep is None:
            return
        limit = self.now() - self.keep
        with self.store.read() as session:
            found = has_steps_up_to(session, limit)
        # A gallery that cannot be written now is cleared at the next opening.
        if found:
            with contextlib.suppress(StoreError), self.store.write() as session:
                forget_steps_up_to(session, limit)

    def candidates(
        self,
        session: Session,
        vectors: NDArray[np.float32],
        contract_id: str,
        *,
        n_people: int = N_EVIDENCE,
    ) -> list[tuple[Candidate, ...]]:
        """Find the nearest people of each vector.

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
        index = self.ready_index(session)
        if index is None or not len(index):
            return [() for _ in vectors]
        found: list[tuple[Candidate, ...]] = [() for _ in vectors]
        open_rows = list(range(len(vectors)))
        k = min(_FIRST_NEIGHBOURS, len(index))
        while open_rows:
            result = index.search(vectors[open_rows], k)
            ids = np.unique(result.ids[result.ids != NO_ID])
            owners = owners_of(session, ids.tolist())
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
) -> OpenGallery:
    """Open the gallery in a folder, and let go of the steps that are too old to be undone.

    Args:
        folder: of the gallery.
        create: make it when it is not there.
        busy_timeout_s: how long to wait for another process that is writing.
        min_saved: from how many vectors on the index is kept in a file.
        keep_days: for how many days a change can be undone; None forgets nothing.

    Raises:
        StoreError: see ``GalleryStore.open``.
    """
    store = GalleryStore.open(folder, create=create, busy_timeout_s=busy_timeout_s)
    gallery = OpenGallery(store, min_saved=min_saved, keep_days=keep_days)
    try:
        gallery.forget_old_steps()
    except BaseException:
        store.close()
        raise
    return gallery


def require_contract(state: GalleryState, contract_id: str) -> None:
    """Refuse vectors that cannot be compared with the gallery's.

    Raises:
        EmbeddingMismatchError: the gallery's vectors were made under another contract.
    """
    if state.contract_id not in (None, contract_id):
        raise EmbeddingMismatchError(
            "This gallery was made with another model, so its faces cannot be compared.",
            remedy="Choose that model with --model, or embed the gallery again: "
            "facerec gallery reindex --re-embed.",
            expected=state.contract_id,
            actual=contract_id,
        )


def stacked(vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Join vectors (D,) to an array (B, D)."""
    return np.stack(list(vectors)).astype(np.float32)
