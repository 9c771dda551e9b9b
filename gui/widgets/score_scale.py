"""A Score on a horizontal scale, with the Threshold and what the Threshold means in words."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from facerec.match.rule import MatchRule
from gui import theme

# Scores of photographs of faces: below, everything is equally different.
LOWEST, HIGHEST = -0.2, 1.0
_TRACK_PX = 10.0
_HEIGHT_PX = 84
_TRACK_ALPHA = 0.28


class ScoreScale(QWidget):
    """From "different" at the left to "same" at the right; the Threshold parts the two."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._score: float | None = None
        self._threshold = 0.5
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_score(self, score: float | None, rule: MatchRule) -> None:
        """Show a Score, or only the Threshold."""
        self._score = score
        self._threshold = rule.threshold
        self.setAccessibleName(
            self.tr("Score %1, threshold %2")
            .replace("%1", "-" if score is None else f"{score:.2f}")
            .replace("%2", f"{rule.threshold:.2f}")
        )
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """As wide as there is room."""
        return QSize(420, _HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """Wide enough for the words below."""
        return QSize(280, _HEIGHT_PX)

    def x_of(self, score: float) -> float:
        """Return where a Score lies, in pixels from the left."""
        clipped = min(max(score, LOWEST), HIGHEST)
        return 12 + (self.width() - 24) * (clipped - LOWEST) / (HIGHEST - LOWEST)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Draw the track, the mark of the Threshold and the Score."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = self.height() / 2 - _TRACK_PX / 2
        self._draw_track(painter, top)
        self._draw_threshold(painter, top)
        if self._score is not None:
            self._draw_score(painter, top, self._score)

    def _draw_track(self, painter: QPainter, top: float) -> None:
        split = self.x_of(self._threshold)
        painter.setPen(Qt.PenStyle.NoPen)
        whole = QRectF(12, top, self.width() - 24, _TRACK_PX)
        for box, name in (
            (QRectF(12, 0, split - 12, self.height()), "bad"),
            (QRectF(split, 0, self.width(), self.height()), "good"),
        ):
            painter.save()
            painter.setClipRect(box)
            tint = theme.colour(name)
            tint.setAlphaF(_TRACK_ALPHA)
            painter.setBrush(tint)
            painter.drawRoundedRect(whole, _TRACK_PX / 2, _TRACK_PX / 2)
            painter.restore()
        painter.setPen(theme.colour("muted"))
        y = top + _TRACK_PX + 20
        painter.drawText(QPointF(12, y), self.tr("different"))
        word = self.tr("same")
        wide = QFontMetricsF(self.font()).horizontalAdvance(word)
        painter.drawText(QPointF(self.width() - 12 - wide, y), word)

    def _draw_threshold(self, painter: QPainter, top: float) -> None:
        x = self.x_of(self._threshold)
        painter.setPen(QPen(theme.colour("text"), 2))
        painter.drawLine(QPointF(x, top - 4), QPointF(x, top + _TRACK_PX + 4))
        text = self.tr("threshold %1").replace("%1", f"{self._threshold:.2f}")
        self._centred(painter, x, top + _TRACK_PX + 20, text)

    def _draw_score(self, painter: QPainter, top: float, score: float) -> None:
        x = self.x_of(score)
        name = "good" if score >= self._threshold else "bad"
        painter.setPen(QPen(theme.colour("surface"), 2))
        painter.setBrush(theme.colour(name))
        painter.drawEllipse(QPointF(x, top + _TRACK_PX / 2), 9, 9)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(
            QPolygonF([QPointF(x - 5, top - 13), QPointF(x + 5, top - 13), QPointF(x, top - 7)])
        )
        font = self.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(theme.colour(name))
        self._centred(painter, x, top - 18, f"{score:.2f}")

    def _centred(self, painter: QPainter, x: float, y: float, text: str) -> None:
        wide = QFontMetricsF(painter.font()).horizontalAdvance(text)
        left = min(max(x - wide / 2, 2), self.width() - wide - 2)
        painter.drawText(QPointF(left, y), text)
