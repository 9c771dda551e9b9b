"""A list of faces: the view and the delegate that draws picture, two lines and a word aside."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from facerec.types import Crop
from gui import theme
from gui.item_models.face_rows import FaceRowsModel, RowRole
from gui.widgets.item_drawing import draw_ground, draw_line
from gui.widgets.thumbnail import draw_rounded, qimage_from_rgb

ROW_PX = 52
_PICTURE_PX = 38
_PAD_PX = 7


class FaceRowDelegate(QStyledItemDelegate):
    """Draws one row, with or without a picture."""

    def __init__(self, parent: QWidget, *, pictures: bool) -> None:
        super().__init__(parent)
        self._has_pictures = pictures

    def sizeHint(  # noqa: N802  (Qt's name)
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Every row is as high."""
        del option, index
        return QSize(160, ROW_PX)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw the ground, the face with its border, and the words."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(option.rect).adjusted(1, 1, -1, -1)
        draw_ground(painter, option, box)
        left = box.x() + _PAD_PX
        if self._has_pictures:
            left = self._draw_picture(painter, index, box) + 10
        self._draw_words(painter, index, box, left)
        painter.restore()

    def _draw_picture(
        self, painter: QPainter, index: QModelIndex | QPersistentModelIndex, box: QRectF
    ) -> float:
        """Draw the face with its border; return where it ends."""
        picture = QRectF(box.x() + _PAD_PX, box.center().y() - _PICTURE_PX / 2, *[_PICTURE_PX] * 2)
        pixmap = index.data(Qt.ItemDataRole.DecorationRole)
        shown = pixmap if isinstance(pixmap, QPixmap) else None
        draw_rounded(painter, picture, shown, theme.SIZES.radius_s)
        tone = str(index.data(RowRole.TONE) or "")
        if tone:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour(tone), 2))
            painter.drawRoundedRect(picture, theme.SIZES.radius_s, theme.SIZES.radius_s)
        return picture.right()

    def _draw_words(
        self,
        painter: QPainter,
        index: QModelIndex | QPersistentModelIndex,
        box: QRectF,
        left: float,
    ) -> None:
        font = painter.font()
        small = painter.font()
        small.setPixelSize(theme.SIZES.text_s)
        side = str(index.data(RowRole.SIDE) or "")
        side_px = QFontMetricsF(small).horizontalAdvance(side)
        right = box.right() - _PAD_PX
        subtitle = str(index.data(RowRole.SUBTITLE) or "")
        middle = box.center().y()
        first = QRectF(left, middle - (19 if subtitle else 10), right - left - side_px - 6, 20)
        painter.setPen(theme.colour("muted" if index.data(RowRole.MUTED) else "text"))
        draw_line(painter, first, str(index.data(Qt.ItemDataRole.DisplayRole) or ""))
        painter.setFont(small)
        painter.setPen(theme.colour("muted"))
        aside = QRectF(right - side_px, first.y(), side_px + 1, 20)
        painter.drawText(aside, Qt.AlignmentFlag.AlignVCenter, side)
        if subtitle:
            draw_line(painter, QRectF(left, middle, right - left, 19), subtitle)
        painter.setFont(font)


class FaceList(QListView):
    """A list of face rows.

    Attributes:
        rows: its model.
    """

    def __init__(self, name: str, *, selectable: bool = False, pictures: bool = True) -> None:
        super().__init__()
        self.rows = FaceRowsModel(self)
        self.setModel(self.rows)
        self.setItemDelegate(FaceRowDelegate(self, pictures=pictures))
        self.setAccessibleName(name)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSpacing(0)
        mode = QAbstractItemView.SelectionMode
        self.setSelectionMode(mode.SingleSelection if selectable else mode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if selectable else Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)

    def chosen(self) -> object:
        """Return what the chosen row stands for; None when none is."""
        indexes = self.selectionModel().selectedIndexes()
        return indexes[0].data(RowRole.ITEM) if indexes else None

    def fit_height(self, most_rows: int) -> None:
        """Be as high as the rows need, up to a number of them."""
        n_rows = min(max(self.rows.rowCount(), 1), most_rows)
        self.setFixedHeight(n_rows * ROW_PX + 6)


def small_pixmap(crop: Crop | None, side_px: int = 76) -> QPixmap | None:
    """Return a Crop (S, S, 3) uint8 as a small picture for lists."""
    if crop is None:
        return None
    image = qimage_from_rgb(crop).scaled(
        side_px, side_px,
        Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation,
    )  # fmt: skip
    return QPixmap.fromImage(image)
