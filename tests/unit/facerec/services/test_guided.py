"""Guided enrolment: what it tells, and which look it takes."""

from __future__ import annotations

import numpy as np

from facerec.quality.checks import TOO_DARK
from facerec.services.guided import Guide
from facerec.services.live_types import LiveTrack
from facerec.types import Decision, Embedding, QualityIssue, Reason, Verdict
from tests.helpers.fakes import fake_face

DARK = TOO_DARK.issue(10.0)
NOTHING = Decision(Verdict.UNKNOWN, Reason.EMPTY_GALLERY, None, (), 0.4, None, 0.05)


def _track(track_id: int = 1, *, issue: QualityIssue | None = None, has_look: bool = True):
    crop = np.zeros((112, 112, 3), np.uint8) if has_look else None
    embedding = Embedding(np.eye(4, dtype=np.float32)[0], "fa4e") if has_look else None
    issues = (issue,) if issue else ()
    return LiveTrack(
        track_id, fake_face(), NOTHING, None, True, 1.0, 0.8, issues, crop, embedding, 0.9, ()
    )  # fmt: skip


def _play(guide: Guide, *frames: tuple[float, list[LiveTrack]]) -> list:
    return [guide.update(tracks, time_s) for time_s, tracks in frames]


def test_a_good_face_is_taken_after_the_while_and_not_before() -> None:
    guide = Guide(hold_s=1.0, hold_frames=3)

    said = _play(guide, *[(t / 4, [_track()]) for t in range(5)])

    assert [g.taken is not None for g in said] == [False, False, False, False, True]
    assert [g.progress for g in said] == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_few_frames_are_not_enough_however_long_they_take() -> None:
    guide = Guide(hold_s=1.0, hold_frames=3)

    said = _play(guide, (0.0, [_track()]), (5.0, [_track()]), (5.1, [_track()]))

    assert [g.taken is not None for g in said] == [False, False, True]


def test_an_issue_is_told_and_the_while_begins_again() -> None:
    guide = Guide(hold_s=1.0, hold_frames=2)

    said = _play(
        guide, (0.0, [_track()]), (0.9, [_track(issue=DARK)]), (1.1, [_track()]), (1.9, [_track()])
    )

    assert said[1].issue is DARK
    assert [g.taken for g in said] == [None] * 4


def test_one_face_is_wanted_and_the_same_one_throughout() -> None:
    guide = Guide(hold_s=1.0, hold_frames=2)

    said = _play(
        guide, (0.0, []), (0.1, [_track(1)]), (0.6, [_track(1), _track(2)]), (0.7, [_track(1)]),
        (1.3, [_track(3)]),
    )  # fmt: skip

    assert [g.n_faces for g in said] == [0, 1, 2, 1, 1]
    assert [g.taken for g in said] == [None] * 5


def test_a_face_that_was_not_looked_at_yet_waits() -> None:
    guide = Guide(hold_s=0.1, hold_frames=1)

    said = _play(guide, (0.0, [_track(has_look=False)]), (1.0, [_track(has_look=False)]))

    assert [g.progress for g in said] == [0.0, 0.0]
