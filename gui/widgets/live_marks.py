"""What is drawn over a video: boxes, names, and figures in a corner.

A video has colours of its own, so these do not follow the theme; a dark rim keeps them apart from
any ground. The answer shows in the colour and in the line: solid when known, dashed when not sure.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from facerec.types import Decision, Verdict
from gui.i18n.decisions import verdict_words

GROUND = QColor("#101317")
_TINTS = {
    Verdict.KNOWN: QColor("#7fd8a4"),
    Verdict.UNKNOWN: QColor("#b9c8e6"),
    Verdict.UNSURE: QColor("#f0cb79"),
}
_RIM = QColor(0, 0, 0, 110)
_PILL = QColor(16, 19, 23, 205)
_INK = QColor("#f4f6f9")
_RADIUS = 8.0
_PILL_PX = 24.0


def draw_track(painter: QPainter, box: QRectF, decision: Decision, *, is_chosen: bool) -> None:
    """Draw the box of a face with its name; thicker when it is chosen."""
    tint = _TINTS[decision.verdict]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    width = 3.5 if is_chosen else 2.0
    painter.setPen(QPen(_RIM, width + 2))
    painter.drawRoundedRect(box, _RADIUS, _RADIUS)
    pen = QPen(tint, width)
    if decision.verdict is Verdict.UNSURE:
        pen.setDashPattern([4.0, 3.0])
    painter.setPen(pen)
    painter.drawRoundedRect(box, _RADIUS, _RADIUS)
    _draw_name(painter, box, verdict_words(decision), tint)


def _draw_name(painter: QPainter, box: QRectF, text: str, tint: QColor) -> None:
    painter.save()
    font = QFont(painter.font())
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, 260)
    width = metrics.horizontalAdvance(shown) + 30
    above = box.top() - _PILL_PX - 5
    pill = QRectF(box.left(), above if above > 4 else box.bottom() + 5, width, _PILL_PX)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_PILL)
    painter.drawRoundedRect(pill, _PILL_PX / 2, _PILL_PX / 2)
    painter.setBrush(tint)
    painter.drawEllipse(QPointF(pill.left() + 12, pill.center().y()), 4, 4)
    painter.setPen(_INK)
    painter.drawText(pill.adjusted(21, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, shown)
    painter.restore()


def draw_figures(painter: QPainter, target: QRectF, text: str) -> None:
    """Draw a few small words in the lower right corner."""
    if not text:
        return
    painter.save()
    font = QFont(painter.font())
    font.setPixelSize(11)
    painter.setFont(font)
    width = QFontMetricsF(font).horizontalAdvance(text) + 16
    pill = QRectF(target.right() - width - 10, target.bottom() - 30, width, 20)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_PILL)
    painter.drawRoundedRect(pill, 10, 10)
    painter.setPen(_INK)
    painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
