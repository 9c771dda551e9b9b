"""A small plot: lines or steps over two axes, drawn in the theme's colours, read with the pointer.

For what changes while one looks at it; reports have plots of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.widgets.plot_scale import Axis, scale_of

# Colours of curves that mean nothing by themselves, in this order.
CURVE_COLOURS = ("accent", "warn", "good", "bad", "muted")
_TICK_PX = 5
# What is left free above and below the curves.
ROOM = 0.06
# The same where words stand above them.
MARKED_ROOM = 0.18
# Curves of few points have each of them marked.
_MOST_MARKED = 30


@dataclass(frozen=True, slots=True)
class Series:
    """One curve.

    Attributes:
        name: for legend and read-out.
        xs: rising.
        ys: as many.
        colour: name of a colour of the theme.
        is_filled: whether the ground below it is tinted, as in a histogram.
    """

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    colour: str = "accent"
    is_filled: bool = False


class Plot(QWidget):
    """Curves with axes, a legend and a read-out under the pointer."""

    def __init__(self, title: str, x_axis: Axis, y_axis: Axis) -> None:
        super().__init__()
        self._title, self._x_axis, self._y_axis = title, x_axis, y_axis
        self._series: tuple[Series, ...] = ()
        self._marks: tuple[tuple[float, str], ...] = ()
        self._pointer: float | None = None
        self._x_scale = scale_of(x_axis, [])
        self._y_scale = scale_of(y_axis, [])
        self.setMouseTracking(True)
        self.setAccessibleName(title)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_series(
        self, series: Sequence[Series], marks: Sequence[tuple[float, str]] = ()
    ) -> None:
        """Draw other curves.

        Args:
            series: the curves.
            marks: values of the horizontal axis to mark with a line and a word.
        """
        self._series, self._marks = tuple(series), tuple(marks)
        self._x_scale = scale_of(self._x_axis, [x for one in series for x in one.xs])
        room = MARKED_ROOM if marks else ROOM
        self._y_scale = scale_of(self._y_axis, [y for one in series for y in one.ys], room)
        self.update()

    @property
    def series(self) -> tuple[Series, ...]:
        """What is drawn."""
        return self._series

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """A little wider than high."""
        return QSize(320, 230)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """Room for the axes' numbers and something between them."""
        return QSize(220, 170)

    def read_out(self, x_px: float) -> list[tuple[Series, float, float]]:
        """Return each curve's point that is nearest to a place, with both values."""
        found = []
        for one in self._series:
            if len(one.xs):
                at = min(
                    range(len(one.xs)),
                    key=lambda i: abs(self._x_px(one.xs[i], self._area()) - x_px),
                )
                found.append((one, float(one.xs[at]), float(one.ys[at])))
        return found

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """Read out what is under the pointer."""
        x = event.position().x()
        area = self._area()
        self._pointer = x if area.left() - 4 <= x <= area.right() + 4 else None
        self.update()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Read out nothing."""
        super().leaveEvent(event)
        self._pointer = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Draw title, axes, curves, legend and read-out."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(_small(self.font()))
        area = self._area()
        self._draw_title(painter)
        self._draw_axes(painter, area)
        if not any(len(one.xs) for one in self._series):
            painter.setPen(theme.colour("muted"))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, self.tr("No data yet"))
            return
        painter.save()
        painter.setClipRect(area.adjusted(-1, -3, 3, 1))
        for one in self._series:
            self._draw_curve(painter, area, one)
        painter.restore()
        self._draw_marks(painter, area)
        if self._pointer is not None:
            self._draw_read_out(painter, area, self._pointer)

    def _area(self) -> QRectF:
        """The part between the axes."""
        metrics = QFontMetricsF(_small(self.font()))
        high = metrics.height()
        widest = max(
            (metrics.horizontalAdvance(self._y_axis.write(t)) for t in self._y_scale.ticks()),
            default=0.0,
        )
        top = 2 * high + 20 if len(self._series) > 1 else high + 20
        bottom = 2 * high + 10 if self._x_axis.title else high + 8
        return QRectF(
            widest + 10, top, max(10.0, self.width() - widest - 22), self.height() - top - bottom
        )

    def _x_px(self, value: float, area: QRectF) -> float:
        return area.left() + area.width() * self._x_scale.share(value)

    def _y_px(self, value: float, area: QRectF) -> float:
        return area.bottom() - area.height() * self._y_scale.share(value)

    def _draw_title(self, painter: QPainter) -> None:
        painter.save()
        font = QFont(painter.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(theme.colour("text"))
        high = QFontMetricsF(font).height()
        painter.drawText(QPointF(2, high), self._title)
        painter.restore()
        if len(self._series) < 2:
            return
        metrics = QFontMetricsF(painter.font())
        x, y = 2.0, 2 * high + 4
        for one in self._series:
            painter.setPen(QPen(theme.colour(one.colour), 3))
            painter.drawLine(QPointF(x, y - high / 3), QPointF(x + 12, y - high / 3))
            painter.setPen(theme.colour("muted"))
            painter.drawText(QPointF(x + 17, y), one.name)
            x += 17 + metrics.horizontalAdvance(one.name) + 14

    def _draw_axes(self, painter: QPainter, area: QRectF) -> None:
        metrics = QFontMetricsF(painter.font())
        grid, words = QPen(theme.colour("line"), 1), theme.colour("muted")
        for value in self._y_scale.ticks():
            y = self._y_px(value, area)
            painter.setPen(grid)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            text = self._y_axis.write(value)
            painter.setPen(words)
            left = area.left() - _TICK_PX - metrics.horizontalAdvance(text)
            painter.drawText(QPointF(left, y + metrics.ascent() / 2 - 1), text)
        painter.setPen(QPen(theme.colour("outline"), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        self._draw_x_numbers(painter, area, metrics)
        painter.setPen(words)
        if self._x_axis.title:
            below = QRectF(area.left(), self.height() - metrics.height() - 2, area.width(), 20)
            painter.drawText(
                below, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, self._x_axis.title
            )

    def _draw_x_numbers(self, painter: QPainter, area: QRectF, metrics: QFontMetricsF) -> None:
        free_from = 0.0
        for value in self._x_scale.ticks():
            x, text = self._x_px(value, area), self._x_axis.write(value)
            painter.setPen(QPen(theme.colour("outline"), 1))
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 3))
            wide = metrics.horizontalAdvance(text)
            left = min(x - wide / 2, self.width() - wide - 1)
            if left >= free_from:  # (numbers that would touch are left out)
                painter.setPen(theme.colour("muted"))
                painter.drawText(QPointF(left, area.bottom() + 5 + metrics.ascent()), text)
                free_from = left + wide + 8

    def _draw_curve(self, painter: QPainter, area: QRectF, one: Series) -> None:
        points = [
            QPointF(self._x_px(x, area), self._y_px(y, area))
            for x, y in zip(one.xs, one.ys, strict=True)
        ]
        if not points:
            return
        shade = theme.colour(one.colour)
        if one.is_filled:
            ground = QPolygonF(
                [
                    QPointF(points[0].x(), area.bottom()),
                    *points,
                    QPointF(points[-1].x(), area.bottom()),
                ]
            )
            tint = theme.colour(one.colour)
            tint.setAlphaF(0.16)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tint)
            painter.drawPolygon(ground)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(shade, 1.8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPolyline(QPolygonF(points))
        if len(points) <= _MOST_MARKED and not one.is_filled:
            painter.setBrush(shade)
            for point in points:
                painter.drawEllipse(point, 2, 2)

    def _draw_marks(self, painter: QPainter, area: QRectF) -> None:
        metrics = QFontMetricsF(painter.font())
        for value, word in self._marks:
            x = self._x_px(value, area)
            painter.setPen(QPen(theme.colour("text"), 1.2, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.setPen(theme.colour("text"))
            wide = metrics.horizontalAdvance(word)
            left = x + 5 if x + 5 + wide < area.right() else x - 5 - wide
            painter.drawText(QPointF(left, area.top() + metrics.ascent()), word)

    def _draw_read_out(self, painter: QPainter, area: QRectF, pointer: float) -> None:
        read = self.read_out(pointer)
        x = self._x_px(read[0][1], area)
        painter.setPen(QPen(theme.colour("outline"), 1))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        lines = [self._x_axis.write(read[0][1])]
        for one, at_x, y in read:
            painter.setPen(QPen(theme.colour("surface"), 1.5))
            painter.setBrush(theme.colour(one.colour))
            painter.drawEllipse(QPointF(self._x_px(at_x, area), self._y_px(y, area)), 4, 4)
            name = f"{one.name}  " if len(read) > 1 else ""
            lines.append(f"{name}{self._y_axis.write(y)}")
        self._draw_note(painter, area, x, lines)

    def _draw_note(self, painter: QPainter, area: QRectF, x: float, lines: list[str]) -> None:
        metrics = QFontMetricsF(painter.font())
        wide = max(metrics.horizontalAdvance(text) for text in lines) + 16
        high = metrics.height() * len(lines) + 10
        left = x + 10 if x + 10 + wide <= self.width() else x - 10 - wide
        box = QRectF(max(0.0, left), area.top() + 4, wide, high)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("text"))
        painter.drawRoundedRect(box, 5, 5)
        painter.setPen(theme.colour("window"))
        for number, text in enumerate(lines):
            painter.drawText(
                QPointF(
                    box.left() + 8, box.top() + 5 + metrics.ascent() + number * metrics.height()
                ),
                text,
            )


def _small(font: QFont) -> QFont:
    small = QFont(font)
    small.setPixelSize(theme.SIZES.text_s)
    return small
