"""Enrolment: Images -> Templates of a named Person. One Image is enough.

Images are read and embedded first, without holding anything; then one immediate transaction checks
for conflicts against exactly what is enrolled at that moment and stores all rows of the Person. An
outcome is returned or yielded only after that transaction is on the disk: whoever prints and
flushes a line for it may count the Person as acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facerec.errors import (
    ConflictError,
    ContractError,
    ExpiredError,
    FacerecError,
    InputError,
    LowQualityError,
    RangeError,
)
from facerec.gallery import people
from facerec.gallery.consents import Terms, require_in_time, store_terms
from facerec.gallery.crops import png_from_crop
from facerec.gallery.people import Person, clean_name, find_person
from facerec.gallery.session import gallery_state, set_contract
from facerec.gallery.steps import StepKind
from facerec.gallery.templates import (
    ImageSourceInfo,
    NewTemplate,
    add_template,
    template_of_image,
    vectors_of_person,
)
from facerec.imaging.read import ImageSource, list_images
from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.progress import SilentTask, Task
from facerec.services.consent import record_consent
from facerec.services.gallery import OpenGallery, require_contract, stacked
from facerec.services.one_face import FacePolicy, analyze_one
from facerec.services.source import file_digest, pixel_digest, read_source, source_label
from facerec.types import Candidate, Crop, Embedding, QualityIssue
from facerec.wording import counted

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class EnrollStatus(StrEnum):
    """What became of one Image."""

    ADDED = "added"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class EnrollOptions:
    """How strict enrolment is.

    Attributes:
        policy: which Face counts when an Image has several.
        allow_conflict: store a Face although it looks like somebody else who is enrolled.
        allow_low_quality: store a Face although quality checks have something against it.
        terms: what the Person agreed to; when None, what is recorded stays as it is.
    """

    policy: FacePolicy = FacePolicy.REFUSE
    allow_conflict: bool = False
    allow_low_quality: bool = False
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class ImageOutcome:
    """What became of one Image, and why.

    Attributes:
        source: the path, or what the image came as.
        status: added, there already, or refused.
        template_id: the Template that was added or was there.
        error: why it was refused; None otherwise.
        quality_issues: what is to be said against the Face, also when it was added all the same.
        conflict: somebody else whom the Face looks like; set also when that was allowed.
        own_score: best Score against the Person's other Templates, before and in this enrolment;
            None when there are none. Below the Threshold, the pictures may show different people.
    """

    source: str
    status: EnrollStatus
    template_id: int | None = None
    error: FacerecError | None = None
    quality_issues: tuple[QualityIssue, ...] = ()
    conflict: Candidate | None = None
    own_score: float | None = None


@dataclass(frozen=True, slots=True)
class PersonOutcome:
    """What became of one Person's Images. It exists only once everything is on the disk.

    Attributes:
        name: as asked for.
        person: the Person now; None when nothing is stored under the name.
        created: whether the Person is new.
        images: one entry per Image, in order.
        error: why nothing could be done for the Person at all, for example a name that is none.
    """

    name: str
    person: Person | None
    created: bool
    images: tuple[ImageOutcome, ...]
    error: FacerecError | None = None

    @property
    def n_added(self) -> int:
        """How many Templates were added."""
        return sum(image.status is EnrollStatus.ADDED for image in self.images)

    @property
    def n_refused(self) -> int:
        """How many Images were refused."""
        return sum(image.status is EnrollStatus.REFUSED for image in self.images)

    @property
    def is_done(self) -> bool:
        """Whether the Person now has at least one of these Images."""
        return any(image.status is not EnrollStatus.REFUSED for image in self.images)


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """An Image that is read and embedded, or the reason why not; the pixels are let go of."""

    source: str
    info: ImageSourceInfo | None = None
    template: NewTemplate | None = None
    quality_issues: tuple[QualityIssue, ...] = ()
    known_template_id: int | None = None
    error: FacerecError | None = None


def enroll(
    gallery: OpenGallery,
    pipeline: Pipeline,
    name: str,
    sources: Sequence[ImageSource],
    *,
    rule: MatchRule,
    options: EnrollOptions | None = None,
    task: Task | None = None,
) -> PersonOutcome:
    """Store Images of one Person, new or enrolled already, in one transaction.

    Args:
        gallery: where to.
        pipeline: finds and embeds.
        name: of the Person.
        sources: paths, encoded bytes, arrays (H, W, 3) or (H, W), or PIL images.
        rule: what Score and lead count as looking like somebody else.
        options: how strict; the defaults when not given.
        task: receives progress.

    Returns:
        One outcome per Image; refused ones with their reason. A Person of whom nothing could be
        stored is not created.

    Raises:
        RangeError: the name is none.
        ExpiredError: the time of the Person is over, and no new one is given.
        EmbeddingMismatchError: the gallery was made with another model.
        StoreError: the gallery cannot be written; nothing was stored.
    """
    options = options or EnrollOptions()
    task = task or SilentTask()
    name = clean_name(name)
    with gallery.store.read() as session:
        require_contract(gallery_state(session), pipeline.embedder.contract_id)
    prepared = []
    for done, source in enumerate(sources):
        task.step("enrol", done, len(sources))
        prepared.append(_prepare(gallery, pipeline, name, source, options))
    task.step("enrol", len(sources), len(sources))
    if not any(item.template is not None for item in prepared):
        return _nothing_new(gallery, name, prepared, options)
    return _store_as_step(gallery, name, prepared, rule, options)


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """A face that was seen by a camera: it is described already, and its picture is gone.

    Attributes:
        crop: (S, S, 3) uint8, RGB.
        embedding: made from that Crop.
        quality: in [0, 1].
        quality_issues: why it is hard to recognise.
        label: how it is named to the user.
    """

    crop: Crop
    embedding: Embedding
    quality: float
    quality_issues: tuple[QualityIssue, ...] = ()
    label: str = "camera"


def enroll_seen(
    gallery: OpenGallery,
    name: str,
    faces: Sequence[SeenFace],
    *,
    rule: MatchRule,
    options: EnrollOptions | None = None,
) -> PersonOutcome:
    """Store faces of one Person that a camera saw, under the same rules as ``enroll``.

    Args:
        gallery: where to.
        name: of the Person, new or enrolled already.
        faces: all of this Person, under one contract.
        rule: see ``enroll``.
        options: how strict; the defaults when not given.

    Returns:
        One outcome per face.

    Raises:
        RangeError: the name is none.
        ExpiredError: the time of the Person is over, and no new one is given.
        EmbeddingMismatchError: the gallery was made with another model.
        StoreError: the gallery cannot be written; nothing was stored.
    """
    options = options or EnrollOptions()
    name = clean_name(name)
    prepared = [_prepared_seen(face, options) for face in faces]
    if not any(item.template is not None for item in prepared):
        return _nothing_new(gallery, name, prepared, options)
    return _store_as_step(gallery, name, prepared, rule, options)


def _prepared_seen(face: SeenFace, options: EnrollOptions) -> _Prepared:
    issues = face.quality_issues
    if issues and not options.allow_low_quality:
        return _Prepared(face.label, quality_issues=issues, error=_low_quality(issues))
    size = len(face.crop)
    info = ImageSourceInfo(pixel_digest(face.crop), "", size, size)
    box = np.array([0, 0, size, size], dtype=np.float32)
    template = NewTemplate(face.embedding, face.quality, box, png_from_crop(face.crop))
    return _Prepared(face.label, info, template, issues)


def enroll_folder(
    gallery: OpenGallery,
    pipeline: Pipeline,
    folder: Path,
    *,
    rule: MatchRule,
    options: EnrollOptions | None = None,
    task: Task | None = None,
) -> Iterator[PersonOutcome]:
    """Enrol one Person per subfolder, named as the subfolder; one transaction for each.

    Args:
        gallery: where to.
        pipeline: finds and embeds.
        folder: its subfolders hold the Images, however deep.
        rule: see ``enroll``.
        options: see ``enroll``.
        task: receives progress, a Person at a time.

    Yields:
        Each Person's outcome, after it is on the disk. Breaking off keeps what was yielded.

    Raises:
        InputError: it is no folder, or has no subfolders with Images.
        StoreError: the gallery cannot be written.
    """
    task = task or SilentTask()
    groups = find_people(folder)
    for done, (name, paths) in enumerate(groups):
        task.step("people", done, len(groups))
        try:
            yield enroll(gallery, pipeline, name, paths, rule=rule, options=options)
        except (ExpiredError, RangeError) as error:  # the name is none, or their time is over
            yield PersonOutcome(name, None, False, (), error)
    task.step("people", len(groups), len(groups))


def find_people(folder: Path) -> list[tuple[str, list[Path]]]:
    """Find the subfolders of a folder that hold Images: (the subfolder's name, its Images).

    Raises:
        InputError: it is no folder, or has no subfolders with Images.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder} is no folder.", remedy="Name a folder with one folder a person."
        )
    subfolders = sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    found = [(path.name, list_images(path)) for path in subfolders]
    groups = [(name, paths) for name, paths in found if paths]
    if not groups:
        raise InputError(
            f"{folder} has no subfolders with images.",
            remedy="Put each person's images into a folder named as the person.",
        )
    return groups


def _prepare(
    gallery: OpenGallery,
    pipeline: Pipeline,
    name: str,
    source: ImageSource,
    options: EnrollOptions,
) -> _Prepared:
    """Read and embed one Image; a condition of the Image becomes its outcome."""
    label = source_label(source)
    digest = file_digest(source)
    if digest is not None:
        known = _known_template(gallery, name, digest, pipeline.embedder.contract_id)
        if known is not None:
            return _Prepared(label, known_template_id=known)
    try:
        sourced = read_source(source)
        analyzed = analyze_one(pipeline, sourced.image, options.policy)
    except (InputError, ContractError) as error:
        return _Prepared(label, error=error)
    issues = analyzed.quality_issues
    if issues and not options.allow_low_quality:
        return _Prepared(label, quality_issues=issues, error=_low_quality(issues))
    height, width = sourced.image.shape[:2]
    return _Prepared(
        label,
        ImageSourceInfo(sourced.sha256, sourced.name, height, width),
        NewTemplate(
            analyzed.embedding,
            analyzed.quality,
            analyzed.face.box_xyxy,
            png_from_crop(analyzed.crop),
        ),
        issues,
    )


def _known_template(gallery: OpenGallery, name: str, sha256: str, contract_id: str) -> int | None:
    with gallery.store.read() as session:
        person = find_person(session, name)
        if person is None:
            return None
        return template_of_image(session, person.id, sha256, contract_id)


def _low_quality(issues: Sequence[QualityIssue]) -> LowQualityError:
    reasons = " ".join(issue.message for issue in issues)
    return LowQualityError(
        f"The face is too poor to be enrolled: {reasons}",
        remedy="Use a better picture, or enrol it all the same with --allow-low-quality.",
        reasons=[issue.code for issue in issues],
    )


def _nothing_new(
    gallery: OpenGallery, name: str, prepared: Sequence[_Prepared], options: EnrollOptions
) -> PersonOutcome:
    with gallery.store.read() as session:
        person = find_person(session, name)
    is_there = any(item.known_template_id is not None for item in prepared)
    if options.terms is not None and is_there:
        record_consent(gallery, name, options.terms)
    return PersonOutcome(name, person, False, tuple(_unstored(item) for item in prepared))


def _unstored(item: _Prepared) -> ImageOutcome:
    if item.known_template_id is not None:
        return ImageOutcome(item.source, EnrollStatus.ALREADY_THERE, item.known_template_id)
    return ImageOutcome(
        item.source, EnrollStatus.REFUSED, error=item.error, quality_issues=item.quality_issues
    )


def _store_as_step(
    gallery: OpenGallery,
    name: str,
    prepared: Sequence[_Prepared],
    rule: MatchRule,
    options: EnrollOptions,
) -> PersonOutcome:
    """Store what was prepared, in one transaction that can be undone."""
    with gallery.change(StepKind.ENROL) as change:
        outcome = _store(gallery, change.session, name, prepared, rule, options)
        if outcome.person is not None:
            templates = counted(outcome.n_added, "template")
            change.says(f"Enrolled '{outcome.person.name}' ({templates})", outcome.person)
        return outcome


def _store(
    gallery: OpenGallery,
    session: Session,
    name: str,
    prepared: Sequence[_Prepared],
    rule: MatchRule,
    options: EnrollOptions,
) -> PersonOutcome:
    """Check and store within the write transaction; what it reads cannot change meanwhile."""
    new = [item.template for item in prepared if item.template is not None]
    contract_id = new[0].embedding.contract_id
    nearest = iter(
        gallery.candidates(
            session, stacked([t.embedding.vector for t in new]), contract_id, n_people=2
        )
    )
    before = find_person(session, name)
    if before is not None and (options.terms is None or not _renews(options.terms)):
        require_in_time(session, before, at=gallery.now())
    writer = _PersonWriter(gallery, session, name, before, contract_id, rule, options)
    outcomes = [
        _unstored(item)
        if item.template is None or item.info is None
        else writer.add(item, item.info, item.template, next(nearest))
        for item in prepared
    ]
    if writer.n_added:
        set_contract(session, contract_id)
    person = find_person(session, name)
    is_done = any(outcome.status is not EnrollStatus.REFUSED for outcome in outcomes)
    if person is not None and options.terms is not None and is_done:
        store_terms(session, person, options.terms, at=gallery.now())
    return PersonOutcome(name, person, before is None and person is not None, tuple(outcomes))


def _renews(terms: Terms) -> bool:
    return terms.without_end or terms.keep_until is not None


class _PersonWriter:
    """Stores Templates of one Person within one transaction."""

    def __init__(
        self,
        gallery: OpenGallery,
        session: Session,
        name: str,
        person: Person | None,
        contract_id: str,
        rule: MatchRule,
        options: EnrollOptions,
    ) -> None:
        self.n_added = 0
        self._session = session
        self._name = name
        self._person_id = None if person is None else person.id
        self._contract_id = contract_id
        self._rule = rule
        self._options = options
        self._at = gallery.now()
        self._own: list[NDArray[np.float32]] = (
            [] if person is None else list(vectors_of_person(session, person.id, contract_id))
        )

    def add(
        self,
        item: _Prepared,
        info: ImageSourceInfo,
        template: NewTemplate,
        nearest: Sequence[Candidate],
    ) -> ImageOutcome:
        """Store one Template unless it is there already or looks like somebody else."""
        if self._person_id is not None:
            known = template_of_image(
                self._session, self._person_id, info.sha256, self._contract_id
            )
            if known is not None:
                return ImageOutcome(item.source, EnrollStatus.ALREADY_THERE, known)
        vector = template.embedding.vector
        own_score = float(np.max(np.stack(self._own) @ vector)) if self._own else None
        conflict = self._conflict(nearest, own_score)
        if conflict is not None and not self._options.allow_conflict:
            return ImageOutcome(
                item.source,
                EnrollStatus.REFUSED,
                error=_conflict_error(conflict),
                quality_issues=item.quality_issues,
                conflict=conflict,
                own_score=own_score,
            )
        if self._person_id is None:
            self._person_id = people.add_person(self._session, self._name, at=self._at).id
        template_id = add_template(self._session, self._person_id, info, template, at=self._at)
        self._own.append(vector)
        self.n_added += 1
        return ImageOutcome(
            item.source,
            EnrollStatus.ADDED,
            template_id,
            quality_issues=item.quality_issues,
            conflict=conflict,
            own_score=own_score,
        )

    def _conflict(self, nearest: Sequence[Candidate], own_score: float | None) -> Candidate | None:
        """Return somebody else at or above the Threshold, unless the Person is clearly nearer."""
        others = [c for c in nearest if c.person_id != self._person_id]
        if not others or others[0].score < self._rule.threshold:
            return None
        if own_score is not None and own_score >= others[0].score + self._rule.required_margin:
            return None
        return others[0]


def _conflict_error(conflict: Candidate) -> ConflictError:
    return ConflictError(
        f"The face looks like {conflict.name}, who is enrolled already "
        f"(score {conflict.score:.3f}).",
        remedy=f"Enrol it under {conflict.name!r}, or keep both with --allow-conflict.",
        person=conflict.name,
        score=conflict.score,
    )
