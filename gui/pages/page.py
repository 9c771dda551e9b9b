"""What all pages have in common: a header, a banner for errors, progress, and jobs tied to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget
from shiboken6 import isValid

from facerec.progress import Task
from facerec.services.known_error import known_error
from gui.context import Context
from gui.theme import SIZES
from gui.widgets.banner import ErrorBanner
from gui.widgets.progress import JobProgress
from gui.widgets.text import label
from gui.workers.job import Job
from gui.workers.runner import Runner


class Page(QWidget):
    """One page of the window.

    Attributes:
        context: what the pages share.
        body: the layout to put widgets in.
        banner: shows errors the user can do something about.
        progress: shows the job started with ``run(..., shown=True)``, with *Cancel*.
    """

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.context = context
        self._jobs: list[Job] = []
        self._outer = QVBoxLayout(self)
        self._outer.setContentsMargins(SIZES.space_xxl, SIZES.space_xl, SIZES.space_xxl, 0)
        self._outer.setSpacing(SIZES.space_l)
        self.header_actions = QHBoxLayout()
        self.header_actions.setSpacing(SIZES.space_s)
        self.banner = ErrorBanner(self)
        self.progress = JobProgress(self)
        self._outer.addWidget(self.banner)
        self._outer.addWidget(self.progress)
        self.body = QVBoxLayout()
        self.body.setContentsMargins(0, 0, 0, SIZES.space_xl)
        self.body.setSpacing(SIZES.space_l)
        self._outer.addLayout(self.body, 1)

    def add_header(self, title: str, subtitle: str = "") -> None:
        """Put a title and a sentence on top; buttons go into ``header_actions`` at its right."""
        words = QVBoxLayout()
        words.setSpacing(SIZES.space_xs)
        words.addWidget(label(title, "title"))
        if subtitle:
            words.addWidget(label(subtitle, "muted", wrap=True))
        row = QHBoxLayout()
        row.setSpacing(SIZES.space_l)
        row.addLayout(words, 1)
        row.addLayout(self.header_actions)
        row.setAlignment(self.header_actions, Qt.AlignmentFlag.AlignTop)
        self._outer.insertLayout(0, row)

    def shown(self) -> None:
        """Called each time the page comes to the front."""

    def left(self) -> None:
        """Called each time another page comes to the front, and before the page is destroyed."""

    def show_item(self, what: object) -> None:
        """Show what another page handed over with ``Context.open_page``."""

    def run(
        self,
        runner: Runner,
        fn: Callable[[Task], Any],
        done: Callable[[Any], None] | None = None,
        *,
        failed: Callable[[BaseException], None] | None = None,
        shown: bool = False,
    ) -> Job:
        """Do slow work for this page; it is cancelled when the page goes.

        Args:
            runner: the queue of the resource it needs.
            fn: runs on that queue's thread, given a ``Task``; touches no widget.
            done: gets the result on the GUI thread.
            failed: gets the exception; ``show_error`` when not given.
            shown: whether ``self.progress`` shows it.
        """
        job = runner.submit(fn)
        answer_failure = failed or self.show_error

        def succeed(result: object) -> None:
            if job in self._jobs and done is not None and isValid(self):
                done(result)

        def fail(error: BaseException) -> None:
            if job in self._jobs and isValid(self):
                answer_failure(error)

        def forget() -> None:
            if job in self._jobs:
                self._jobs.remove(job)

        job.succeeded.connect(succeed)
        job.failed.connect(fail)
        job.finished.connect(forget)
        self._jobs.append(job)
        if shown:
            self.progress.watch(job)
        return runner.start(job)

    def show_error(self, error: BaseException) -> None:
        """Show a known error in the banner, a bug in the dialog."""
        known = known_error(error)
        if known is None:
            self.context.broke.emit(error)
        else:
            self.banner.show_error(known)

    def abandon(self) -> None:
        """Cancel this page's jobs and hear no more of them; the page is about to be destroyed."""
        self.left()
        self.progress.forget()
        for job in self._jobs:
            job.cancel()
        self._jobs.clear()
