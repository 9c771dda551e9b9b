"""What became of each picture of an import, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from facerec.services.enroll import EnrollStatus, ImageOutcome, PersonOutcome
from gui import theme
from gui.i18n.enrolment import outcome_words
from gui.i18n.errors import translated_error
from gui.icons import icon

Index = QModelIndex | QPersistentModelIndex
_ICONS = {
    EnrollStatus.ADDED: ("good", "good"),
    EnrollStatus.ALREADY_THERE: ("good", "muted"),
    EnrollStatus.REFUSED: ("warn", "warn"),
}


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One picture, or a person of whom nothing could be done.

    Attributes:
        person: name of the person.
        picture: name of the file; empty when the row is about the person.
        status: what became of it.
        words: the same in words, with the reason.
    """

    person: str
    picture: str
    status: EnrollStatus
    words: str


class ImportModel(QAbstractTableModel):
    """Pictures in the order they were done; those that went well may be left out."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: list[ImportRow] = []
        self._shown: list[ImportRow] = []
        self._only_refused = False

    def clear(self) -> None:
        """Begin a new import."""
        self.beginResetModel()
        self._all.clear()
        self._shown.clear()
        self.endResetModel()

    def add(self, outcome: PersonOutcome) -> None:
        """Add what became of one person's pictures."""
        rows = _rows(outcome)
        self._all.extend(rows)
        shown = [row for row in rows if self._is_shown(row)]
        if shown:
            first = len(self._shown)
            self.beginInsertRows(QModelIndex(), first, first + len(shown) - 1)
            self._shown.extend(shown)
            self.endInsertRows()

    def show_only_refused(self, *, only: bool) -> None:
        """Leave out what went well, or not."""
        self.beginResetModel()
        self._only_refused = only
        self._shown = [row for row in self._all if self._is_shown(row)]
        self.endResetModel()

    def count(self, status: EnrollStatus) -> int:
        """Return how many pictures came to that, shown or not."""
        return sum(row.status is status for row in self._all)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008  (Qt's own)
        """How many rows are shown."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008  (Qt's own)
        """Person, picture, result."""
        return 0 if parent.isValid() else 3

    def headerData(  # noqa: N802  (Qt's name)
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> object:
        """Return the name of a column."""
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        titles = (self.tr("Person"), self.tr("Picture"), self.tr("Result"))
        return titles[section] if 0 <= section < len(titles) else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what a view asks for."""
        if not index.isValid():
            return None
        row = self._shown[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return (row.person, row.picture, row.words)[index.column()]
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 2:
            name, tone = _ICONS[row.status]
            return icon(name, getattr(theme.current(), tone), 16)
        return None

    def _is_shown(self, row: ImportRow) -> bool:
        return row.status is EnrollStatus.REFUSED or not self._only_refused


def _rows(outcome: PersonOutcome) -> Sequence[ImportRow]:
    if outcome.error is not None:
        words = " ".join(translated_error(outcome.error)).strip()
        return [ImportRow(outcome.name, "", EnrollStatus.REFUSED, words)]
    return [_row(outcome.name, image) for image in outcome.images]


def _row(person: str, image: ImageOutcome) -> ImportRow:
    return ImportRow(person, Path(image.source).name, image.status, outcome_words(image))
