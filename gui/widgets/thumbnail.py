"""A Crop as a small rounded picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.icons import icon_pixmap


def qimage_from_rgb(image: NDArray[np.uint8]) -> QImage:
    """Return an Image or Crop (H, W, 3) uint8 as a QImage with pixels of its own."""
    height, width = image.shape[:2]
    rows = np.ascontiguousarray(image)
    return QImage(rows.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def draw_rounded(painter: QPainter, box: QRectF, pixmap: QPixmap | None, radius: float) -> None:
    """Draw a picture into a box with round corners; a person's outline when there is none."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    path = QPainterPath()
    path.addRoundedRect(box, radius, radius)
    painter.setClipPath(path)
    painter.fillRect(box, theme.colour("raised"))
    if pixmap is not None and not pixmap.isNull():
        painter.drawPixmap(box, pixmap, QRectF(pixmap.rect()))
    else:
        side = min(box.width(), box.height()) * 0.5
        mark = icon_pixmap("person", theme.current().muted, max(8, round(side)))
        painter.drawPixmap(
            QRectF(box.center().x() - side / 2, box.center().y() - side / 2, side, side),
            mark,
            QRectF(mark.rect()),
        )
    painter.restore()


class FaceThumbnail(QWidget):
    """Shows a Crop; an outline while there is none."""

    def __init__(self, side_px: int = 96, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._side_px = side_px
        self._pixmap: QPixmap | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_crop(self, crop: NDArray[np.uint8] | None) -> None:
        """Show a Crop (S, S, 3) uint8, or none."""
        self.show_image(None if crop is None else qimage_from_rgb(crop))

    def show_image(self, image: QImage | None) -> None:
        """Show a picture, or none."""
        self._pixmap = None if image is None else QPixmap.fromImage(image)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """Side by side."""
        return QSize(self._side_px, self._side_px)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Draw the picture and a thin border."""
        del event
        painter = QPainter(self)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        draw_rounded(painter, box, self._pixmap, theme.SIZES.radius_m)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.drawRoundedRect(box, theme.SIZES.radius_m, theme.SIZES.radius_m)
