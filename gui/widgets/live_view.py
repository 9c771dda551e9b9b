"""The video of the live page: the newest frame, and over it who is where.

The frame is drawn from the engine's own pixels, scaled while it is drawn: nothing is copied before.
A face is chosen by a click or with the arrow keys, *E* asks to enrol it, and what speaks for the
answer shows under the pointer.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from facerec.services.live import LiveFrame, LiveTrack
from gui import theme
from gui.i18n.decisions import reason_words, verdict_words
from gui.i18n.fill import fill
from gui.theme import SIZES
from gui.widgets.live_marks import GROUND, draw_figures, draw_track

_NEXT = (Qt.Key.Key_Right, Qt.Key.Key_Down)
_BEFORE = (Qt.Key.Key_Left, Qt.Key.Key_Up)


class LiveView(QWidget):
    """Shows a ``LiveFrame`` as large as there is room.

    Attributes:
        chosen_id: ``track_id`` of the face chosen; None when none is.

    Signals:
        chosen: the face chosen is another one, or none.
        enrol_wanted: somebody asked to enrol the chosen face.
    """

    chosen = Signal()
    enrol_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chosen_id: int | None = None
        self.figures = ""
        # The image borrows the frame's pixels, so the two live and go together.
        self._frame: LiveFrame | None = None
        self._image = QImage()
        self._pointer: QPointF | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, on=False)
        self.setAccessibleName(self.tr("Video"))

    @property
    def tracks(self) -> tuple[LiveTrack, ...]:
        """The faces in sight."""
        return self._frame.tracks if self._frame is not None else ()

    @property
    def chosen_track(self) -> LiveTrack | None:
        """The face chosen, while it is in sight."""
        return next((t for t in self.tracks if t.track_id == self.chosen_id), None)

    def show_frame(self, frame: LiveFrame, figures: str = "") -> None:
        """Show a frame, with a few words in a corner."""
        height, width = frame.image.shape[:2]
        image = frame.image
        self._image = QImage(
            image.data, width, height, image.strides[0], QImage.Format.Format_RGB888
        )
        self._frame, self.figures = frame, figures
        self._explain()
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self._image, self._frame, self.figures = QImage(), None, ""
        self.choose(None)
        self.update()

    def choose(self, track_id: int | None) -> None:
        """Choose a face, or none."""
        if track_id != self.chosen_id:
            self.chosen_id = track_id
            track = self.chosen_track
            words = "" if track is None else f": {verdict_words(track.decision)}"
            self.setAccessibleName(self.tr("Video") + words)
            self.chosen.emit()
            self.update()

    def track_at(self, point: QPointF) -> LiveTrack | None:
        """Return the smallest face at a point of the widget."""
        hits = [track for track in self.tracks if self.box_of(track).contains(point)]
        return min(hits, key=lambda track: track.face.width_px, default=None)

    def box_of(self, track: LiveTrack) -> QRectF:
        """Return where a face is drawn."""
        target = self.target()
        scale = target.width() / max(self._image.width(), 1)
        left, top, right, bottom = (float(side) for side in track.face.box_xyxy)
        corner = QPointF(target.x() + (left + 0.5) * scale, target.y() + (top + 0.5) * scale)
        box = QRectF(corner.x(), corner.y(), (right - left) * scale, (bottom - top) * scale)
        return box.intersected(target)

    def target(self) -> QRectF:
        """Return where the frame is drawn."""
        width, height = max(self._image.width(), 1), max(self._image.height(), 1)
        scale = min(self.width() / width, self.height() / height)
        wide, high = width * scale, height * scale
        return QRectF((self.width() - wide) / 2, (self.height() - high) / 2, wide, high)

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """A usual video, made small."""
        return QSize(640, 360)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """Still large enough to see a face."""
        return QSize(280, 160)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """Choose the face that is clicked; none beside them."""
        hit = self.track_at(event.position())
        self.choose(None if hit is None else hit.track_id)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """Enrol the face that is clicked twice."""
        if self.track_at(event.position()) is not None:
            self.enrol_wanted.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """Remember where the pointer is; faces move under it."""
        self._pointer = event.position()
        self._explain()

    def leaveEvent(self, event: object) -> None:  # noqa: N802  (Qt's name)
        """Explain nothing any more."""
        del event
        self._pointer = None

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Go through the faces with the arrow keys; *E* enrols, *Esc* lets go."""
        key = Qt.Key(event.key())
        if key in _NEXT or key in _BEFORE:
            self._step(1 if key in _NEXT else -1)
        elif key == Qt.Key.Key_E and self.chosen_track is not None:
            self.enrol_wanted.emit()
        elif key == Qt.Key.Key_Escape:
            self.choose(None)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Draw the frame, the faces and the figures."""
        del event
        if self._frame is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        path = QPainterPath()
        path.addRoundedRect(QRectF(self.rect()), SIZES.radius_m, SIZES.radius_m)
        painter.setClipPath(path)
        painter.fillRect(self.rect(), GROUND)
        painter.drawImage(self.target(), self._image)
        for track in self.tracks:
            is_chosen = track.track_id == self.chosen_id
            draw_track(painter, self.box_of(track), track.decision, is_chosen=is_chosen)
        draw_figures(painter, self.target(), self.figures)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour("accent"), 2))
            frame = QRectF(self.rect()).adjusted(1, 1, -1, -1)
            painter.drawRoundedRect(frame, SIZES.radius_m, SIZES.radius_m)

    def _step(self, by: int) -> None:
        ordered = sorted(self.tracks, key=lambda track: track.face.centre_xy[0])
        ids = [track.track_id for track in ordered]
        if not ids:
            return
        if self.chosen_id in ids:
            self.choose(ids[(ids.index(self.chosen_id) + by) % len(ids)])
        else:
            self.choose(ids[0 if by > 0 else -1])

    def _explain(self) -> None:
        """Say what speaks for the answer of the face under the pointer."""
        if self._pointer is None:
            return
        track = self.track_at(self._pointer)
        if track is None:
            QToolTip.hideText()
            return
        words = fill(self.tr("%1. %2"), verdict_words(track.decision), reason_words(track.decision))
        point = self.mapToGlobal(self._pointer.toPoint())
        QToolTip.showText(point, words, self, self.box_of(track).toRect())
