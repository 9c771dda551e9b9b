"""History of visits and the queue of unknown faces."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from facerec.config import LiveSettings
from facerec.errors import NoFaceError
from facerec.gallery import sightings as rows
from facerec.gallery.crops import png_from_crop
from facerec.gallery.sightings import UnknownFace
from facerec.pipeline import Pipeline
from facerec.services import people
from facerec.services import recorder as recorder_module
from facerec.services.enroll import EnrollStatus
from facerec.services.exclusions import ignore_person
from facerec.services.gallery import OpenGallery
from facerec.services.live import EventKind, LiveCore, LiveEvent
from facerec.services.recorder import Recorder, record_visit
from facerec.services.sightings import (
    clear_history,
    clear_unknowns,
    dismiss_unknown,
    grouped,
    list_sightings,
    list_unknowns,
    name_track,
    name_unknown,
    purge_expired,
)
from facerec.types import Embedding, Verdict
from tests.helpers.gallery import random_unit
from tests.helpers.live import RULE, frame_of, toy_gallery, toy_pipeline

ADA, STRANGER, OTHER = 1, 8, 3
KEEP = LiveSettings(keep_strangers=True, strangers_hours=2)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return toy_pipeline()


@pytest.fixture
def gallery(tmp_path: Path, pipeline: Pipeline) -> Iterator[OpenGallery]:
    with toy_gallery(tmp_path / "g", {"Ada": ADA}, pipeline) as opened:
        yield opened


def visit(gallery: OpenGallery, pipeline: Pipeline, person: int, first_shot: int = 0) -> LiveEvent:
    """Somebody stands before the camera for a moment; returns how it ended."""
    core = LiveCore(gallery, pipeline, rule=RULE)
    for shot in range(5):
        core.process(frame_of((person, 200.0), shot=first_shot + shot), shot / 25)
    (event,) = core.finish()
    assert event.kind is EventKind.LEFT
    return event


def unknowns(gallery: OpenGallery, pipeline: Pipeline):
    return list_unknowns(gallery, rule=RULE, contract_id=pipeline.embedder.contract_id)


def test_visits_are_noted_with_their_times(gallery: OpenGallery, pipeline: Pipeline) -> None:
    event = visit(gallery, pipeline, ADA)
    record_visit(gallery, event, LiveSettings(), source="camera 0")
    record_visit(gallery, visit(gallery, pipeline, STRANGER), LiveSettings(), source="camera 0")

    stranger, ada = list_sightings(gallery)

    assert (ada.name, ada.source, ada.reason) == ("Ada", "camera 0", "above_threshold")
    assert (ada.began_at, ada.ended_at) == (event.began_at, event.at)
    assert ada.score == pytest.approx(event.decision.person.score)
    assert (stranger.name, stranger.score) == (None, None)
    assert list_sightings(gallery, name="ada") == [ada]
    assert list_sightings(gallery, since=stranger.ended_at + timedelta(seconds=1)) == []
    assert clear_history(gallery) == 2


def test_strangers_faces_are_not_kept_unless_switched_on(
    gallery: OpenGallery, pipeline: Pipeline
) -> None:
    assert LiveSettings().keep_strangers is False
    event = visit(gallery, pipeline, STRANGER)

    record_visit(gallery, event, LiveSettings(), source="camera")
    assert unknowns(gallery, pipeline) == []

    record_visit(gallery, event, KEEP, source="camera")
    (group,) = unknowns(gallery, pipeline)
    np.testing.assert_array_equal(group.best_crop, event.best_crop)
    assert group.expires_at - group.last_seen_at == timedelta(hours=2)


def test_faces_of_known_people_are_never_kept(gallery: OpenGallery, pipeline: Pipeline) -> None:
    record_visit(gallery, visit(gallery, pipeline, ADA), KEEP, source="camera")

    assert unknowns(gallery, pipeline) == []


def test_faces_of_ignored_people_do_not_wait_for_a_name(
    gallery: OpenGallery, pipeline: Pipeline
) -> None:
    ignore_person(gallery, "Ada")

    record_visit(gallery, visit(gallery, pipeline, ADA), KEEP, source="camera")

    (seen,) = list_sightings(gallery)
    assert (seen.name, seen.reason) == (None, "ignored")
    assert unknowns(gallery, pipeline) == []


def test_a_history_can_be_switched_off(gallery: OpenGallery, pipeline: Pipeline) -> None:
    silent = LiveSettings(keep_history=False)

    record_visit(gallery, visit(gallery, pipeline, ADA), silent, source="camera")

    assert list_sightings(gallery) == []


def test_nothing_seen_becomes_a_template_by_itself(
    gallery: OpenGallery, pipeline: Pipeline
) -> None:
    before = people.list_people(gallery)
    for person in (ADA, STRANGER):
        record_visit(gallery, visit(gallery, pipeline, person), KEEP, source="camera")

    assert people.list_people(gallery) == before


def test_unknown_faces_are_grouped_by_likeness(gallery: OpenGallery, pipeline: Pipeline) -> None:
    for person, shot in ((STRANGER, 0), (OTHER, 10), (STRANGER, 20)):
        record_visit(gallery, visit(gallery, pipeline, person, shot), KEEP, source="camera")

    groups = unknowns(gallery, pipeline)

    assert sorted([face.id for face in group.faces] for group in groups) == [[1, 3], [2]] or sorted(
        sorted(face.id for face in group.faces) for group in groups
    ) == [[1, 3], [2]]
    assert {group.group_id for group in groups} == {1, 2}


def test_a_group_is_named_and_known_from_then_on(gallery: OpenGallery, pipeline: Pipeline) -> None:
    for shot in (0, 20):
        record_visit(gallery, visit(gallery, pipeline, STRANGER, shot), KEEP, source="camera")
    (group,) = unknowns(gallery, pipeline)

    outcome = name_unknown(gallery, group, "Cy", rule=RULE)

    assert outcome.n_added == 2
    assert outcome.person.name == "Cy"
    assert unknowns(gallery, pipeline) == []
    assert visit(gallery, pipeline, STRANGER, 40).name == "Cy"


def test_a_group_that_looks_like_somebody_enrolled_is_refused_and_stays(
    gallery: OpenGallery, pipeline: Pipeline
) -> None:
    record_visit(gallery, visit(gallery, pipeline, STRANGER), KEEP, source="camera")
    (group,) = unknowns(gallery, pipeline)
    name_track_like = name_unknown(gallery, group, "Cy", rule=RULE)
    assert name_track_like.is_done
    record_again = replace(visit(gallery, pipeline, STRANGER, 20))
    stranger = replace(record_again.decision, verdict=Verdict.UNKNOWN, person=None)
    record_visit(
        gallery,
        replace(record_again, decision=stranger, person_id=None, name=None),
        KEEP,
        source="camera",
    )
    (again,) = unknowns(gallery, pipeline)

    outcome = name_unknown(gallery, again, "Dee", rule=RULE)

    assert outcome.images[0].status is EnrollStatus.REFUSED
    assert outcome.images[0].conflict.name == "Cy"
    assert len(unknowns(gallery, pipeline)) == 1


def test_a_group_can_be_dismissed(gallery: OpenGallery, pipeline: Pipeline) -> None:
    record_visit(gallery, visit(gallery, pipeline, STRANGER), KEEP, source="camera")
    (group,) = unknowns(gallery, pipeline)

    assert dismiss_unknown(gallery, group) == 1
    assert unknowns(gallery, pipeline) == []
    assert clear_unknowns(gallery) == 0


def test_what_has_expired_is_not_shown_and_is_deleted(
    gallery: OpenGallery, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_visit(gallery, visit(gallery, pipeline, STRANGER), KEEP, source="camera")
    assert purge_expired(gallery, KEEP) == (0, 0)

    later = datetime.now(UTC) + timedelta(hours=3)
    monkeypatch.setattr(gallery, "now", lambda: later)
    assert unknowns(gallery, pipeline) == []
    assert purge_expired(gallery, KEEP) == (0, 1)

    monkeypatch.setattr(gallery, "now", lambda: later + timedelta(days=31))
    assert purge_expired(gallery, KEEP) == (1, 0)


def test_removing_a_person_erases_their_visits(gallery: OpenGallery, pipeline: Pipeline) -> None:
    record_visit(gallery, visit(gallery, pipeline, ADA), LiveSettings(), source="camera")

    people.remove_person(gallery, "Ada")

    assert list_sightings(gallery) == []


def test_merging_people_moves_their_visits(gallery: OpenGallery, pipeline: Pipeline) -> None:
    core = LiveCore(gallery, pipeline, rule=RULE)
    for shot in range(5):
        frame = core.process(frame_of((STRANGER, 200.0), shot=shot), shot / 25)
    name_track(gallery, frame.tracks[0], "Cy", rule=RULE)
    record_visit(gallery, visit(gallery, pipeline, STRANGER), LiveSettings(), source="camera")

    people.merge_people(gallery, "Cy", into="Ada")

    assert [sighting.name for sighting in list_sightings(gallery)] == ["Ada"]


def test_a_face_not_looked_at_yet_cannot_be_named(gallery: OpenGallery, pipeline: Pipeline) -> None:
    core = LiveCore(gallery, pipeline, rule=RULE)
    track = core.process(frame_of((STRANGER, 200.0)), 0.0).tracks[0]

    with pytest.raises(NoFaceError, match="not seen well enough"):
        name_track(gallery, replace(track, best_crop=None), "Cy", rule=RULE)


def test_the_recorder_writes_in_its_own_thread(gallery: OpenGallery, pipeline: Pipeline) -> None:
    event = visit(gallery, pipeline, STRANGER)
    with Recorder(gallery.folder, KEEP, source="camera 0") as recorder:
        recorder.on_event(replace(event, kind=EventKind.APPEARED))
        recorder.on_event(event)

    assert recorder.error is None
    assert len(list_sightings(gallery)) == len(unknowns(gallery, pipeline)) == 1


def test_what_has_expired_is_deleted_however_busy_the_camera_is(
    gallery: OpenGallery, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = visit(gallery, pipeline, STRANGER)
    purges: list[float] = []
    monkeypatch.setattr(recorder_module, "PURGE_EVERY_S", 0.2)
    monkeypatch.setattr(
        recorder_module, "purge_expired", lambda *_: purges.append(time.monotonic())
    )
    with Recorder(gallery.folder, KEEP, source="camera 0") as recorder:
        deadline = time.monotonic() + 20.0
        while len(purges) < 3 and time.monotonic() < deadline:
            recorder.on_event(event)  # never a pause as long as that between purges
            time.sleep(0.02)

    assert len(purges) >= 3
    assert np.diff(purges).min() >= 0.2


def test_groups_begin_with_the_best_face() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    png = png_from_crop(np.zeros((8, 8, 3), np.uint8))

    def face(number: int, seed: int, quality: float, tilt: float = 0.0) -> UnknownFace:
        vector = random_unit(seed) + tilt * random_unit(seed + 100)
        embedding = Embedding(vector / np.linalg.norm(vector), "c")
        return UnknownFace(number, "camera", at, at, embedding, quality, png)

    faces = [face(1, 5, 0.6, 0.3), face(2, 6, 0.7), face(3, 5, 0.9)]

    assert [[f.id for f in group] for group in grouped(faces, 0.6)] == [[3, 1], [2]]
    assert grouped([], 0.6) == []


def test_a_visit_of_somebody_just_removed_is_noted_without_them(
    gallery: OpenGallery, pipeline: Pipeline
) -> None:
    event = visit(gallery, pipeline, ADA)
    people.remove_person(gallery, "Ada")

    record_visit(gallery, event, LiveSettings(), source="camera")

    (noted,) = list_sightings(gallery)
    assert (noted.person_id, noted.score) == (None, None)
    with gallery.store.write() as session:
        assert rows.remove_sightings(session) == 1
