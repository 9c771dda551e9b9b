"""A queue with one thread: what needs the same resource runs one after the other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from facerec.progress import Task
from gui.workers.job import Job


class Runner(QObject):
    """Runs jobs in order on one thread of its own.

    Attributes:
        name: of the resource.

    Signals:
        busy_changed: work has come or the last of it is done; GUI thread.
    """

    busy_changed = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._jobs: list[Job] = []
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._closed = False
        self._before_end: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._work, name=f"facerec-{name}", daemon=True)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether jobs are waiting or running."""
        return bool(self._jobs)

    def submit(self, fn: Callable[[Task], object]) -> Job:
        """Make a job of a function; connect to its signals, then hand it to ``start``."""
        return Job(fn)

    def start(self, job: Job) -> Job:
        """Put a job into the queue. After ``shut_down`` it is cancelled at once."""
        if self._closed:
            job.cancel()
        # Kept here until it is over: nobody else needs to hold a job for it to report.
        job.finished.connect(lambda: self._forget(job))
        self._jobs.append(job)
        if len(self._jobs) == 1:
            self.busy_changed.emit()
        if self._closed:
            job.run()
        else:
            self._queue.put(job)
        return job

    def cancel_all(self) -> None:
        """Ask every job that waits or runs to stop."""
        for job in list(self._jobs):
            job.cancel()

    def shut_down(self, before_end: Callable[[], None] | None = None) -> None:
        """Take no more work, cancel what is there, and let the thread end after it.

        Args:
            before_end: what the thread still does, after the last job.
        """
        if not self._closed:
            self._closed = True
            self._before_end = before_end
            self.cancel_all()
            self._queue.put(None)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the thread to end after ``shut_down``; tell whether it did."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _forget(self, job: Job) -> None:
        self._jobs.remove(job)
        if not self._jobs:
            self.busy_changed.emit()

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            job.run()
        if self._before_end is not None:
            self._before_end()


@dataclass
class Runners:
    """One runner per resource.

    Attributes:
        compute: the networks and the vector index.
        disk: reading the gallery and files.
        camera: whoever holds the camera.
    """

    compute: Runner = field(default_factory=lambda: Runner("compute"))
    disk: Runner = field(default_factory=lambda: Runner("disk"))
    camera: Runner = field(default_factory=lambda: Runner("camera"))

    def all(self) -> tuple[Runner, ...]:
        """Return the three."""
        return (self.compute, self.disk, self.camera)

    @property
    def is_busy(self) -> bool:
        """Whether any of them is."""
        return any(runner.is_busy for runner in self.all())

    def shut_down(self, before_end: Callable[[], None]) -> None:
        """See ``Runner.shut_down``; ``before_end`` is called when all threads are at their end."""
        barrier = threading.Barrier(len(self.all()), action=before_end)

        def meet() -> None:
            barrier.wait()

        for runner in self.all():
            runner.shut_down(before_end=meet)

    def wait(self, timeout_s: float) -> bool:
        """Wait for all threads to end; tell whether they did."""
        return all(runner.wait(timeout_s) for runner in self.all())
