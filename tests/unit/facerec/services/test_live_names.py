"""Whose face a look shows: the track's, or somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facerec.quality.checks import FaceQuality
from facerec.services.gallery import OpenGallery
from facerec.services.live_names import TrackNames, Watched
from facerec.services.live_types import LiveOptions
from facerec.track.tracker import Track
from tests.helpers.fakes import fake_face
from tests.helpers.live import FACE_PX, RULE, frame_of, toy_gallery, toy_pipeline

ADA, BOB = 1, 2
CROP = np.zeros((FACE_PX, FACE_PX, 3), np.uint8)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[OpenGallery]:
    with toy_gallery(tmp_path / "g", {"Ada": ADA, "Bob": BOB}, toy_pipeline()) as opened:
        yield opened


@pytest.fixture
def names(gallery: OpenGallery) -> TrackNames:
    return TrackNames(gallery, toy_pipeline().embedder.contract_id, RULE, LiveOptions())


def look_of(person: int) -> np.ndarray:
    (face,) = toy_pipeline().analyze(frame_of((person, 200.0), shot=99))
    return face.embedding.vector


def like(vector: np.ndarray, score: float) -> np.ndarray:
    """A unit vector with that Score with another, in a direction of its own."""
    other = np.random.default_rng(4).normal(size=vector.shape)
    other -= (other @ vector) * vector
    mixed = score * vector + np.sqrt(1 - score**2) * other / np.linalg.norm(other)
    return mixed.astype(np.float32)


def watched_track(names: TrackNames, vector: np.ndarray) -> Watched:
    """A track with two good looks of that vector."""
    watched = names.watch(Track(1, fake_face(), 0.0))
    for number in range(2):
        assert look(names, watched, vector, number * 0.1)
    names.answer([watched])
    return watched


def look(names: TrackNames, watched: Watched, vector: np.ndarray, time_s: float) -> bool:
    watched.quality = FaceQuality(0.9, ())
    return names.add_look(watched, vector, CROP, time_s)


def test_a_face_in_doubt_that_is_nearer_to_somebody_enrolled_is_theirs(names: TrackNames) -> None:
    watched = watched_track(names, like(look_of(ADA), 0.5))
    assert watched.shown.person is None
    watched.track.in_doubt = True

    assert not look(names, watched, look_of(ADA), 1.0)


def test_a_face_in_doubt_that_is_the_tracks_own_goes_on(names: TrackNames) -> None:
    watched = watched_track(names, look_of(ADA))
    assert watched.shown.person is not None
    assert watched.track.taken_for == watched.shown.person.person_id
    watched.track.in_doubt = True

    assert look(names, watched, like(look_of(ADA), 0.9), 1.0)
    assert not watched.track.in_doubt


def test_a_stranger_in_doubt_who_is_like_somebody_stays_the_stranger(names: TrackNames) -> None:
    stranger = like(look_of(ADA), 0.7)
    watched = watched_track(names, stranger)
    watched.track.in_doubt = True

    # Above the Threshold with Ada, but more like the stranger's own looks.
    better = like(look_of(ADA), 0.8)
    assert better @ stranger > 0.9
    assert look(names, watched, better, 1.0)


def test_a_name_is_lost_after_two_looks_that_say_another(names: TrackNames) -> None:
    watched = watched_track(names, look_of(BOB))
    ada = look_of(ADA)

    assert look(names, watched, ada, 1.0)  # once may be a mistake
    assert watched.track.in_doubt
    assert not look(names, watched, ada, 1.1)
