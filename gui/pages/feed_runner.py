"""Starts and stops what a page watches: one live feed at a time, on the camera's thread."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from facerec.progress import Task
from gui.pages.page import Page
from gui.workers.job import Job
from gui.workers.live_feed import LiveFeed


class FeedRunner(QObject):
    """Holds the feed that is being watched.

    Signals:
        changed: whether something is watched; also when it ended by itself.
    """

    changed = Signal(bool)

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._page = page
        self._feed: LiveFeed | None = None
        self._job: Job | None = None

    @property
    def is_running(self) -> bool:
        """Whether something is watched."""
        return self._job is not None

    def start(self, feed: LiveFeed, watch: Callable[[Task], None]) -> None:
        """Watch; the feed's signals are connected by then.

        Args:
            feed: what is told, and silenced by ``stop``.
            watch: opens all that is needed and watches; runs on the camera's thread.
        """
        self._feed = feed
        job = self._page.run(self._page.context.runners.camera, watch)
        self._job = job
        job.finished.connect(lambda: self._ended(job))
        self.changed.emit(True)

    def stop(self) -> None:
        """Watch no longer; the camera is let go of in the background."""
        if self._feed is not None:
            self._feed.blockSignals(True)
        if self._job is not None:
            self._job.cancel()
        self._job = self._feed = None
        self.changed.emit(False)

    def _ended(self, job: Job) -> None:
        if job is self._job:
            self.stop()
