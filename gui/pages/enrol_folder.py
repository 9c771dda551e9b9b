"""Enrolment of many people: a folder with one folder a person, and what became of each picture."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from facerec.progress import Task
from facerec.services.enroll import EnrollOptions, EnrollStatus, PersonOutcome, enroll_folder
from facerec.services.one_face import FacePolicy
from gui.i18n.fill import fill
from gui.item_models.import_rows import ImportModel
from gui.pages.changes import last_step_id, steps_since, tell_change
from gui.pages.page import Page
from gui.theme import SIZES
from gui.widgets.empty_state import EmptyState
from gui.widgets.text import button, label
from gui.workers.job import Job


class FolderTab(QWidget):
    """A table that fills while people are enrolled.

    Attributes:
        model: what became of each picture.

    Signals:
        arrived: a ``PersonOutcome``, from the job's thread.
    """

    arrived = Signal(object)

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._page = page
        self._context = page.context
        self._job: Job | None = None
        self._before = 0
        self.setAcceptDrops(True)
        self.model = ImportModel(self)
        self.table = self._table()
        self._summary = label("", "strong")
        self._only = QCheckBox(self.tr("Only what was not enrolled"))
        self._only.toggled.connect(lambda only: self.model.show_only_refused(only=only))
        self._again = button(self.tr("Another folder…"), self.choose, icon_name="folder")
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._invitation())
        self._stack.addWidget(self._results())
        self.arrived.connect(self._add, Qt.ConnectionType.QueuedConnection)

    def choose(self) -> None:
        """Ask for a folder."""
        folder = QFileDialog.getExistingDirectory(self, self.tr("Choose a folder of people"))
        if folder:
            self.import_folder(Path(folder))

    def import_folder(self, folder: Path) -> None:
        """Enrol the people of a folder, one after the other."""
        self._page.banner.hide()
        self.model.clear()
        self._stack.setCurrentIndex(1)
        self._again.setEnabled(False)
        context, arrived = self._context, self.arrived
        several = FacePolicy(context.settings.match.several_faces)

        def work(task: Task) -> None:
            gallery = context.gallery()
            self._before = last_step_id(gallery)
            outcomes = enroll_folder(
                gallery, context.pipeline(), folder,
                rule=context.rule(), options=EnrollOptions(policy=several), task=task,
            )  # fmt: skip
            for outcome in outcomes:
                arrived.emit(outcome)

        job = self._page.run(context.runners.compute, work, shown=True)
        self._job = job
        job.finished.connect(lambda: self._finished(job))
        self._count()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802  (Qt's name)
        """Take one folder."""
        if any(Path(url.toLocalFile()).is_dir() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802  (Qt's name)
        """Import the folder that was dropped."""
        folders = [Path(url.toLocalFile()) for url in event.mimeData().urls()]
        folder = next((path for path in folders if path.is_dir()), None)
        if folder is not None and self._job is None:
            self.import_folder(folder)

    def _add(self, outcome: PersonOutcome) -> None:
        self.model.add(outcome)
        self._count()

    def _count(self) -> None:
        n_added = self.model.count(EnrollStatus.ADDED)
        n_refused = self.model.count(EnrollStatus.REFUSED)
        words = [
            self.tr("%n picture(s) enrolled", "", n_added),
            self.tr("%n not enrolled", "", n_refused),
        ]
        if n_before := self.model.count(EnrollStatus.ALREADY_THERE):
            words.append(self.tr("%n enrolled before", "", n_before))
        self._summary.setText(" · ".join(words))

    def _finished(self, job: Job) -> None:
        if job is not self._job:
            return
        self._job = None
        self._again.setEnabled(True)
        if not self.model.count(EnrollStatus.ADDED):
            if self.model.rowCount() == 0 and not self._only.isChecked():
                self._stack.setCurrentIndex(0)
            return
        before, context = self._before, self._context
        text = fill(self.tr("Import finished: %1."), self._summary.text())
        self._page.run(
            context.runners.compute,
            lambda task: steps_since(context.gallery(), before),
            lambda step_ids: tell_change(self._page, text, step_ids),
        )

    def _table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.model)
        table.setAccessibleName(self.tr("Pictures of the import"))
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.verticalHeader().setDefaultSectionSize(32)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        table.setColumnWidth(0, 200)
        table.setColumnWidth(1, 220)
        return table

    def _invitation(self) -> QWidget:
        return EmptyState(
            "folder",
            self.tr("Many people at once"),
            self.tr(
                "Choose or drop a folder that holds one folder a person, named as the person. "
                "Each picture's result is listed, with the reason where it is not enrolled."
            ),
            ((self.tr("Choose folder…"), self.choose),),
        )

    def _results(self) -> QWidget:
        widget = QWidget()
        row = QHBoxLayout()
        row.setSpacing(SIZES.space_l)
        row.addWidget(self._summary)
        row.addStretch(1)
        row.addWidget(self._only)
        row.addWidget(self._again)
        column = QVBoxLayout(widget)
        column.setContentsMargins(0, SIZES.space_l, 0, 0)
        column.setSpacing(SIZES.space_m)
        column.addLayout(row)
        column.addWidget(self.table, 1)
        return widget
