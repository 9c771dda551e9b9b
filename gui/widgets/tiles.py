"""Faces as tiles: a grid view and the delegate that draws picture, name and a line below."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from gui import theme
from gui.item_models.people import Role
from gui.widgets.item_drawing import draw_ground, draw_line
from gui.widgets.thumbnail import draw_rounded

_PAD_PX = 8
_LINE_PX = 19
_BAR_PX = 3
# Of pictures that are kept and not compared.
_ASIDE_OPACITY = 0.35
# Qt keeps the width of a scroll bar free even where one is shown, and wraps at the last pixels.
_SLACK_PX = 6
# Tiles that are laid out at a stretch: some ten milliseconds of work, far more than a screen full.
BATCH = 2_000


class TileDelegate(QStyledItemDelegate):
    """Draws one tile; in the order picture, name, subtitle, and a bar for the quality."""

    def __init__(self, picture_px: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture_px = picture_px
        self._size = self.tile_size()

    def sizeHint(  # noqa: N802  (Qt's name)
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Every tile has the same size, so that views need not ask each one."""
        del option, index
        return self._size

    def stretch(self, width_px: int) -> None:
        """Make the tiles as wide as their cells."""
        self._size.setWidth(width_px)

    def tile_size(self) -> QSize:
        """Return the size of a tile."""
        side = self._picture_px + 2 * _PAD_PX
        return QSize(side, side + 2 * _LINE_PX)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw a tile."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(option.rect).adjusted(2, 2, -2, -2)
        draw_ground(painter, option, box, is_framed=True)
        picture = QRectF(
            box.center().x() - self._picture_px / 2, box.y() + _PAD_PX - 2,
            self._picture_px, self._picture_px,
        )  # fmt: skip
        pixmap = index.data(Qt.ItemDataRole.DecorationRole)
        shown = pixmap if isinstance(pixmap, QPixmap) else None
        painter.setOpacity(_ASIDE_OPACITY if index.data(Role.IS_ASIDE) else 1.0)
        draw_rounded(painter, picture, shown, theme.SIZES.radius_m)
        painter.setOpacity(1.0)
        self._draw_words(painter, index, picture, box)
        painter.restore()

    def _draw_words(
        self,
        painter: QPainter,
        index: QModelIndex | QPersistentModelIndex,
        picture: QRectF,
        box: QRectF,
    ) -> None:
        font = painter.font()
        line = QRectF(box.x() + 3, picture.bottom() + 4, box.width() - 6, _LINE_PX)
        name = str(index.data(Qt.ItemDataRole.DisplayRole) or "")
        painter.setPen(theme.colour("text"))
        draw_line(painter, line, name, Qt.AlignmentFlag.AlignCenter)
        font.setPixelSize(theme.SIZES.text_s)
        painter.setFont(font)
        painter.setPen(theme.colour("muted"))
        below = line.translated(0, _LINE_PX - 2)
        draw_line(painter, below, str(index.data(Role.SUBTITLE)), Qt.AlignmentFlag.AlignCenter)
        quality = index.data(Role.QUALITY)
        if isinstance(quality, float):
            self._draw_bar(painter, picture, quality)

    def _draw_bar(self, painter: QPainter, picture: QRectF, quality: float) -> None:
        bar = QRectF(picture.x() + 6, picture.bottom() - 9, picture.width() - 12, _BAR_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("surface"))
        painter.drawRoundedRect(bar.adjusted(-1, -1, 1, 1), 2, 2)
        # 0.5 is where quality checks begin to find issues.
        painter.setBrush(theme.colour("good" if quality >= 0.5 else "warn"))
        bar.setWidth(max(_BAR_PX, bar.width() * quality))
        painter.drawRoundedRect(bar, 1.5, 1.5)


class TileView(QListView):
    """A grid of tiles that fills its width."""

    def __init__(self, picture_px: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._delegate = TileDelegate(picture_px, self)
        self.setItemDelegate(self._delegate)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(BATCH)
        self.setGridSize(self._delegate.tile_size() + QSize(4, 6))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.verticalScrollBar().setSingleStep(40)
        self.viewport().setAutoFillBackground(False)
        self.setMouseTracking(True)

    def scrollTo(  # noqa: N802  (Qt's name)
        self,
        index: QModelIndex | QPersistentModelIndex,
        hint: QListView.ScrollHint = QListView.ScrollHint.EnsureVisible,
    ) -> None:
        """Show a tile; those that wait for their batch are laid out first."""
        if index.row() >= BATCH and not self.visualRect(index).isValid():
            self.setLayoutMode(QListView.LayoutMode.SinglePass)
            self.doItemsLayout()
            self.setLayoutMode(QListView.LayoutMode.Batched)
        super().scrollTo(index, hint)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (Qt's name)
        """Share the width among the cells, so that no gap is left at the right."""
        smallest = self._delegate.tile_size() + QSize(4, 6)
        wide = self.viewport().width() - self.verticalScrollBar().sizeHint().width() - _SLACK_PX
        cell = wide // max(1, wide // smallest.width())
        if cell != self.gridSize().width():
            self._delegate.stretch(cell - 4)
            self.setGridSize(QSize(cell, smallest.height()))
        super().resizeEvent(event)
