"""One section of the settings: a heading, a sentence, and rows of name and control."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui.theme import SIZES
from gui.widgets.text import label, line

_NAME_PX = 170
_BOX_PX = 360


class SettingsCard(QFrame):
    """A card with a heading; rows are added below it."""

    def __init__(self, heading: str, sentence: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(*[SIZES.space_xl] * 4)
        self._column.setSpacing(SIZES.space_m)
        self._column.addWidget(label(heading, "heading"))
        if sentence:
            self._column.addWidget(label(sentence, "muted", wrap=True))

    def add_row(self, name: str, control: QWidget) -> None:
        """Add a control with its name at the left; the name is read out with it."""
        control.setAccessibleName(name)
        row = QHBoxLayout()
        row.setSpacing(SIZES.space_l)
        words = label(name, wrap=True)
        words.setFixedWidth(_NAME_PX)
        words.setBuddy(control)
        is_box = isinstance(control, QComboBox)
        # Beside a box the name stands at the height of its text, beside a paragraph at the top.
        row.addWidget(
            words, 0, Qt.AlignmentFlag.AlignVCenter if is_box else Qt.AlignmentFlag.AlignTop
        )
        row.addWidget(control, 0 if is_box else 1)
        if is_box:
            row.addStretch(1)
        self._column.addLayout(row)

    def add_wide(self, widget: QWidget) -> None:
        """Add something across the whole width."""
        self._column.addWidget(widget)

    def add_line(self) -> None:
        """Part what is above from what is below."""
        self._column.addWidget(line())


class ChoiceBox(QComboBox):
    """A drop-down list of (value, words) that is not turned by scrolling past it."""

    def __init__(self, choices: tuple[tuple[str, str], ...], value: str) -> None:
        super().__init__()
        self.offer(choices, value)
        self.setFixedWidth(_BOX_PX)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.installEventFilter(self)

    def offer(self, choices: tuple[tuple[str, str], ...], value: str) -> None:
        """Offer other choices without telling anybody."""
        self.blockSignals(True)
        self.clear()
        for choice, words in choices:
            self.addItem(words, choice)
        self.blockSignals(False)
        self.choose(value)

    def choose(self, value: str) -> None:
        """Choose one of the values without telling anybody."""
        self.blockSignals(True)
        self.setCurrentIndex(max(0, self.findData(value)))
        self.blockSignals(False)

    @property
    def value(self) -> str:
        """What is chosen."""
        return str(self.currentData())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Leave the wheel to the page while the list is closed."""
        if isinstance(event, QWheelEvent):
            event.ignore()
            return True
        return super().eventFilter(watched, event)
