"""The engine's threads: frames in, callbacks out, a clean end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facerec.errors import SourceError, StoreError
from facerec.gallery.backends.sqlite_file import DATABASE_NAME
from facerec.imaging.frames import images_in_memory
from facerec.imaging.video import VideoFrame
from facerec.services.gallery import OpenGallery
from facerec.services.live import EventKind, LiveEngine, LiveEvent, LiveFrame, SourceState
from tests.helpers.live import RULE, frame_of, toy_gallery, toy_pipeline

ADA = 1
WAIT_S = 30.0


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[OpenGallery]:
    with toy_gallery(tmp_path / "g", {"Ada": ADA}, toy_pipeline()) as opened:
        yield opened


class Heard:
    """What an engine said, and on which threads."""

    def __init__(self) -> None:
        self.frames: list[LiveFrame] = []
        self.events: list[LiveEvent] = []
        self.states: list[SourceState] = []
        self.threads: set[str] = set()
        self.has_frame = threading.Event()

    def on_frame(self, frame: LiveFrame) -> None:
        self.threads.add(threading.current_thread().name)
        self.frames.append(frame)
        self.has_frame.set()

    def on_event(self, event: LiveEvent) -> None:
        self.threads.add(threading.current_thread().name)
        self.events.append(event)

    def on_state(self, state: SourceState, error: object) -> None:
        del error
        self.threads.add(threading.current_thread().name)
        self.states.append(state)


def engine_of(gallery: OpenGallery, source: object, heard: Heard) -> LiveEngine:
    return LiveEngine(
        gallery,
        toy_pipeline(),
        source,
        rule=RULE,
        on_frame=heard.on_frame,
        on_event=heard.on_event,
        on_state=heard.on_state,
    )


def threads_of_ours() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("facerec-")]


def test_a_video_is_watched_to_its_end(gallery: OpenGallery) -> None:
    heard = Heard()
    images = [frame_of((ADA, 20.0 + 4 * n), shot=n) for n in range(15)]
    engine = engine_of(gallery, images_in_memory(images), heard)

    engine.start()
    assert engine.wait(WAIT_S)

    assert engine.error is None
    assert [frame.time_s for frame in heard.frames] == pytest.approx([n / 25 for n in range(15)])
    assert heard.frames[-1].tracks[0].name == "Ada"
    assert [event.kind for event in heard.events] == [
        EventKind.APPEARED, EventKind.RECOGNISED, EventKind.LEFT,
    ] or [event.kind for event in heard.events] == [
        EventKind.RECOGNISED, EventKind.APPEARED, EventKind.LEFT,
    ]  # fmt: skip
    assert heard.states[-1] is SourceState.ENDED
    assert heard.threads == {"facerec-live"}
    stats = heard.frames[-1].stats
    assert stats.n_dropped == 0
    assert stats.fps > 0
    assert stats.latency_ms > 0
    assert threads_of_ours() == []


def test_stopping_is_clean_from_several_threads_and_twice(gallery: OpenGallery) -> None:
    heard = Heard()
    source = images_in_memory([frame_of((ADA, 20.0))], repeats=True, is_live=True)
    engine = engine_of(gallery, source, heard)
    engine.start()
    engine.start()
    assert heard.has_frame.wait(WAIT_S)

    stoppers = [threading.Thread(target=engine.stop) for _ in range(3)]
    for thread in stoppers:
        thread.start()
    for thread in stoppers:
        thread.join(WAIT_S)
    engine.stop()

    assert not engine.is_running
    assert engine.error is None
    assert threads_of_ours() == []
    n_frames = len(heard.frames)
    engine.start()  # an engine is used once
    assert not engine.is_running
    assert len(heard.frames) == n_frames
    with pytest.raises(SourceError, match="not open"):
        source.read()


def test_stopping_before_the_start_and_from_a_callback(gallery: OpenGallery) -> None:
    never = engine_of(gallery, images_in_memory([]), Heard())
    never.stop()
    never.start()
    assert not never.is_running

    heard = Heard()
    engine = engine_of(gallery, images_in_memory([frame_of((ADA, 20.0))] * 50), heard)
    engine._on_frame = lambda frame: (heard.on_frame(frame), engine.stop())
    engine.start()
    assert engine.wait(WAIT_S)
    assert len(heard.frames) == 1
    assert threads_of_ours() == []


class Flaky:
    """A camera that is unplugged after three frames, and then plugged in again."""

    label, is_live = "camera", False

    def __init__(self) -> None:
        self.n_opened = 0
        self.left = 0

    def open(self) -> None:
        self.n_opened += 1
        if self.n_opened == 2:
            raise SourceError("The camera cannot be opened.")
        self.left = 3

    def read(self) -> VideoFrame | None:
        if self.left == 0:
            if self.n_opened == 3:
                return None
            raise SourceError("The camera gives no images any more.")
        self.left -= 1
        return VideoFrame(0.04 * (3 - self.left), frame_of((ADA, 20.0), shot=self.left))

    def close(self) -> None: ...


def test_a_camera_that_comes_back_goes_on_being_watched(gallery: OpenGallery) -> None:
    heard, source = Heard(), Flaky()
    engine = engine_of(gallery, source, heard)

    engine.start()
    assert engine.wait(WAIT_S)

    assert engine.error is None
    assert len(heard.frames) == 6
    assert SourceState.LOST in heard.states
    assert heard.states.index(SourceState.LOST) < len(heard.states) - 1
    times = [frame.time_s for frame in heard.frames]
    assert times == sorted(times)


def test_a_wrong_source_is_an_error(gallery: OpenGallery) -> None:
    class Nothing(Flaky):
        def open(self) -> None:
            raise SourceError("The camera 9 cannot be opened.")

    engine = engine_of(gallery, Nothing(), Heard())
    engine.start()
    assert engine.wait(WAIT_S)

    assert isinstance(engine.error, SourceError)


def test_a_gallery_that_is_damaged_meanwhile_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "g"
    heard = Heard()
    with toy_gallery(folder, {}, toy_pipeline()) as gallery:
        engine = engine_of(gallery, images_in_memory([np.zeros((9, 9, 3), np.uint8)]), heard)
    for path in folder.glob(f"{DATABASE_NAME}*"):
        path.unlink()
    (folder / DATABASE_NAME).write_bytes(b"no database")

    engine.start()
    assert engine.wait(WAIT_S)

    assert isinstance(engine.error, StoreError)
    assert threads_of_ours() == []
