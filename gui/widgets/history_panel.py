"""The steps of the gallery, newest first, each of which can be undone."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from facerec.gallery.steps import Step
from gui.i18n.steps import step_facts, step_words
from gui.item_models.face_rows import FaceRow
from gui.theme import SIZES
from gui.widgets.face_list import FaceList
from gui.widgets.text import IconButton, button, label

WIDTH_PX = 404


class HistoryPanel(QFrame):
    """Stands at the right of the gallery in the place of the person.

    Attributes:
        steps: the list.
        undo_button: undoes the step that is chosen.

    Signals:
        undo_wanted: id of a step.
        closed: it is not wanted any more.
    """

    undo_wanted = Signal(int)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setFixedWidth(WIDTH_PX)
        self.steps = FaceList(self.tr("History"), selectable=True, pictures=False)
        self.steps.selectionModel().selectionChanged.connect(self._look)
        self.undo_button = button(self.tr("Undo this step"), self._undo, icon_name="undo")
        self._sentence = label("", "muted", wrap=True)
        head = QHBoxLayout()
        head.addWidget(label(self.tr("History"), "heading"), 1)
        head.addWidget(IconButton("close", self.tr("Close"), self.closed.emit))
        # (not at the foot, where messages appear)
        below = QHBoxLayout()
        below.addWidget(self.undo_button)
        below.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[SIZES.space_l] * 4)
        column.setSpacing(SIZES.space_m)
        column.addLayout(head)
        column.addWidget(self._sentence)
        column.addLayout(below)
        column.addWidget(self.steps, 1)
        self.show_steps([])

    def show_steps(self, steps: Sequence[Step]) -> None:
        """Show other steps."""
        undone = self.tr("undone")
        self.steps.rows.set_rows(
            [
                FaceRow(
                    step.id,
                    step_words(step),
                    step_facts(step),
                    undone if step.is_undone else "",
                    item=step,
                    is_muted=step.is_undone,
                )
                for step in steps
            ]
        )
        self._sentence.setText(
            self.tr("A step can be undone while no later one builds on it.")
            if steps
            else self.tr("Nothing was changed yet, or it was too long ago to be undone.")
        )
        self._look()

    def _look(self) -> None:
        step = self.steps.chosen()
        self.undo_button.setEnabled(isinstance(step, Step) and not step.is_undone)
        self.undo_button.setVisible(self.steps.rows.rowCount() > 0)

    def _undo(self) -> None:
        step = self.steps.chosen()
        if isinstance(step, Step):
            self.undo_wanted.emit(step.id)
