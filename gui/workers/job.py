"""One piece of slow work: a function that runs on a runner's thread and reports to the GUI thread.

``fn(task)`` receives a ``facerec.progress.Task``; its ``step`` reports progress and raises
``Cancelled`` once the job was cancelled. The worker thread never touches a Qt object other than
through one queued signal, so every public signal is emitted on the GUI thread, to lambdas too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import StrEnum

from PySide6.QtCore import QObject, Qt, Signal, Slot

from facerec.errors import Cancelled
from facerec.progress import Task

# Reports of progress a second that a job passes on; an eye follows no more.
MAX_REPORTS_PER_S = 20


class JobState(StrEnum):
    """Where a job is in its life."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


_ENDED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


class Job(QObject):
    """Work that was or will be handed to a runner; made and used on the GUI thread.

    Attributes:
        state: waiting, running, or how it ended.

    Signals (all on the GUI thread):
        started: the runner has taken it up.
        progressed: stage, done, total; at most 20 times a second, the last of a stage always.
        succeeded: what the function returned.
        failed: the exception it raised.
        cancelled: it was stopped before it was done.
        finished: after exactly one of the three above.
    """

    started = Signal()
    progressed = Signal(str, int, int)
    succeeded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    finished = Signal()

    # What the worker has to say: a function to be called on the GUI thread.
    _posted = Signal(object)

    def __init__(self, fn: Callable[[Task], object]) -> None:
        super().__init__()
        self.state = JobState.WAITING
        self._fn = fn
        self._stop = threading.Event()
        self._posted.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def is_over(self) -> bool:
        """Whether it has succeeded, failed or been cancelled."""
        return self.state in _ENDED

    @property
    def is_cancelling(self) -> bool:
        """Whether it was asked to stop; it may still be running to the next step."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """Ask it to stop at its next step; a job that waits never starts."""
        self._stop.set()

    def run(self) -> None:
        """Do the work; called by a runner on its own thread, once."""
        if self._stop.is_set():
            self._posted.emit(lambda: self._end(JobState.CANCELLED, self.cancelled.emit))
            return
        self._posted.emit(self._begin)
        try:
            result = self._fn(_JobTask(self._stop, self._report))
        except Cancelled:
            self._posted.emit(lambda: self._end(JobState.CANCELLED, self.cancelled.emit))
        except Exception as error:
            failure = error
            self._posted.emit(lambda: self._end(JobState.FAILED, self.failed.emit, failure))
        else:
            self._posted.emit(lambda: self._end(JobState.SUCCEEDED, self.succeeded.emit, result))

    def _report(self, stage: str, done: int, total: int) -> None:
        self._posted.emit(lambda: self.progressed.emit(stage, done, total))

    def _begin(self) -> None:
        self.state = JobState.RUNNING
        self.started.emit()

    def _end(self, state: JobState, announce: Callable[..., None], *what: object) -> None:
        self.state = state
        announce(*what)
        self.finished.emit()

    @Slot(object)
    def _deliver(self, call: Callable[[], None]) -> None:
        call()


class _JobTask:
    """The ``Task`` a job's function sees: throttles reports and stops the work."""

    def __init__(self, stop: threading.Event, report: Callable[[str, int, int], None]) -> None:
        self._stop = stop
        self._report = report
        self._next_at = 0.0

    def step(self, stage: str, done: int, total: int) -> None:
        """See ``facerec.progress.Task``."""
        if self._stop.is_set():
            raise Cancelled
        now = time.monotonic()
        if now >= self._next_at or done >= total:
            self._next_at = now + 1 / MAX_REPORTS_PER_S
            self._report(stage, done, total)
