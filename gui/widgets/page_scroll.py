"""Scrolls what does not fit on a page; the bar stands in the page's margin, cards stay in line."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QWidget

from gui.theme import SIZES

# How far the area reaches into the margin at the right of a page.
MARGIN_PX = SIZES.space_xl


class PageScroll(QScrollArea):
    """A vertical scroll area whose content is as wide as the page's other cards.

    Put it, or what holds it, into ``beside_margin``.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().rangeChanged.connect(lambda *_: self._keep_in_line())
        self._keep_in_line()

    def _keep_in_line(self) -> None:
        bar = self.verticalScrollBar()
        taken = bar.sizeHint().width() if bar.maximum() > 0 else 0
        self.setViewportMargins(0, 0, MARGIN_PX - taken, 0)


def beside_margin(widget: QWidget) -> QHBoxLayout:
    """Return a layout in which a widget reaches into the page's right margin."""
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, -MARGIN_PX, 0)
    row.addWidget(widget)
    return row
