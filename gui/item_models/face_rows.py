"""Rows with a face, a line of text, a smaller one and a word at the right."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QPixmap

Index = QModelIndex | QPersistentModelIndex


class RowRole(IntEnum):
    """What a row shows beside text and picture."""

    SUBTITLE = Qt.ItemDataRole.UserRole + 1
    SIDE = Qt.ItemDataRole.UserRole + 2
    TONE = Qt.ItemDataRole.UserRole + 3
    ITEM = Qt.ItemDataRole.UserRole + 4
    MUTED = Qt.ItemDataRole.UserRole + 5


@dataclass(frozen=True, slots=True)
class FaceRow:
    """One row.

    Attributes:
        key: what it is about; the same key keeps its place in the selection.
        text: first line.
        subtitle: second line; empty for none.
        side: a short word at the right, for example a time.
        tone: name of the colour of the picture's border; empty for none.
        pixmap: the face; None for an outline.
        item: whatever the row stands for.
        is_muted: whether the row counts no longer.
    """

    key: Hashable
    text: str
    subtitle: str = ""
    side: str = ""
    tone: str = ""
    pixmap: QPixmap | None = None
    item: object = None
    is_muted: bool = False


class FaceRowsModel(QAbstractListModel):
    """Rows as they are set; what has not changed is not drawn again."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[FaceRow] = []

    @property
    def rows(self) -> Sequence[FaceRow]:
        """All rows."""
        return self._rows

    def set_rows(self, rows: Sequence[FaceRow]) -> None:
        """Show others; rows with the same keys in the same order keep their selection."""
        if [row.key for row in rows] != [row.key for row in self._rows]:
            self.beginResetModel()
            self._rows = list(rows)
            self.endResetModel()
            return
        for number, row in enumerate(rows):
            if row != self._rows[number]:
                self._rows[number] = row
                index = self.index(number)
                self.dataChanged.emit(index, index)

    def prepend(self, row: FaceRow, limit: int) -> None:
        """Put a row first, and drop the last ones beyond a limit."""
        if len(self._rows) >= limit:
            self.beginRemoveRows(QModelIndex(), limit - 1, len(self._rows) - 1)
            del self._rows[limit - 1 :]
            self.endRemoveRows()
        self.beginInsertRows(QModelIndex(), 0, 0)
        self._rows.insert(0, row)
        self.endInsertRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008  (Qt's own)
        """How many there are."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what a view asks for."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        values: dict[int, object] = {
            Qt.ItemDataRole.DisplayRole: row.text,
            Qt.ItemDataRole.ToolTipRole: f"{row.text}\n{row.subtitle}".strip(),
            Qt.ItemDataRole.AccessibleTextRole: f"{row.text} {row.subtitle} {row.side}".strip(),
            Qt.ItemDataRole.DecorationRole: row.pixmap,
            RowRole.SUBTITLE: row.subtitle,
            RowRole.SIDE: row.side,
            RowRole.TONE: row.tone,
            RowRole.ITEM: row.item,
            RowRole.MUTED: row.is_muted,
        }
        return values.get(role)
