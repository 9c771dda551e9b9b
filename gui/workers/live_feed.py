"""The live engine for a window: its callbacks come on its own thread, and leave here on the GUI's.

Between two turns of the GUI's loop only the newest frame is kept: a window that is slow shows fewer
frames and never holds the engine up. Events and states are all kept.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack

from PySide6.QtCore import QObject, Qt, Signal, Slot

from facerec.config import LiveSettings
from facerec.errors import FacerecError
from facerec.imaging.frames import FrameSource
from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.progress import Task
from facerec.services.gallery import OpenGallery
from facerec.services.live import LiveEngine, LiveEvent, LiveFrame, SourceState
from facerec.services.recorder import Recorder

# How often the job looks whether it was cancelled.
_POLL_S = 0.05


class LiveFeed(QObject):
    """Runs one engine; made on the GUI thread, watched by a job.

    Attributes:
        n_skipped: frames that were replaced by newer ones before the window took them.

    Signals (all on the GUI thread):
        shown: the newest ``LiveFrame``.
        happened: each ``LiveEvent``, in order.
        state_changed: how the source is doing, and the error if it has one.
    """

    shown = Signal(object)
    happened = Signal(object)
    state_changed = Signal(object, object)

    _posted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.n_skipped = 0
        self._lock = threading.Lock()
        self._newest: LiveFrame | None = None
        self._events: list[LiveEvent] = []
        self._states: list[tuple[SourceState, FacerecError | None]] = []
        self._is_posted = False
        self._recorder: Recorder | None = None
        self._posted.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def watch(
        self,
        task: Task,
        gallery: OpenGallery,
        pipeline: Pipeline,
        source: FrameSource,
        *,
        rule: MatchRule,
        keep: LiveSettings | None = None,
    ) -> None:
        """Watch a source until it ends or the job is cancelled; called by the job.

        Args:
            task: stops it.
            gallery: who is enrolled.
            pipeline: finds and embeds.
            source: what is watched.
            rule: when a Score is enough.
            keep: what is left behind in the gallery; nothing when not given.

        Raises:
            FacerecError: why the source or the engine ended.
        """
        engine = LiveEngine(
            gallery, pipeline, source, rule=rule,
            on_frame=self.take_frame, on_event=self.take_event, on_state=self._take_state,
        )  # fmt: skip
        with ExitStack() as stack:
            if keep is not None:
                self._recorder = stack.enter_context(
                    Recorder(gallery.folder, keep, source=source.label)
                )
            stack.callback(engine.stop)
            engine.start()
            while not engine.wait(_POLL_S):
                task.step("live", 0, 1)
        if engine.error is not None:
            raise engine.error

    def take_frame(self, frame: LiveFrame) -> None:
        """Take the newest frame; any thread."""
        with self._lock:
            self.n_skipped += self._newest is not None
            self._newest = frame
        self._post()

    def take_event(self, event: LiveEvent) -> None:
        """Take one event; any thread."""
        if self._recorder is not None:
            self._recorder.on_event(event)
        with self._lock:
            self._events.append(event)
        self._post()

    def _take_state(self, state: SourceState, error: FacerecError | None) -> None:
        with self._lock:
            self._states.append((state, error))
        self._post()

    def _post(self) -> None:
        with self._lock:
            is_posted, self._is_posted = self._is_posted, True
        if not is_posted:
            self._posted.emit()

    @Slot()
    def _deliver(self) -> None:
        with self._lock:
            self._is_posted = False
            frame, self._newest = self._newest, None
            events, self._events = self._events, []
            states, self._states = self._states, []
        for state, error in states:
            self.state_changed.emit(state, error)
        if frame is not None:
            self.shown.emit(frame)
        for event in events:
            self.happened.emit(event)
