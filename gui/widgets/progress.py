"""How far a job has come, with a button to stop it."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget
from shiboken6 import isValid

from gui.i18n.stages import translated_stage
from gui.theme import SIZES
from gui.widgets.text import button, label
from gui.workers.job import Job

# Work that is over sooner shows no progress at all: a bar that flashes up unsettles.
DELAY_MS = 250


class JobProgress(QWidget):
    """Name of the stage, a bar and *Cancel*; hidden while there is nothing to wait for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        self._stage = label("", "muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._cancel = button(self.tr("Cancel"), self._stop)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.show)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SIZES.space_m)
        row.addWidget(self._stage)
        row.addWidget(self._bar, 1)
        row.addWidget(self._cancel)
        self.hide()

    def watch(self, job: Job) -> None:
        """Follow a job from now to its end; one at a time, the latest counts."""
        self._job = job
        self._stage.setText(self.tr("Waiting…"))
        self._bar.setRange(0, 0)
        self._cancel.setEnabled(True)
        job.started.connect(lambda: self._say(job, self.tr("Working…")))
        job.progressed.connect(lambda *report: self._show_progress(job, *report))
        job.finished.connect(lambda: self._end(job))
        self._timer.start(DELAY_MS)

    def forget(self) -> None:
        """Follow nothing any more."""
        self._job = None
        self._timer.stop()
        self.hide()

    def _say(self, job: Job, text: str) -> None:
        if job is self._job and not job.is_cancelling and isValid(self):
            self._stage.setText(text)

    def _show_progress(self, job: Job, stage: str, done: int, total: int) -> None:
        if job is not self._job or not isValid(self):
            return
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        text = translated_stage(stage)
        if total > 1:
            counted = self.tr("%1 of %2").replace("%1", f"{done:,}").replace("%2", f"{total:,}")
            text = f"{text} · {counted}"
        self._say(job, text)

    def _end(self, job: Job) -> None:
        if job is self._job and isValid(self):
            self.forget()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._cancel.setEnabled(False)
            self._stage.setText(self.tr("Stopping…"))
