"""Undo, redo and the history of the gallery, as buttons that say what they would do."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from facerec.gallery.steps import Step
from gui.i18n.fill import fill
from gui.i18n.steps import step_within, step_words
from gui.theme import SIZES
from gui.widgets.text import button

# Of what "Undo: merged A into B" may take.
_MOST_PX = 340


class StepsBar(QWidget):
    """Three buttons for three actions.

    Attributes:
        undo_button, redo_button, history_button: the buttons.
    """

    def __init__(
        self, undo: QAction, redo: QAction, history: QAction, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._undo, self._redo = undo, redo
        self.undo_button = _button(undo, "undo")
        self.redo_button = _button(redo, "redo")
        self.history_button = _button(history, "history")
        self.history_button.setCheckable(True)
        history.toggled.connect(self.history_button.setChecked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SIZES.space_xs)
        for made in (self.undo_button, self.redo_button, self.history_button):
            row.addWidget(made)

    def show_steps(self, steps: Sequence[Step]) -> None:
        """Say what would be undone, and whether something can be redone.

        Args:
            steps: newest first.
        """
        done = next((step for step in steps if not step.is_undone), None)
        self._undo.setEnabled(done is not None)
        self._redo.setEnabled(any(step.is_undone for step in steps))
        words = self._undo.text()
        if done is not None:
            words = fill(self.tr("Undo: %1"), step_within(step_words(done)))
        made = self.undo_button
        elided = made.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, _MOST_PX)
        made.setText(elided)
        made.setToolTip(f"{words}  ({self._undo.shortcut().toString()})")
        made.setAccessibleName(words)


def _button(action: QAction, icon_name: str) -> QPushButton:
    made = button(action.text(), action.trigger, kind="quiet", icon_name=icon_name)
    made.setToolTip(f"{action.text()}  ({action.shortcut().toString()})")
    action.enabledChanged.connect(made.setEnabled)
    made.setEnabled(action.isEnabled())
    return made
