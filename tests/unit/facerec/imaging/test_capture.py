"""The capture thread: newest frame wins, lost sources come back, stopping is clean."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from facerec.errors import SourceError
from facerec.imaging.capture import Capture, SourceState
from facerec.imaging.frames import images_in_memory
from facerec.imaging.video import VideoFrame

WAIT_S = 20.0


def grey(level: int) -> np.ndarray:
    return np.full((4, 4, 3), level, np.uint8)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


class Unplugged:
    """A camera that follows a plan: each opening gives so many frames; None cannot be opened."""

    label = "camera"
    is_live = True

    def __init__(self, *plan: int | None, then_ends: bool = True) -> None:
        self.plan = list(plan)
        self.then_ends = then_ends
        self.n_opened = self.n_closed = 0
        self.left: int | None = 0
        self.level = 0

    def open(self) -> None:
        self.n_opened += 1
        self.left = self.plan.pop(0) if self.plan else None
        if self.left is None and not (self.then_ends and not self.plan):
            raise SourceError("The camera cannot be opened.")

    def read(self) -> VideoFrame | None:
        if self.left is None:
            return None
        if self.left == 0:
            raise SourceError("The camera gives no images any more.")
        self.left -= 1
        self.level += 1
        return VideoFrame(0.04 * self.level, grey(self.level))

    def close(self) -> None:
        self.n_closed += 1


def test_the_newest_frame_wins_and_the_others_are_counted() -> None:
    capture = Capture(Unplugged(30))
    capture.start()
    until(lambda: capture.state is SourceState.ENDED)

    frame = capture.take(WAIT_S)

    assert frame is not None
    assert frame.image.max() == 30
    assert capture.n_dropped == 29
    assert capture.is_over
    assert capture.take(0.01) is None
    capture.stop()


def test_a_source_that_waits_loses_nothing() -> None:
    capture = Capture(images_in_memory([grey(level) for level in range(50)]))
    capture.start()
    levels = []
    while not capture.is_over:
        frame = capture.take(WAIT_S)
        if frame is not None:
            levels.append(int(frame.image.max()))

    assert levels == list(range(50))
    assert capture.n_dropped == 0
    capture.stop()


def test_a_camera_that_is_unplugged_comes_back() -> None:
    source = Unplugged(3, None, None, 4)
    capture = Capture(source, back_off_s=(0.01, 0.05))
    states = []
    capture.start()
    times = []
    deadline = time.monotonic() + WAIT_S
    while not capture.is_over and time.monotonic() < deadline:
        frame = capture.take(0.02)
        states.append(capture.state)
        if frame is not None:
            times.append(frame.time_s)

    assert capture.state is SourceState.ENDED
    assert SourceState.LOST in states
    assert source.level == 7
    assert source.n_opened == 5  # two attempts in vain, and one more at which it ended
    assert times == sorted(times)
    capture.stop()


def test_time_goes_on_while_a_camera_is_away() -> None:
    capture = Capture(Unplugged(1, None, 1), back_off_s=(0.15,))
    capture.start()

    first = capture.take(WAIT_S)
    second = capture.take(WAIT_S)

    assert second.time_s - first.time_s >= 0.3
    capture.stop()


def test_pauses_grow_and_begin_anew_after_a_frame() -> None:
    waited = []
    capture = Capture(Unplugged(1, None, None, None, 1, None, None), back_off_s=(0.01, 0.02, 0.03))
    real_wait = capture._stopping.wait
    capture._stopping.wait = lambda s: waited.append(s) or real_wait(0)

    capture.start()
    until(lambda: capture.state is SourceState.ENDED)

    assert waited == [0.01, 0.02, 0.03, 0.03, 0.01, 0.02]
    capture.stop()


def test_a_wrong_name_is_told_at_once() -> None:
    capture = Capture(Unplugged(None, 5), back_off_s=(0.01,))
    capture.start()
    until(lambda: capture.is_over)

    assert capture.state is SourceState.FAILED
    assert capture.error is not None
    assert "cannot be opened" in capture.error.message
    capture.stop()


def test_a_camera_can_be_waited_for_from_the_start() -> None:
    capture = Capture(Unplugged(None, None, 5), back_off_s=(0.01,), gives_up=False)
    capture.start()

    assert capture.take(WAIT_S) is not None
    capture.stop()


def test_stopping_ends_the_thread_and_lets_go_of_the_source() -> None:
    source = images_in_memory([grey(1)], repeats=True)
    capture = Capture(source)
    capture.start()
    capture.start()
    assert capture.take(WAIT_S) is not None

    stoppers = [threading.Thread(target=capture.stop) for _ in range(3)]
    for thread in stoppers:
        thread.start()
    for thread in stoppers:
        thread.join(WAIT_S)

    assert capture.state is SourceState.STOPPED
    assert "facerec-capture" not in [thread.name for thread in threading.enumerate()]
    with pytest.raises(SourceError, match="not open"):
        source.read()


def test_stopping_does_not_wait_for_the_back_off() -> None:
    capture = Capture(Unplugged(1, None, None, then_ends=False), back_off_s=(60.0,))
    capture.start()
    until(lambda: capture.state is SourceState.LOST)

    started = time.monotonic()
    capture.stop()

    assert time.monotonic() - started < 10
    assert capture.state is SourceState.STOPPED


class Ahead(Unplugged):
    """A file that is read faster than real time: its first frames are late in the video."""

    is_live = False

    def read(self) -> VideoFrame | None:
        frame = super().read()
        if frame is None or self.n_opened > 1:
            return frame
        return VideoFrame(frame.time_s + 400.0, frame.image)


def test_times_never_go_back_when_a_source_ahead_of_the_clock_is_lost() -> None:
    capture = Capture(Ahead(3, 2), back_off_s=(0.01,))
    capture.start()
    times = []
    while not capture.is_over:
        frame = capture.take(WAIT_S)
        times += [] if frame is None else [frame.time_s]
    capture.stop()

    assert len(times) == 5
    assert times == sorted(set(times))
    assert 400.1 < times[3] < 420
