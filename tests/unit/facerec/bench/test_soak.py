"""The soak in short, with made-up people; and what it would say of faults."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from facerec.bench.soak import (
    LoopedCamera,
    SoakReport,
    SoakVideo,
    Usage,
    format_soak,
    measure_soak,
)
from facerec.bench.soak_events import EventBook
from facerec.errors import RangeError, SourceError
from facerec.services.live import EventKind, LiveEvent
from facerec.types import Decision, ImageRGB, Reason, Verdict
from tests.helpers.live import RULE, frame_of, toy_gallery, toy_pipeline

ADA, STRANGER = 1, 8
N_FRAMES = 20


def scene(number: int) -> ImageRGB:
    """Ada walks, a stranger stands; later nobody is there."""
    if number >= N_FRAMES:
        return frame_of()
    return frame_of((ADA, 20.0 + 6 * number), (STRANGER, 400.0), shot=number)


VIDEO = SoakVideo(scene, N_FRAMES)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> SoakReport:
    pipeline = toy_pipeline()
    folder = tmp_path_factory.mktemp("soak") / "g"
    with toy_gallery(folder, {"Ada": ADA}, pipeline) as gallery:
        return measure_soak(gallery, pipeline, VIDEO, rule=RULE, n_loops=6, n_losses=2)


def test_a_short_soak_has_no_faults(report: SoakReport) -> None:
    assert report.faults == ()
    assert report.n_frames == 4 * 70 + 2 * 60  # two loops broke off halfway
    assert (report.n_losses, report.n_returns) == (2, 2)
    # Two faces, one with a name, in each loop; nothing is left over from the loop before.
    assert report.event_counts == ((2, 1, 2),) * 4
    assert report.n_left == report.n_visits == 12
    assert len(report.usages) == 6
    assert "No faults." in format_soak(report)


def test_faults_are_told(report: SoakReport) -> None:
    last = report.usages[-1]
    leaking = Usage(last.memory_mib + 30, last.n_threads + 9, last.n_files + 3)
    bad = replace(
        report,
        usages=(*report.usages, leaking),
        event_counts=((2, 1, 2), (2, 1, 1)),
        n_visits=15,
        n_returns=1,
        left_behind=("facerec-live",),
        error="The disk is full.",
    )

    assert len(bad.faults) == 8
    assert "memory grew by" in format_soak(bad)


def event(kind: EventKind, track_id: int = 1) -> LiveEvent:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    decision = Decision(Verdict.UNKNOWN, Reason.BELOW_THRESHOLD, None, (), 0.4, None, 0.05)
    return LiveEvent(kind, track_id, 0.0, at, 0.0, at, decision, None, None, None, None, 0.0)


def test_events_out_of_order_are_faults() -> None:
    right, wrong = EventBook(), EventBook()
    for kind in (EventKind.APPEARED, EventKind.RECOGNISED, EventKind.RECOGNISED, EventKind.LEFT):
        right.take(event(kind))
    for track_id, kinds in enumerate(
        [
            (EventKind.LEFT,),
            (EventKind.APPEARED, EventKind.APPEARED, EventKind.LEFT),
            (EventKind.APPEARED, EventKind.LEFT, EventKind.RECOGNISED),
            (EventKind.APPEARED,),
        ]
    ):
        for kind in kinds:
            wrong.take(event(kind, track_id))

    assert list(right.faults()) == []
    assert list(wrong.faults()) == [
        "face 0 left out of turn",
        "face 1 appeared out of turn",
        "face 2 recognised after it left",
        "face 3 never left",
    ]


def test_a_face_counts_for_the_loop_it_appeared_in() -> None:
    book = EventBook()
    book.take(event(EventKind.APPEARED))
    book.loop = 1
    book.take(event(EventKind.LEFT))

    assert book.counts([0, 1]) == ((1, 0, 1), (0, 0, 0))


def test_the_camera_breaks_off_and_comes_back() -> None:
    camera = LoopedCamera(VIDEO, 6, 2)
    assert camera.broken == {1, 3}

    camera.open()
    for _ in range(camera.length(0) + camera.length(1)):
        assert camera.read() is not None
    with pytest.raises(SourceError):
        camera.read()
    with pytest.raises(SourceError):
        camera.open()
    camera.open()
    frame = camera.read()
    assert frame is not None
    assert frame.time_s == 0.0


def test_too_few_loops_are_refused() -> None:
    with pytest.raises(RangeError, match="5 loops"):
        LoopedCamera(VIDEO, 5, 2)
