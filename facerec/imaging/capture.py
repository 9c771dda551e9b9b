"""A source read in a thread of its own: the newest frame wins, a lost source is opened again.

Live sources do not wait: a frame that nobody took before the next one came is dropped and counted.
Sources that wait (files) are read one frame ahead and lose nothing.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from enum import StrEnum

from facerec.errors import FacerecError
from facerec.imaging.frames import FrameSource
from facerec.types import ImageRGB

# Pauses between attempts to open a lost source, in seconds; the last one repeats.
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)


class SourceState(StrEnum):
    """How a source is doing."""

    OPENING = "opening"
    RUNNING = "running"
    LOST = "lost"
    ENDED = "ended"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, eq=False)
class CapturedFrame:
    """One frame as it was taken.

    Attributes:
        image: (H, W, 3) uint8, RGB.
        time_s: seconds since the source was first opened; goes on through interruptions.
        taken_at: ``time.perf_counter()`` when the frame was there, to measure delays with.
    """

    image: ImageRGB
    time_s: float
    taken_at: float


class Capture:
    """Reads a source until it ends or ``stop`` is called.

    Attributes:
        source: what is read.
        n_dropped: frames of a live source that nobody took in time.
    """

    def __init__(
        self,
        source: FrameSource,
        *,
        back_off_s: tuple[float, ...] = BACK_OFF_S,
        gives_up: bool = True,
    ) -> None:
        """Prepare; ``start`` begins.

        Args:
            source: what to read.
            back_off_s: pauses between attempts to open a lost source; the last one repeats.
            gives_up: whether a source that cannot be opened the first time is an error at once, so
                that a wrong name is told; a source that was there before is always waited for.
        """
        self.source = source
        self.n_dropped = 0
        self._back_off_s = back_off_s
        self._gives_up = gives_up
        self._state = SourceState.OPENING
        self._error: FacerecError | None = None
        self._newest: CapturedFrame | None = None
        self._attempt = 0
        self._last_s = 0.0
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> SourceState:
        """How the source is doing."""
        return self._state

    @property
    def error(self) -> FacerecError | None:
        """What is wrong with the source; None while it runs."""
        return self._error

    def start(self) -> None:
        """Begin to read; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="facerec-capture", daemon=True)
            self._thread.start()

    def take(self, timeout_s: float) -> CapturedFrame | None:
        """Wait for a frame that was not taken yet.

        Args:
            timeout_s: how long to wait.

        Returns:
            The newest frame; None when none came, see ``state``.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._newest is not None or self._is_over, timeout=timeout_s
            )
            frame, self._newest = self._newest, None
            self._changed.notify_all()
            return frame

    @property
    def is_over(self) -> bool:
        """Whether no frame will come any more."""
        with self._changed:
            return self._is_over and self._newest is None

    def stop(self, timeout_s: float = 10.0) -> None:
        """End reading and let go of the source; may be called twice and from any thread.

        Args:
            timeout_s: how long to wait for a read that hangs.
        """
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    @property
    def _is_over(self) -> bool:
        return self._state in (SourceState.ENDED, SourceState.FAILED, SourceState.STOPPED)

    def _run(self) -> None:
        try:
            self._enter(self._read_until_the_end())
        finally:
            self.source.close()
            if not self._is_over:  # (a mistake in the source; the thread's traceback tells)
                self._enter(SourceState.FAILED)

    def _read_until_the_end(self) -> SourceState:
        started = lost = time.monotonic()
        was_open = False
        while not self._stopping.is_set():
            try:
                self.source.open()
                now = time.monotonic()
                # (a file that is read faster than real time may be ahead of the clock)
                offset_s = max(now - started, self._last_s + now - lost) if was_open else 0.0
                was_open = True
                self._enter(SourceState.RUNNING)
                return self._read_frames(offset_s)
            except FacerecError as error:
                if self._state is SourceState.RUNNING:
                    lost = time.monotonic()
                self._error = error
                if self._gives_up and not was_open:
                    return SourceState.FAILED
                self._enter(SourceState.LOST)
            self._stopping.wait(self._back_off_s[min(self._attempt, len(self._back_off_s) - 1)])
            self._attempt += 1
        return SourceState.STOPPED

    def _read_frames(self, offset_s: float) -> SourceState:
        while not self._stopping.is_set():
            frame = self.source.read()
            if frame is None:
                return SourceState.ENDED
            self._error, self._attempt = None, 0
            self._last_s = offset_s + frame.time_s
            self._put(CapturedFrame(frame.image, self._last_s, time.perf_counter()))
        return SourceState.STOPPED

    def _put(self, frame: CapturedFrame) -> None:
        with self._changed:
            if not self.source.is_live:
                self._changed.wait_for(lambda: self._newest is None or self._stopping.is_set())
            elif self._newest is not None:
                self.n_dropped += 1
            self._newest = frame
            self._changed.notify_all()

    def _enter(self, state: SourceState) -> None:
        with self._changed:
            self._state = state
            self._changed.notify_all()
