"""What rows and tiles of faces draw alike: the ground, and a line of text that may be too long."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

from gui import theme


def draw_ground(
    painter: QPainter, option: QStyleOptionViewItem, box: QRectF, *, is_framed: bool = False
) -> None:
    """Draw the ground of what is chosen or under the pointer.

    Args:
        painter: of the view.
        option: how the item stands.
        box: of the item.
        is_framed: whether what is chosen, or has the focus, gets a frame, too.
    """
    state = option.state
    radius = theme.SIZES.radius_m
    is_chosen = bool(state & QStyle.StateFlag.State_Selected)
    if is_chosen or state & QStyle.StateFlag.State_MouseOver:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("accent_soft" if is_chosen else "raised"))
        painter.drawRoundedRect(box, radius, radius)
    if is_framed and (is_chosen or state & QStyle.StateFlag.State_HasFocus):
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour("accent"), 2))
        painter.drawRoundedRect(box, radius, radius)


def draw_line(
    painter: QPainter,
    line: QRectF,
    text: str,
    alignment: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignVCenter,
) -> None:
    """Draw a line of text, with an ellipsis where it does not fit."""
    metrics = QFontMetricsF(painter.font())
    elided = metrics.elidedText(text, Qt.TextElideMode.ElideRight, line.width())
    painter.drawText(line, alignment, elided)
