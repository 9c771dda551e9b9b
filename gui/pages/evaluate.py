"""Evaluate: how often the recognition is wrong, measured on images whose people are known."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from facerec.config import Settings
from facerec.errors import FacerecError
from facerec.paths import data_dir
from facerec.progress import Task
from gui.context import Context
from gui.pages.evaluation_view import EvaluationView
from gui.pages.page import Page
from gui.theme import SIZES
from gui.widgets.empty_state import EmptyState
from gui.widgets.page_scroll import PageScroll
from gui.widgets.path_field import PathField
from gui.widgets.text import button, card, label
from gui.workers.job import Job, JobState

if TYPE_CHECKING:
    from facerec.evaluate.so_far import ScoresSoFar
    from facerec.services.evaluate import EvaluateOptions, Evaluation

REPORTS = "reports"
FOLDER, LFW = "folder", "lfw"
# How often the plots are drawn anew while images are embedded.
_REDRAW_MS = 700


class EvaluatePage(Page):
    """Choose images, start, watch the curves grow, look at the errors, open the report.

    Attributes:
        report: the last report written; None before.
    """

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.report: Path | None = None
        self._so_far: ScoresSoFar | None = None
        self._job: Job | None = None
        self.add_header(
            self.tr("Evaluate"),
            self.tr("How often is the recognition wrong? Measure it where the people are known."),
        )
        self.open_button = button(self.tr("Open report"), self.open_report)
        self.open_button.setEnabled(False)
        self.header_actions.addWidget(self.open_button)
        self.view = EvaluationView()
        self._empty = self._nothing_yet()
        scroll = PageScroll()
        for part in (self._form(), self.view):
            scroll.column.addWidget(part)
        scroll.column.addWidget(self._empty, 1)
        scroll.column.addStretch()
        self.body.addWidget(scroll, 1)
        self._show_view(False)
        self._timer = QTimer(self)
        self._timer.setInterval(_REDRAW_MS)
        self._timer.timeout.connect(self._redraw)
        self._kind_changed()

    def start(self) -> Job | None:
        """Measure what is chosen."""
        path, kind = self.path.path, str(self.kind.currentData())
        if path is None and kind == FOLDER:
            self.path.choose()
            path = self.path.path
            if path is None:
                return None
        self.banner.hide()
        self._so_far = None
        self.view.clear()
        self._show_view(True)
        options, now = self._options(kind, self.context.settings), datetime.now(UTC)
        folder = data_dir() / REPORTS / f"{kind}-{now:%Y%m%d-%H%M%S}"

        def measure(task: Task) -> tuple[Evaluation, Path]:
            return _measured(kind, path, options(), now, folder, self._watch, task)

        job = self.run(self.context.runners.compute, measure, self._show_result, shown=True)
        job.finished.connect(self._ended)
        self._job = job
        self.start_button.setEnabled(False)
        self._timer.start()
        return job

    def open_report(self) -> None:
        """Open the report in the browser."""
        if self.report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.report)))

    def show_item(self, what: object) -> None:
        """Put a folder into the form."""
        if isinstance(what, Path):
            self.kind.setCurrentIndex(self.kind.findData(FOLDER))
            self.path.show_path(what)

    def _form(self) -> QWidget:
        frame = card()
        self.kind = QComboBox()
        self.kind.setAccessibleName(self.tr("What to measure on"))
        self.kind.addItem(self.tr("A folder of people"), FOLDER)
        self.kind.addItem(self.tr("Labeled Faces in the Wild"), LFW)
        self.kind.currentIndexChanged.connect(lambda _: self._kind_changed())
        self.path = PathField(self.tr("Folder of images"))
        self.path.line.setPlaceholderText(self.tr("Drop a folder here or choose one"))
        self.start_button = button(self.tr("Measure"), self.start, kind="primary")
        self._hint = label("", "small", wrap=True)
        row = QHBoxLayout()
        row.setSpacing(SIZES.space_m)
        row.addWidget(self.kind)
        row.addWidget(self.path, 1)
        row.addWidget(self.start_button)
        column = QVBoxLayout(frame)
        column.setContentsMargins(SIZES.space_l, SIZES.space_m, SIZES.space_l, SIZES.space_m)
        column.setSpacing(SIZES.space_s)
        column.addLayout(row)
        column.addWidget(self._hint)
        return frame

    def _nothing_yet(self) -> QWidget:
        return EmptyState(
            "evaluate",
            self.tr("Nothing measured yet"),
            self.tr(
                "Choose a folder with one subfolder of images a person. Some people are enrolled "
                "and searched for, the others come as strangers. Your gallery is not touched."
            ),
        )

    def _kind_changed(self) -> None:
        if self.kind.currentData() == LFW:
            self._hint.setText(
                self.tr(
                    "The folder with pairs.txt: 6,000 pairs, half of them of one person. "
                    "It takes some minutes."
                )
            )
            if self.path.path is None and os.environ.get("FACEREC_LFW"):
                self.path.show_path(Path(os.environ["FACEREC_LFW"]))
        else:
            self._hint.setText(
                self.tr("One subfolder a person; at least two images of some of them.")
            )

    def _options(self, kind: str, settings: Settings) -> Callable[[], EvaluateOptions]:
        """Return a maker of the options: what it imports is too much for the GUI thread."""

        def options() -> EvaluateOptions:
            from facerec.services.evaluate import EvaluateOptions

            return EvaluateOptions(
                model=settings.embed.model,
                detector=settings.detect.detector,
                device=settings.runtime.device,
                n_threads=settings.runtime.n_threads,
                min_face_px=settings.detect.min_face_px,
                mirror=kind == LFW or settings.embed.mirror,
                command="facerec app",
            )

        return options

    def _watch(self, so_far: ScoresSoFar) -> None:
        # (from the worker's thread: only a name is bound, the timer looks at it)
        self._so_far = so_far

    def _redraw(self) -> None:
        if self._so_far is not None:
            self.view.plots.show_so_far(self._so_far, self._threshold())

    def _threshold(self) -> float | None:
        try:
            return self.context.rule().threshold
        except FacerecError:  # (a model without such an operating point is measured all the same)
            return None

    def _show_result(self, result: tuple[Evaluation, Path]) -> None:
        evaluation, self.report = result
        self._redraw()
        self.view.show_result(evaluation)
        self.open_button.setEnabled(True)
        self.context.say(
            self.tr("Measured. The report is kept."), self.tr("Open"), self.open_report
        )

    def _show_view(self, is_shown: bool) -> None:
        self.view.setVisible(is_shown)
        self._empty.setVisible(not is_shown)

    def _ended(self) -> None:
        self._timer.stop()
        self.start_button.setEnabled(True)
        if self._job is not None and self._job.state is not JobState.SUCCEEDED:
            self.view.stopped()
            self._show_view(self._so_far is not None)


def _measured(
    kind: str,
    path: Path | None,
    options: EvaluateOptions,
    now: datetime,
    folder: Path,
    watcher: Any,  # noqa: ANN401  (facerec.services.evaluate.Watcher, not imported before it runs)
    task: Task,
) -> tuple[Evaluation, Path]:
    """Measure and write the report; on the runner's thread."""
    from facerec.evaluate.report import write_report
    from facerec.services.evaluate import evaluate_lfw, evaluate_people

    if kind == LFW or path is None:
        result = evaluate_lfw(path, options, now=now, watcher=watcher, task=task)
    else:
        result = evaluate_people(path, options, now=now, watcher=watcher, task=task)
    return result, write_report(folder, result.page, result.payload).html
