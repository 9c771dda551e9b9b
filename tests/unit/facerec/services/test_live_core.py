"""One video, frame by frame, with made-up people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from facerec.errors import ConfigError, EmbeddingMismatchError, ShapeError
from facerec.pipeline import Pipeline
from facerec.services import people
from facerec.services.gallery import OpenGallery
from facerec.services.live import EventKind, LiveCore, LiveFrame, LiveOptions
from facerec.services.sightings import name_track
from facerec.types import Reason, Verdict
from tests.helpers.fakes import FakeDetector, FakeEmbedder
from tests.helpers.live import FRAMES_PER_S, RULE, frame_of, toy_gallery, toy_pipeline

# (patterns whose vectors have little in common)
ADA, BOB, STRANGER = 1, 2, 8


@pytest.fixture
def pipeline() -> Pipeline:
    return toy_pipeline()


@pytest.fixture
def gallery(tmp_path: Path, pipeline: Pipeline) -> Iterator[OpenGallery]:
    with toy_gallery(tmp_path / "g", {"Ada": ADA, "Bob": BOB}, pipeline) as opened:
        yield opened


@pytest.fixture
def core(gallery: OpenGallery, pipeline: Pipeline) -> LiveCore:
    return LiveCore(gallery, pipeline, rule=RULE)


class Player:
    """Plays frames to a core, 25 a second."""

    def __init__(self, core: LiveCore) -> None:
        self.core = core
        self.number = 0

    def __call__(self, *people: tuple[int, float]) -> LiveFrame:
        frame = self.core.process(frame_of(*people, shot=self.number), self.number / FRAMES_PER_S)
        self.number += 1
        return frame

    def hold(self, n: int, *people: tuple[int, float]) -> list[LiveFrame]:
        return [self(*people) for _ in range(n)]


def names(frame: LiveFrame) -> list[str | None]:
    """From left to right."""
    tracks = sorted(frame.tracks, key=lambda track: float(track.face.box_xyxy[0]))
    return [track.name for track in tracks]


def kinds(frames: Iterable[LiveFrame]) -> list[tuple[str, str | None]]:
    return [(event.kind.value, event.name) for frame in frames for event in frame.events]


def test_people_are_named_and_strangers_are_not(core: LiveCore) -> None:
    frames = Player(core).hold(10, (ADA, 20.0), (STRANGER, 200.0), (BOB, 400.0))

    last = frames[-1]
    assert names(last) == ["Ada", None, "Bob"]
    assert [track.decision.verdict for track in last.tracks] == [
        Verdict.KNOWN, Verdict.UNKNOWN, Verdict.KNOWN,
    ]  # fmt: skip
    assert last.tracks[1].decision.reason is Reason.BELOW_THRESHOLD
    assert all(track.is_settled for track in last.tracks)
    assert len({track.track_id for frame in frames for track in frame.tracks}) == 3


def test_every_frame_has_its_boxes_though_few_are_searched(
    core: LiveCore, pipeline: Pipeline
) -> None:
    player = Player(core)
    for step in range(50):
        frame = player((ADA, 20.0 + 4 * step), (STRANGER, 500.0 - 2 * step))
        lefts = sorted(float(track.face.box_xyxy[0]) for track in frame.tracks)
        assert lefts == pytest.approx([31.2 + 4 * step, 511.2 - 2 * step], abs=0.6)

    # (enrolling searched two images)
    assert pipeline.detector.n_searches - 2 <= 12  # every 0.2 s of 2 s, and the first


def test_settled_faces_are_seldom_embedded(core: LiveCore, pipeline: Pipeline) -> None:
    Player(core).hold(75, (ADA, 20.0), (BOB, 400.0))

    # Two people, three seconds: two looks at first, then one a second; two were enrolled.
    assert pipeline.embedder.n_crops - 2 <= 2 * (3 + 3)


def test_events_tell_who_came_and_went(core: LiveCore) -> None:
    player = Player(core)
    frames = player.hold(30, (ADA, 20.0))
    frames += player.hold(60)

    assert sorted(kinds(frames[:3])) == [("appeared", "Ada"), ("recognised", "Ada")]
    assert kinds(frames[3:]) == [("left", "Ada")]
    left = frames[-1].events or next(f.events for f in reversed(frames) if f.events)
    assert left[0].time_s == pytest.approx(29 / FRAMES_PER_S)
    assert (left[0].at - left[0].began_at).total_seconds() == pytest.approx(29 / FRAMES_PER_S)
    assert left[0].best_crop is not None
    assert left[0].best_crop.shape == (112, 112, 3)


def test_who_is_named_at_once_has_appeared_before(core: LiveCore) -> None:
    frames = Player(core).hold(3, (ADA, 200.0))

    assert names(frames[0]) == ["Ada"]
    assert kinds(frames[:1]) == [("appeared", "Ada"), ("recognised", "Ada")]
    assert kinds(frames[1:]) == []


def test_people_who_cross_keep_their_names(core: LiveCore) -> None:
    player = Player(core)
    for step in range(60):
        frame = player((ADA, 20.0 + 8 * step), (BOB, 500.0 - 8 * step))
        a, b = 20 + 8 * step, 500 - 8 * step
        if step > 15 and abs(a - b) > 150:
            assert names(frame) == (["Ada", "Bob"] if a < b else ["Bob", "Ada"])

    assert {track.track_id for track in frame.tracks} == {1, 2}


def test_who_takes_anothers_place_does_not_take_the_name(core: LiveCore) -> None:
    player = Player(core)
    assert names(player.hold(20, (ADA, 200.0))[-1]) == ["Ada"]

    # From one frame to the next, without a gap.
    frames = player.hold(10, (STRANGER, 200.0))

    assert names(frames[0]) == [None]
    # (between the look that showed it and the next search, the face may have no box)
    assert all(names(frame) in ([None], []) for frame in frames)
    assert names(frames[-1]) == [None]
    assert frames[-1].tracks[0].track_id != 1
    assert ("left", "Ada") in kinds(player.hold(60))


def test_a_short_absence_keeps_name_and_track(core: LiveCore) -> None:
    player = Player(core)
    player.hold(20, (ADA, 200.0))
    assert player.hold(20)[-1].tracks == ()

    frames = player.hold(8, (ADA, 230.0))

    assert names(frames[-1]) == ["Ada"]
    assert frames[-1].tracks[0].track_id == 1
    assert kinds(frames) == []


def test_nobody_is_in_a_frame_twice(core: LiveCore) -> None:
    """Two identical faces, as of a mirror or a poster."""
    frames = Player(core).hold(20, (ADA, 20.0), (ADA, 400.0))

    for frame in frames:
        assert sum(name == "Ada" for name in names(frame)) <= 1
    assert sorted(map(str, names(frames[-1]))) == ["Ada", "None"]
    loser = next(track for track in frames[-1].tracks if track.name is None)
    assert loser.decision.reason is Reason.TAKEN_IN_IMAGE
    assert names(frames[5]) == names(frames[-1])  # and the name does not jump


def test_somebody_enrolled_a_moment_ago_is_known(core: LiveCore, gallery: OpenGallery) -> None:
    player = Player(core)
    stranger = player.hold(10, (STRANGER, 200.0))[-1].tracks[0]
    assert stranger.name is None

    assert name_track(gallery, stranger, "Cy", rule=RULE).is_done
    frames = player.hold(15, (STRANGER, 200.0))

    assert names(frames[-1]) == ["Cy"]
    assert ("recognised", "Cy") in kinds(frames)
    core.reload_gallery()
    people.rename_person(gallery, "Cy", "Cyd")
    core.reload_gallery()
    assert names(player((STRANGER, 200.0))) == ["Cyd"]


def test_somebody_removed_is_not_named_any_more(core: LiveCore, gallery: OpenGallery) -> None:
    player = Player(core)
    player.hold(10, (ADA, 200.0))

    people.remove_person(gallery, "Ada")

    assert names(player.hold(15, (ADA, 200.0))[-1]) == [None]


def test_the_same_video_gives_the_same_answers(gallery: OpenGallery, pipeline: Pipeline) -> None:
    def play() -> list[tuple[object, ...]]:
        player = Player(LiveCore(gallery, pipeline, rule=RULE))
        frames = [player((ADA, 20.0 + 8 * s), (STRANGER, 500.0 - 8 * s)) for s in range(40)]
        return [
            (t.track_id, t.name, t.decision.candidates, t.face.box_xyxy.tolist())
            for frame in frames
            for t in frame.tracks
        ]

    assert play() == play()


def test_a_crowd_is_embedded_a_few_at_a_time(gallery: OpenGallery, pipeline: Pipeline) -> None:
    core = LiveCore(gallery, pipeline, rule=RULE, options=LiveOptions(max_looks_a_frame=1))
    player, before = Player(core), pipeline.embedder.n_crops

    player((ADA, 20.0), (STRANGER, 200.0), (BOB, 400.0))
    assert pipeline.embedder.n_crops - before == 1

    assert names(player.hold(12, (ADA, 20.0), (STRANGER, 200.0), (BOB, 400.0))[-1]) == [
        "Ada", None, "Bob",
    ]  # fmt: skip


def test_finishing_tells_who_left(core: LiveCore) -> None:
    Player(core).hold(5, (ADA, 20.0))

    (event,) = core.finish()

    assert (event.kind, event.name) == (EventKind.LEFT, "Ada")
    assert core.finish() == ()


def test_an_empty_gallery_knows_nobody(tmp_path: Path, pipeline: Pipeline) -> None:
    with toy_gallery(tmp_path / "empty", {}, pipeline) as gallery:
        frames = Player(LiveCore(gallery, pipeline, rule=RULE)).hold(5, (ADA, 20.0))

    assert frames[-1].tracks[0].decision.reason is Reason.EMPTY_GALLERY


def test_a_gallery_of_another_model_is_refused(gallery: OpenGallery, pipeline: Pipeline) -> None:
    other = Pipeline(pipeline.detector, FakeEmbedder(contract_id="0000000000000000"))

    with pytest.raises(EmbeddingMismatchError):
        Player(LiveCore(gallery, other, rule=RULE)).hold(3, (ADA, 20.0))


def test_a_detector_that_cannot_follow_is_refused(gallery: OpenGallery) -> None:
    with pytest.raises(ConfigError, match="cannot follow"):
        LiveCore(gallery, Pipeline(FakeDetector(), FakeEmbedder()), rule=RULE)


def test_what_is_no_image_is_refused(core: LiveCore) -> None:
    with pytest.raises(ShapeError):
        core.process(np.zeros((10, 10), np.uint8), 0.0)
