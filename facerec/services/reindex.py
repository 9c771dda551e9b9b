"""Make the index anew from the database, or the vectors anew from the stored Crops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.embed.base import Embedder
from facerec.errors import FacerecError, GalleryError
from facerec.gallery.session import gallery_state, mark_vectors_changed, set_contract
from facerec.gallery.steps import StepKind
from facerec.gallery.templates import (
    Template,
    TemplateVectors,
    count_templates,
    list_templates,
    owners_of,
    replace_embedding,
)
from facerec.progress import SilentTask, Task
from facerec.services.embed_stored import BATCH, Embedded, embed_stored
from facerec.services.gallery import OpenGallery
from facerec.wording import counted

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class ReindexReport:
    """What the new index holds.

    Attributes:
        n_indexed: vectors in it.
        n_not_compared: Templates made with another model, which are not in it.
        n_set_aside: Templates that are set aside, which are not in it either.
        index_kind: ``exact`` or ``filtered``; ``none`` for an empty gallery.
        file_written: whether there are enough vectors for an index file to be worth it.
    """

    n_indexed: int
    n_not_compared: int
    n_set_aside: int
    index_kind: str
    file_written: bool


@dataclass(frozen=True, slots=True)
class ReEmbedFailure:
    """A Template that kept its old vector, and why."""

    template_id: int
    person: str
    source_name: str
    error: FacerecError


@dataclass(frozen=True, slots=True)
class ReEmbedReport:
    """What was embedded again.

    Attributes:
        contract_id: the contract the gallery is compared under from now on.
        n_embedded: Templates that have a new vector.
        n_up_to_date: Templates that had one of this contract already.
        failures: Templates that could not be embedded; they are not compared any more.
    """

    contract_id: str
    n_embedded: int
    n_up_to_date: int
    failures: tuple[ReEmbedFailure, ...]


def reindex(gallery: OpenGallery) -> ReindexReport:
    """Check the whole database, then build the index from it.

    Raises:
        DatabaseCorruptError: the database is damaged.
    """
    gallery.store.check()
    with gallery.store.read() as session:
        index = gallery.index.rebuild(TemplateVectors(session))
        contract_id = gallery_state(session).contract_id
        n_all = count_templates(session)
        n_own = count_templates(session, contract_id=contract_id) if contract_id else 0
    n_indexed = 0 if index is None else len(index)
    kind = "none" if index is None else ("exact" if index.is_exact else "filtered")
    n_others, n_aside = n_all - n_own, n_own - n_indexed
    return ReindexReport(n_indexed, n_others, n_aside, kind, gallery.index.path.exists())


def re_embed(
    gallery: OpenGallery,
    embedder: Embedder,
    *,
    all_or_none: bool = False,
    task: Task | None = None,
) -> ReEmbedReport:
    """Give every Template the vector another model makes of its stored Crop.

    The vectors are made first, while others can use the gallery with the old model, and stored in
    one transaction; breaking off before changes nothing. What was enrolled meanwhile is embedded
    within that transaction.

    Args:
        gallery: whose Templates.
        embedder: the model from now on.
        all_or_none: change nothing when a Template cannot be embedded, instead of leaving it out.
        task: receives progress.

    Raises:
        GalleryError: with ``all_or_none``, a Template cannot be embedded; nothing was changed.
        Cancelled: the user stopped; nothing was changed.
        StoreError: the gallery cannot be written; nothing was changed.
    """
    task = task or SilentTask()
    made = Embedded()
    with gallery.store.read() as session:
        _embed_missing(session, embedder, made, task)
    with gallery.change(StepKind.RE_EMBED) as change:
        session = change.session
        _embed_missing(session, embedder, made, SilentTask())
        templates = {template.id: template for template in list_templates(session)}
        failures = _failures(session, templates, made)
        if failures and all_or_none:
            raise _refused(failures)
        n_embedded = 0
        for template_id, embedding in made.embeddings.items():
            if template_id in templates:
                replace_embedding(session, template_id, embedding)
                n_embedded += 1
        set_contract(session, embedder.contract_id if templates else None)
        mark_vectors_changed(session)
        change.says(f"Embedded again with another model ({counted(n_embedded, 'template')})")
    n_up_to_date = len(templates) - n_embedded - len(failures)
    return ReEmbedReport(embedder.contract_id, n_embedded, n_up_to_date, failures)


def _embed_missing(session: Session, embedder: Embedder, made: Embedded, task: Task) -> None:
    """Embed the Templates of other contracts that ``made`` does not know yet."""
    old = [
        template.id
        for template in list_templates(session)
        if template.contract_id != embedder.contract_id
        and template.id not in made.embeddings
        and template.id not in made.errors
    ]
    for start in range(0, len(old), BATCH):
        task.step("embed", start, len(old))
        part = embed_stored(session, old[start : start + BATCH], embedder)
        made.embeddings.update(part.embeddings)
        made.errors.update(part.errors)
    task.step("embed", len(old), len(old))


def _failures(
    session: Session, templates: Mapping[int, Template], made: Embedded
) -> tuple[ReEmbedFailure, ...]:
    failed = [template_id for template_id in made.errors if template_id in templates]
    owners = owners_of(session, failed)
    return tuple(
        ReEmbedFailure(
            template_id,
            owners[template_id].name,
            templates[template_id].source.source_name,
            made.errors[template_id],
        )
        for template_id in failed
    )


def _refused(failures: tuple[ReEmbedFailure, ...]) -> GalleryError:
    first = failures[0]
    return GalleryError(
        f"Templates that cannot be embedded again: {len(failures)}, so nothing was changed; "
        f"template {first.template_id} of {first.person}: {first.error.message}",
        remedy="Remove them (facerec gallery remove-template ID), then enrol from the pictures.",
        template_ids=[failure.template_id for failure in failures],
    )
