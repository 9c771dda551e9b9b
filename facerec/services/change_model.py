"""Change the model of a gallery: prepare beside what serves, accept, go back, forget.

Preparing writes a batch at a time and can be broken off anywhere; what serves is not touched by it.
Accepting and going back are the same: every Template gets its vector of the other model, those
enrolled meanwhile in the same transaction that lets it serve. So nobody ever sees a mixture.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from facerec.embed.base import Embedder
from facerec.errors import DatabaseBusyError, EmbeddingMismatchError, GalleryError, NotFoundError
from facerec.gallery import model_change, spare_vectors
from facerec.gallery.calibrations import store_calibration
from facerec.gallery.model_change import StoredChange
from facerec.gallery.session import gallery_state, set_contract
from facerec.gallery.spare_vectors import FailedTemplate, Progress
from facerec.gallery.steps import StepKind, recorded_step
from facerec.progress import SilentTask, Task
from facerec.services.compare_models import derived_calibration
from facerec.services.embed_stored import BATCH, Embedded, Originals, embed_stored
from facerec.services.gallery import OpenGallery
from facerec.settings_file import changed_settings
from facerec.wording import counted

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class ChangeStatus:
    """How far a change of model is.

    Attributes:
        change: which.
        progress: of the model that does not serve yet; once accepted, of the one that does.
        failures: Templates that model cannot embed.
        keeps_until: until when one can go back; None when nothing was accepted, or for ever.
    """

    change: StoredChange
    progress: Progress
    failures: tuple[FailedTemplate, ...]
    keeps_until: datetime | None

    @property
    def is_ready(self) -> bool:
        """Whether every Template was embedded, or found not to be possible."""
        return self.progress.n_waiting == 0


@dataclass(frozen=True, slots=True)
class Served:
    """A model that came into use.

    Attributes:
        model: which.
        n_templates: Templates that have a vector of it.
        left_out: Templates without one; they are kept, but not compared.
    """

    model: str
    n_templates: int
    left_out: tuple[FailedTemplate, ...]


def change_status(gallery: OpenGallery) -> ChangeStatus | None:
    """Say how far the change of model is; None when there is none."""
    with gallery.store.read() as session:
        change = model_change.find_change(session)
        if change is None:
            return None
        progress = spare_vectors.progress_of(session, change.new_contract_id)
        failures = tuple(spare_vectors.list_failures(session))
    until = None
    if change.is_accepted and change.accepted_at is not None and gallery.keep is not None:
        until = change.accepted_at + gallery.keep
    return ChangeStatus(change, progress, failures, until)


def require_change(gallery: OpenGallery) -> ChangeStatus:
    """Return the change of model.

    Raises:
        NotFoundError: there is none.
    """
    status = change_status(gallery)
    if status is None:
        raise NotFoundError(
            "No other model is prepared for this gallery, and none is kept to go back to.",
            remedy="Prepare one: facerec models use NAME.",
        )
    return status


def begin(gallery: OpenGallery, old_model: str, new_model: str, new_contract_id: str) -> None:
    """Begin a change of model, or go on with the same one.

    What was prepared for a third model, or is kept for going back to one, goes.

    Args:
        gallery: with people.
        old_model: name of the model that serves.
        new_model: name of the other.
        new_contract_id: of its vectors.

    Raises:
        StoreError: the gallery cannot be written.
    """
    with gallery.writing(gallery.now()) as session:
        serving = gallery_state(session).contract_id
        change = model_change.find_change(session)
        same = None if change is None else (change.old_contract_id, change.new_contract_id)
        if serving is None or same in ((serving, new_contract_id), (new_contract_id, serving)):
            return
        at = gallery.now()
        model_change.begin_change(
            session, old=(old_model, serving), new=(new_model, new_contract_id), at=at
        )


def prepare(
    gallery: OpenGallery,
    embedder: Embedder,
    *,
    originals: Originals | None = None,
    task: Task | None = None,
) -> None:
    """Embed every Template that has no vector of a model yet; each batch is kept at once.

    What failed before is tried again.

    Args:
        gallery: in a change of model.
        embedder: one of the two models.
        originals: pictures to cut the Faces from anew; stored Crops do for all others.
        task: receives progress.

    Raises:
        EmbeddingMismatchError: the change is between other models.
        Cancelled: the user stopped; what was done is kept.
        StoreError: the gallery cannot be written; what was done is kept.
    """
    task = task or SilentTask()
    contract_id = embedder.contract_id
    with gallery.store.write() as session:
        _require_of_change(session, contract_id)
        spare_vectors.forget_failures(session)
    while True:
        with gallery.store.read() as session:
            progress = spare_vectors.progress_of(session, contract_id)
            ids = spare_vectors.waiting_templates(session, contract_id, limit=BATCH)
            task.step("embed", progress.n_templates - progress.n_waiting, progress.n_templates)
            made = embed_stored(session, ids, embedder, originals)
        if not ids:
            break
        with gallery.store.write() as session:
            _require_of_change(session, contract_id)
            _keep(session, made)
    with gallery.store.write() as session:
        model_change.note_prepared(session, gallery.now())


def accept(
    gallery: OpenGallery,
    embedder: Embedder,
    settings: Mapping[str, object],
    *,
    leave_out: bool = False,
    task: Task | None = None,
) -> Served:
    """Let the other model serve, and write it into the settings; or neither.

    Killed between the two, the gallery serves with the new model and the settings name the old
    one: the same command, given again, ends it.

    Args:
        gallery: in a change of model.
        embedder: the model to serve: the new one, or the old one to go back.
        settings: key -> value that names it.
        leave_out: Templates it cannot embed are not compared any more, instead of refusing.
        task: receives progress.

    Raises:
        GalleryError: a Template cannot be embedded and ``leave_out`` is false.
        EmbeddingMismatchError: the change is between other models.
        ConfigError: the settings file cannot be written.
        StoreError: the gallery cannot be written. In every case what served goes on to serve.
    """
    prepare(gallery, embedder, task=task)
    contract_id = embedder.contract_id
    calibration = derived_calibration(gallery, contract_id)
    at = gallery.now()
    with changed_settings(settings), gallery.writing(at) as session:
        change = _require_of_change(session, contract_id)
        # Whoever was enrolled since the last batch. (Outside of the step: undoing it must not
        # take vectors away.)
        waiting = spare_vectors.waiting_templates(session, contract_id)
        _keep(session, embed_stored(session, waiting, embedder))
        failures = tuple(spare_vectors.list_failures(session))
        if failures and not leave_out:
            raise _refused(failures)
        n_templates = spare_vectors.progress_of(session, contract_id).n_ready
        is_new = contract_id == change.new_contract_id
        model = change.new_model if is_new else change.old_model
        with recorded_step(session, StepKind.CHANGE_MODEL, at=at) as step:
            set_contract(session, contract_id)
            verb = "Changed" if is_new else "Went back"
            step.says(f"{verb} to the model {model} ({counted(n_templates, 'template')})")
        model_change.note_accepted(session, at if is_new else None)
        if calibration is not None:
            store_calibration(session, calibration)
    return Served(model, n_templates, failures)


def forget(gallery: OpenGallery) -> StoredChange:
    """Forget the vectors that do not serve: prepared ones, or those kept for going back.

    Returns:
        The change that is over.

    Raises:
        NotFoundError: there is none.
        StoreError: the gallery cannot be written.
    """
    change = require_change(gallery).change
    with gallery.writing(gallery.now()) as session:
        model_change.drop_change(session)
    # (while another program reads, traces of them stay in the write-ahead log)
    with contextlib.suppress(DatabaseBusyError):
        gallery.store.wipe()
    return change


def _require_of_change(session: Session, contract_id: str) -> StoredChange:
    change = model_change.find_change(session)
    if change is None or contract_id not in (change.old_contract_id, change.new_contract_id):
        raise EmbeddingMismatchError(
            "The gallery is not changing to or from this model.",
            remedy="See: facerec models status.",
            actual=contract_id,
        )
    return change


def _keep(session: Session, made: Embedded) -> None:
    spare_vectors.store_spare_vectors(session, made.embeddings)
    spare_vectors.store_failures(
        session, {one: error.message for one, error in made.errors.items()}
    )


def _refused(failures: tuple[FailedTemplate, ...]) -> GalleryError:
    first = failures[0]
    return GalleryError(
        f"Templates that cannot be embedded again: {len(failures)}, so nothing was changed; "
        f"template {first.template_id} of {first.person}: {first.reason}",
        remedy="Give the pictures with --originals, remove them (facerec gallery remove-template "
        "ID), or leave them out with --leave-out; facerec models status lists them.",
        template_ids=[failure.template_id for failure in failures],
    )
