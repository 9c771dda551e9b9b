"""What a camera leaves behind: a history of visits, and unknown faces that wait for a name.

Nothing here becomes a Template by itself: an unknown face is enrolled when somebody names it, by
the rules of any enrolment. Faces of strangers are kept only if the settings say so, and for hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from facerec.config import LiveSettings
from facerec.errors import NoFaceError
from facerec.gallery import sightings as rows
from facerec.gallery.crops import crop_from_png
from facerec.gallery.people import require_person
from facerec.gallery.sightings import Sighting, UnknownFace
from facerec.match.rule import MatchRule
from facerec.services.enroll import EnrollOptions, PersonOutcome, SeenFace, enroll_seen
from facerec.services.gallery import OpenGallery
from facerec.services.live_types import LiveTrack
from facerec.types import Crop

# Of one group, so many of the best faces are enrolled when it is named.
_MOST_ENROLLED = 5


@dataclass(frozen=True, slots=True, eq=False)
class UnknownGroup:
    """Unknown faces that look alike, most likely of one stranger.

    Attributes:
        group_id: id of its earliest face.
        faces: best first.
        best_crop: (S, S, 3) uint8, RGB, of the best face.
        first_seen_at: UTC.
        last_seen_at: UTC.
        expires_at: when the last of its faces is deleted, UTC.
    """

    group_id: int
    faces: tuple[UnknownFace, ...]
    best_crop: Crop
    first_seen_at: datetime
    last_seen_at: datetime
    expires_at: datetime


def list_unknowns(gallery: OpenGallery, *, rule: MatchRule, contract_id: str) -> list[UnknownGroup]:
    """Return the unknown faces that wait for a name, grouped by likeness, latest first.

    Args:
        gallery: where they are kept.
        rule: its Threshold says which faces count as one stranger's.
        contract_id: of the Embeddings in use; ``pipeline.embedder.contract_id``.
    """
    with gallery.store.read() as session:
        faces = rows.list_unknown_faces(session, contract_id=contract_id, at=gallery.now())
    groups = [_group(members) for members in grouped(faces, rule.threshold)]
    return sorted(groups, key=lambda group: group.last_seen_at, reverse=True)


def name_unknown(
    gallery: OpenGallery,
    group: UnknownGroup,
    name: str,
    *,
    rule: MatchRule,
    options: EnrollOptions | None = None,
) -> PersonOutcome:
    """Enrol a group's best faces under a name, new or enrolled already, and take it off the queue.

    When every face is refused (it looks like somebody else who is enrolled, say), the group stays.

    Args:
        gallery: where to.
        group: who.
        name: of the Person.
        rule: what counts as looking like somebody else.
        options: how strict; the defaults when not given.

    Raises:
        RangeError: the name is none.
        EmbeddingMismatchError: the gallery was made with another model.
        StoreError: the gallery cannot be written.
    """
    faces = [
        SeenFace(crop_from_png(face.crop_png), face.embedding, face.quality, label=face.source)
        for face in group.faces[:_MOST_ENROLLED]
    ]
    outcome = enroll_seen(gallery, name, faces, rule=rule, options=options)
    if outcome.is_done:
        dismiss_unknown(gallery, group)
    return outcome


def name_track(
    gallery: OpenGallery,
    track: LiveTrack,
    name: str,
    *,
    rule: MatchRule,
    options: EnrollOptions | None = None,
) -> PersonOutcome:
    """Enrol the best look of somebody in sight; the engine knows them within half a second.

    Args:
        gallery: where to.
        track: who.
        name: of the Person, new or enrolled already.
        rule: what counts as looking like somebody else.
        options: how strict; the defaults when not given.

    Raises:
        NoFaceError: the face was not looked at yet.
        RangeError: the name is none.
        EmbeddingMismatchError: the gallery was made with another model.
        StoreError: the gallery cannot be written.
    """
    if track.best_crop is None or track.best_embedding is None:
        raise NoFaceError("The face was not seen well enough yet.", remedy="Wait a moment.")
    face = SeenFace(track.best_crop, track.best_embedding, track.best_quality, track.best_issues)
    return enroll_seen(gallery, name, [face], rule=rule, options=options)


def dismiss_unknown(gallery: OpenGallery, group: UnknownGroup) -> int:
    """Delete a group's faces; returns how many there still were."""
    with gallery.store.write() as session:
        return rows.remove_unknown_faces(session, ids=[face.id for face in group.faces])


def list_sightings(
    gallery: OpenGallery,
    *,
    name: str | None = None,
    since: datetime | None = None,
    limit: int = 1000,
) -> list[Sighting]:
    """Return visits, newest first.

    Args:
        gallery: where they are noted.
        name: of one Person only.
        since: that ended at or after this moment.
        limit: at most so many.

    Raises:
        NotFoundError: nobody has that name.
    """
    with gallery.store.read() as session:
        person_id = None if name is None else require_person(session, name).id
        return rows.list_sightings(session, person_id=person_id, since=since, limit=limit)


def clear_history(gallery: OpenGallery) -> int:
    """Delete all visits; returns how many there were."""
    with gallery.store.write() as session:
        return rows.remove_sightings(session)


def clear_unknowns(gallery: OpenGallery) -> int:
    """Delete all unknown faces, whatever model made them; returns how many there were."""
    with gallery.store.write() as session:
        return rows.remove_unknown_faces(session)


def purge_expired(gallery: OpenGallery, settings: LiveSettings) -> tuple[int, int]:
    """Delete visits and unknown faces whose time is over; returns how many of each.

    Called whenever a camera is started and every few minutes while one runs.
    """
    now = gallery.now()
    with gallery.store.write() as session:
        before = now - timedelta(days=settings.history_days)
        return (
            rows.remove_sightings(session, before=before),
            rows.remove_unknown_faces(session, expired_at=now),
        )


def grouped(faces: Sequence[UnknownFace], threshold: float) -> list[list[UnknownFace]]:
    """Group faces by likeness.

    The best faces begin groups; each further face joins the group whose mean it is nearest to, if
    its Score with it reaches the Threshold, or else begins a group of its own.

    Args:
        faces: under one contract.
        threshold: smallest Score with a group's mean that counts.

    Returns:
        Groups, each best face first.
    """
    groups: list[list[UnknownFace]] = []
    sums: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
    for face in sorted(faces, key=lambda face: (-face.quality, face.id)):
        vector = face.embedding.vector.astype(np.float64)
        scores = [float(vector @ total / np.linalg.norm(total)) for total in sums]
        best = int(np.argmax(scores)) if scores else -1
        if scores and scores[best] >= threshold:
            groups[best].append(face)
            sums[best] += vector
        else:
            groups.append([face])
            sums.append(vector)
    return groups


def _group(faces: Sequence[UnknownFace]) -> UnknownGroup:
    return UnknownGroup(
        group_id=min(face.id for face in faces),
        faces=tuple(faces),
        best_crop=crop_from_png(faces[0].crop_png),
        first_seen_at=min(face.seen_at for face in faces),
        last_seen_at=max(face.seen_at for face in faces),
        expires_at=max(face.expires_at for face in faces),
    )
