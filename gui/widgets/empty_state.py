"""What stands where there is nothing yet: why, and what to do."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.theme import SIZES
from gui.widgets.text import IconLabel, button, label


class EmptyState(QWidget):
    """An icon, a heading, a sentence that says what to do, and buttons that do it."""

    def __init__(
        self,
        icon_name: str,
        heading: str,
        sentence: str,
        actions: tuple[tuple[str, Callable[[], object]], ...] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.setSpacing(SIZES.space_m)
        picture = IconLabel(icon_name, "muted", 44)
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title = label(heading, "heading", wrap=True)
        text = label(sentence, "muted", wrap=True)
        for words in (title, text):
            words.setAlignment(Qt.AlignmentFlag.AlignCenter)
            words.setFixedWidth(440)
        column.addWidget(picture)
        column.addWidget(title, 0, Qt.AlignmentFlag.AlignCenter)
        column.addWidget(text, 0, Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout()
        row.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row.setSpacing(SIZES.space_s)
        for index, (name, action) in enumerate(actions):
            row.addWidget(button(name, action, kind="" if index else "primary"))
        column.addSpacing(SIZES.space_xs)
        column.addLayout(row)
