"""An Image with the Faces found in it; the one that counts is chosen by click or arrow key."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from facerec.types import Face, ImageRGB
from gui import theme
from gui.widgets.thumbnail import qimage_from_rgb

# Boxes and points lie on photographs, whose colours know no theme: light with a dark rim is seen
# on all of them.
_MARK = QColor("#5ee0a0")
_OTHER = QColor("#ffffff")
_RIM = QColor(0, 0, 0, 150)
_LANDMARK_PX = 3.0
# A photograph of 100 megapixels is drawn from a copy of this size.
_MAX_SHOWN_PX = 1600


class FaceView(QWidget):
    """Shows an Image as large as there is room, with boxes and landmarks.

    Signals:
        chosen: index of the Face that now counts.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pixmap: QPixmap | None = None
        self._size_wh = (1, 1)
        self._faces: tuple[Face, ...] = ()
        self._current = -1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_image(self, image: ImageRGB, faces: Sequence[Face], current: int) -> None:
        """Show an Image (H, W, 3) uint8 with its Faces; ``current`` is -1 when none counts."""
        height, width = image.shape[:2]
        self._size_wh = (width, height)
        self._pixmap = QPixmap.fromImage(_shown(qimage_from_rgb(image)))
        self._faces = tuple(faces)
        self._choose(current)
        several = len(self._faces) > 1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if several else Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(self.tr("%n face(s) found", "", len(self._faces)))

    def clear(self) -> None:
        """Show nothing."""
        self._pixmap, self._faces, self._current = None, (), -1
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.update()

    @property
    def current(self) -> int:
        """Index of the Face that counts; -1 when none does."""
        return self._current

    def face_at(self, point: QPointF) -> int:
        """Return the index of the smallest Face at a point of the widget; -1 when there is none."""
        hits = [i for i, face in enumerate(self._faces) if self._box(face).contains(point)]
        return min(hits, key=lambda i: self._faces[i].width_px, default=-1)

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """A usual photograph, made small."""
        return QSize(360, 300)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """Still large enough to see a face."""
        return QSize(160, 140)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """Choose the Face that is clicked."""
        hit = self.face_at(event.position())
        if hit >= 0:
            self._pick(hit)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Go through the Faces with the arrow keys."""
        steps = {
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Up: -1,
        }
        step = steps.get(Qt.Key(event.key()), 0)
        if step and self._faces:
            self._pick((max(self._current, 0) + step) % len(self._faces))
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Draw the Image and, over it, boxes and landmarks."""
        del event
        if self._pixmap is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        # Landmarks of a face that is cut off may lie beyond the Image.
        painter.setClipRect(self._target())
        painter.drawPixmap(self._target(), self._pixmap, QRectF(self._pixmap.rect()))
        for index, face in enumerate(self._faces):
            self._draw_face(painter, face, is_current=index == self._current)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour("accent"), 2))
            painter.drawRect(self._target().adjusted(1, 1, -1, -1))

    def _draw_face(self, painter: QPainter, face: Face, *, is_current: bool) -> None:
        box = self._box(face)
        tint = _MARK if is_current else _OTHER
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(_RIM, 4), QPen(tint, 2)):
            if not is_current:
                pen.setStyle(Qt.PenStyle.DashLine)
            painter.setPen(pen)
            painter.drawRoundedRect(box, 4, 4)
        if is_current:
            painter.setPen(QPen(_RIM, 1))
            painter.setBrush(tint)
            for x, y in face.landmarks:
                painter.drawEllipse(self._point(float(x), float(y)), _LANDMARK_PX, _LANDMARK_PX)

    def _pick(self, index: int) -> None:
        if index != self._current:
            self._choose(index)
            self.chosen.emit(index)

    def _choose(self, index: int) -> None:
        self._current = index
        self.update()

    def _target(self) -> QRectF:
        width, height = self._size_wh
        scale = min(self.width() / width, self.height() / height)
        wide, high = width * scale, height * scale
        return QRectF((self.width() - wide) / 2, (self.height() - high) / 2, wide, high)

    def _point(self, x: float, y: float) -> QPointF:
        # Pixel (0, 0) has its centre at (0.5, 0.5) of what is drawn.
        target = self._target()
        scale = target.width() / self._size_wh[0]
        return QPointF(target.x() + (x + 0.5) * scale, target.y() + (y + 0.5) * scale)

    def _box(self, face: Face) -> QRectF:
        left, top, right, bottom = (float(value) for value in face.box_xyxy)
        box = QRectF(self._point(left, top), self._point(right, bottom))
        return box.intersected(self._target())


def _shown(image: QImage) -> QImage:
    if max(image.width(), image.height()) <= _MAX_SHOWN_PX:
        return image
    return image.scaled(
        _MAX_SHOWN_PX,
        _MAX_SHOWN_PX,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
