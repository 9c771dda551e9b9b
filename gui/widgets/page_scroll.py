"""Scrolls all cards of a page together, so that they stay in line."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from gui.theme import SIZES


class PageScroll(QScrollArea):
    """A vertical scroll area.

    Attributes:
        column: where the cards go.
    """

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        width_px: int | None = None,
        alignment: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    ) -> None:
        """Make an empty one.

        Args:
            parent: of the widget.
            width_px: the cards are no wider; as wide as the page when not given.
            alignment: where they stand then.
        """
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        content = QWidget()
        if width_px is not None:
            content.setMaximumWidth(width_px)
            self.setAlignment(alignment)
        self.column = QVBoxLayout(content)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(SIZES.space_l)
        self.setWidget(content)
        self.verticalScrollBar().rangeChanged.connect(lambda *_: self._part_from_bar())

    def _part_from_bar(self) -> None:
        """Leave some room beside the bar where there is one."""
        room = SIZES.space_s if self.verticalScrollBar().maximum() > 0 else 0
        self.column.setContentsMargins(0, 0, room, 0)
