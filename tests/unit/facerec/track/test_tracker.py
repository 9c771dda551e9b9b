"""Who is the same as a moment ago."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from facerec.track.tracker import Track, Tracker
from facerec.types import Face
from tests.helpers.fakes import fake_face

STEP_S = 0.04
DIMENSION = 8
BETWEEN = 7


def look_of(person: int) -> np.ndarray:
    """People share nothing: unit vectors at right angles; but BETWEEN is like 0 and more like 1."""
    axes = np.eye(DIMENSION, dtype=np.float32)
    if person == BETWEEN:
        return np.float32(0.6) * axes[0] + np.float32(0.8) * axes[1]
    return axes[person]


class Stage:
    """Plays faces of known people to a tracker, and counts how often it asks who they are."""

    def __init__(self, return_score: float = -1.0) -> None:
        self.tracker = Tracker(return_score=return_score)
        self.n_asked = 0
        self.number = 0

    @property
    def time_s(self) -> float:
        return self.number * STEP_S

    def play(
        self, *people: tuple[int, float], quality: float = 0.9, learn: bool = True
    ) -> dict[int, Track | None]:
        """One frame with (person, left edge in pixels) of faces 100 pixels wide."""
        faces: list[Face] = [fake_face(left=x, top=100.0, size=125.0) for _, x in people]

        def ask(indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
            self.n_asked += len(indices)
            looks = np.stack([look_of(people[index][0]) for index in indices])
            return looks, np.full(len(indices), quality, dtype=np.float32)

        found = self.tracker.update(faces, self.time_s, ask)
        for (person, _), track in zip(people, found, strict=True):
            if learn and track is not None and not track.in_doubt:
                track.learn(look_of(person), 1.0)
        self.number += 1
        return {person: track for (person, _), track in zip(people, found, strict=True)}

    def skip(self, seconds: float) -> list[Track]:
        """Nobody is seen for a while; returns the tracks that ended."""
        ended = []
        for _ in range(round(seconds / STEP_S)):
            self.play()
            ended += self.tracker.end_lost(self.time_s)
        return ended


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_people_apart_are_followed_without_asking_who_they_are(stage: Stage) -> None:
    ids = set()
    for step in range(25):
        found = stage.play((0, 100 + 4 * step), (1, 500 - 4 * step))
        ids.add(tuple(found[person].track_id for person in (0, 1)))

    assert ids == {(1, 2)}
    assert stage.n_asked == 0


@pytest.mark.parametrize("speed", [3.0, 8.0, 16.0])
def test_people_who_cross_keep_their_tracks(stage: Stage, speed: float) -> None:
    """The right one is hidden by the left one while they overlap by more than a half."""
    first = stage.play((0, 100.0), (1, 600.0))
    n_steps = round(500 / speed) + 12
    for step in range(1, n_steps):
        a, b = 100 + speed * step, 600 - speed * step
        hidden = abs(a - b) < 60
        last = stage.play((0, a)) if hidden else stage.play((0, a), (1, b))

    assert last[0] is first[0]
    assert last[1] is first[1]
    assert not last[1].in_doubt
    assert stage.n_asked > 0


def test_people_who_meet_and_turn_back_keep_their_tracks(stage: Stage) -> None:
    """Motion alone would swap them: each comes out where the other was heading."""
    first = stage.play((0, 100.0), (1, 500.0))
    for step in range(1, 50):
        way = 8.0 * (step if step < 25 else 50 - step)
        a, b = 100 + way, 500 - way
        last = stage.play((0, a)) if abs(a - b) < 60 else stage.play((0, a), (1, b))

    assert (last[0], last[1]) == (first[0], first[1])


def test_a_short_absence_is_bridged_and_a_long_one_ends_the_track(stage: Stage) -> None:
    before = stage.play((0, 100.0))[0]
    assert stage.skip(1.0) == []
    back = stage.play((0, 120.0))[0]
    ended = stage.skip(2.0)
    later = stage.play((0, 120.0))[0]

    assert back is before
    assert not back.in_doubt
    assert ended == [before]
    assert later.track_id == 2


def test_somebody_else_in_the_same_place_is_somebody_else(stage: Stage) -> None:
    for _ in range(5):
        before = stage.play((0, 100.0))[0]
    stage.skip(0.6)

    after = stage.play((1, 100.0))[1]

    assert after is not before


def test_who_comes_back_elsewhere_is_known_by_their_looks(stage: Stage) -> None:
    for _ in range(5):
        before = stage.play((0, 100.0))[0]
    stage.skip(0.4)

    after = stage.play((0, 900.0))[0]

    assert after is before


@pytest.mark.parametrize(("taken_for", "stays"), [(2, True), (1, False), (None, False)])
def test_who_looks_like_somebody_gone_is_left_to_a_track_with_a_name(
    stage: Stage, taken_for: int | None, stays: bool
) -> None:
    for _ in range(5):
        gone = stage.play((0, 100.0))[0]
    gone.taken_for = 1
    stage.skip(0.4)
    young = stage.play((1, 900.0))[1]
    young.taken_for = taken_for

    after = stage.play((BETWEEN, 900.0))[BETWEEN]

    assert after is (young if stays else gone)


@pytest.mark.parametrize("back_at", [100.0, 900.0])
def test_who_comes_back_must_be_more_alike_than_who_stayed(back_at: float) -> None:
    # BETWEEN scores 0.6 with person 0; a face that is believed all along needs 0.4.
    strict, lenient = Stage(return_score=0.7), Stage()
    for stage in (strict, lenient):
        before = stage.play((0, 100.0))[0]
        stage.skip(0.2)
        after = stage.play((BETWEEN, back_at), learn=False)[BETWEEN]
        is_taken_up = after is before and not after.in_doubt
        assert is_taken_up == (stage is lenient)

    seen = Stage(return_score=0.7)
    track = seen.play((0, 100.0))[0]
    seen.tracker.doubt_all()
    assert seen.play((BETWEEN, 100.0))[BETWEEN] is track
    assert not track.in_doubt


def test_only_a_head_before_the_face_may_hide_it(stage: Stage) -> None:
    # Faces 100 pixels wide: heads reach 25 pixels further on each side.
    beside = stage.play((0, 100.0), (1, 235.0))
    assert not any(track.is_touching for track in beside.values())
    assert not any(track.must_ask for track in stage.play((0, 100.0), (1, 240.0)).values())

    before = stage.play((0, 110.0), (1, 220.0))
    assert all(track.is_touching for track in before.values())


def test_a_face_too_poor_to_tell_stays_in_doubt(stage: Stage) -> None:
    for _ in range(5):
        before = stage.play((0, 100.0))[0]
    stage.skip(0.6)

    blurred = stage.play((1, 100.0), quality=0.2, learn=False)[1]
    assert blurred is before  # it may be the same
    assert before.in_doubt  # or not

    sharp = stage.play((0, 100.0))[0]
    assert sharp is before
    assert not before.in_doubt


def test_after_a_jump_of_the_scene_looks_decide(stage: Stage) -> None:
    for _ in range(5):
        before = stage.play((0, 100.0), (1, 400.0))
    stage.tracker.doubt_all()

    after = stage.play((1, 100.0), (0, 400.0))

    assert (after[0], after[1]) == (before[0], before[1])


def test_ids_are_never_given_twice(stage: Stage) -> None:
    seen = set()
    for person in range(5):
        seen.add(stage.play((person, 100.0))[person].track_id)
        stage.skip(2.0)

    assert seen == {1, 2, 3, 4, 5}
