"""A short message at the foot of the window, with a button for undoing what it tells of."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from gui.theme import SIZES
from gui.widgets.text import button, label

# Long enough to read a sentence and reach the button.
SHOWN_MS = 4_000
SHOWN_WITH_ACTION_MS = 10_000


class Toast(QFrame):
    """Floats above the foot of its parent and goes by itself."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._text = label()
        self._action: Callable[[], None] | None = None
        self._area = parent
        self._button = button("", self._act)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self._row = QHBoxLayout(self)
        self._row.addWidget(self._text)
        self._row.addWidget(self._button)
        parent.installEventFilter(self)
        self.hide()

    def show_message(
        self, text: str, action_label: str = "", action: Callable[[], None] | None = None
    ) -> None:
        """Show a message; the next one takes its place."""
        self._text.setText(text)
        self.setAccessibleName(text)
        self._action = action
        self._button.setText(action_label)
        self._button.setVisible(action is not None)
        right = SIZES.space_s if action is not None else SIZES.space_l
        self._row.setContentsMargins(SIZES.space_l, SIZES.space_s, right, SIZES.space_s)
        self.show()
        self._place()
        self.raise_()
        self._timer.start(SHOWN_MS if action is None else SHOWN_WITH_ACTION_MS)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Stay in place when the window changes its size."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        self.adjustSize()
        area = self._area.rect()
        self.move(
            (area.width() - self.width()) // 2, area.height() - self.height() - SIZES.space_xl
        )

    def _act(self) -> None:
        action, self._action = self._action, None
        self.hide()
        if action is not None:
            action()
