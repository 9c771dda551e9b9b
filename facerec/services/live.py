"""A camera watched in a thread: frames in, faces with names and events out.

    engine = LiveEngine(gallery, pipeline, open_source("0"), rule=rule, on_frame=show)
    engine.start()
    ...
    engine.stop()

``on_frame`` and ``on_event`` are called on the engine's thread, one at a time: a window hands them
over to its own thread and returns at once, for the next frame waits. They may call ``stop``.
The engine opens the gallery's folder a second time for itself, so the caller may go on using its
own; who is enrolled, renamed or removed meanwhile is noticed within half a second.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from facerec.errors import FacerecError
from facerec.imaging.capture import Capture, CapturedFrame, SourceState
from facerec.imaging.frames import FrameSource
from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.services.gallery import OpenGallery, open_gallery
from facerec.services.live_core import LiveCore
from facerec.services.live_types import (
    EventKind,
    LiveEvent,
    LiveFrame,
    LiveOptions,
    LiveStats,
    LiveTrack,
)

__all__ = [
    "EventKind",
    "LiveCore",
    "LiveEngine",
    "LiveEvent",
    "LiveFrame",
    "LiveOptions",
    "LiveStats",
    "LiveTrack",
    "SourceState",
]

OnFrame = Callable[[LiveFrame], None]
OnEvent = Callable[[LiveEvent], None]
OnState = Callable[[SourceState, FacerecError | None], None]

# How long the engine waits for a frame before it looks whether it should stop.
_POLL_S = 0.2


class LiveEngine:
    """Watches a source until it ends or ``stop`` is called; used once.

    Attributes:
        error: why it ended by itself; None while it runs and when all went well.
    """

    def __init__(
        self,
        gallery: OpenGallery,
        pipeline: Pipeline,
        source: FrameSource,
        *,
        rule: MatchRule,
        options: LiveOptions | None = None,
        on_frame: OnFrame | None = None,
        on_event: OnEvent | None = None,
        on_state: OnState | None = None,
        waits_for_source: bool = False,
    ) -> None:
        """Prepare; ``start`` begins.

        Args:
            gallery: who is enrolled; its folder is opened once more.
            pipeline: finds and embeds; may be in use elsewhere at the same time.
            source: what is watched; the engine opens and closes it.
            rule: when a Score is enough.
            options: how; the defaults when not given.
            on_frame: hears each frame, on the engine's thread.
            on_event: hears each event, on the engine's thread, after the frame it belongs to.
            on_state: hears how the source is doing whenever that changes, on the engine's thread,
                with what is wrong.
            waits_for_source: whether a source that is not there at the start is waited for; else
                that is an error. One that was there is always waited for.
        """
        self.error: FacerecError | None = None
        self._folder = gallery.folder
        self._pipeline = pipeline
        self._rule = rule
        self._options = options or LiveOptions()
        self._on_frame = on_frame
        self._on_event = on_event
        self._on_state = on_state
        self._capture = Capture(source, gives_up=not waits_for_source)
        self._stopping = threading.Event()
        self._reload = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._told_state: SourceState | None = None
        self._shown_at: deque[float] = deque(maxlen=30)

    @property
    def is_running(self) -> bool:
        """Whether its thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin; a second call does nothing."""
        with self._lock:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="facerec-live", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End, and wait until both threads are done and the source is let go of.

        May be called from any thread, several times, before ``start`` and from a callback (which
        cannot wait for itself: then the engine ends after that callback).
        """
        self._stopping.set()
        thread = self._thread
        if thread is threading.current_thread():
            return
        self._capture.stop()
        if thread is not None:
            thread.join()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the source has ended by itself or the engine was stopped.

        Returns:
            Whether it has ended.
        """
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self.is_running

    def reload_gallery(self) -> None:
        """Ask the gallery again about everybody in sight; from any thread, done at the next frame.

        Changes are noticed without this call, only a little later.
        """
        self._reload.set()

    def _run(self) -> None:
        try:
            with open_gallery(self._folder) as gallery:
                core = LiveCore(gallery, self._pipeline, rule=self._rule, options=self._options)
                self._capture.start()
                self._watch(core)
                for event in core.finish():
                    self._tell(event)
        except FacerecError as error:
            self.error = error
        finally:
            self._capture.stop()
            self.error = self.error or self._failure()
            self._tell_state()

    def _watch(self, core: LiveCore) -> None:
        while not self._stopping.is_set() and not self._capture.is_over:
            taken = self._capture.take(_POLL_S)
            self._tell_state()
            if self._reload.is_set():
                self._reload.clear()
                core.reload_gallery()
            if taken is not None:
                self._show(core.process(taken.image, taken.time_s), taken)

    def _show(self, frame: LiveFrame, taken: CapturedFrame) -> None:
        now = time.perf_counter()
        self._shown_at.append(now)
        passed_s = now - self._shown_at[0]
        stats = LiveStats(
            fps=(len(self._shown_at) - 1) / passed_s if passed_s > 0 else 0.0,
            latency_ms=(now - taken.taken_at) * 1e3,
            n_dropped=self._capture.n_dropped,
            source_state=self._capture.state,
        )
        if self._on_frame is not None:
            self._on_frame(replace(frame, stats=stats))
        for event in frame.events:
            self._tell(event)

    def _tell(self, event: LiveEvent) -> None:
        if self._on_event is not None:
            self._on_event(event)

    def _tell_state(self) -> None:
        state = self._capture.state
        if state is not self._told_state:
            self._told_state = state
            if self._on_state is not None:
                self._on_state(state, self._capture.error)

    def _failure(self) -> FacerecError | None:
        return self._capture.error if self._capture.state is SourceState.FAILED else None
