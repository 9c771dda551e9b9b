"""The people of the gallery as a list that can be searched."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from facerec.gallery.people import Person
from gui.item_models.pictures import PictureStore

Index = QModelIndex | QPersistentModelIndex


class Role(IntEnum):
    """What a tile shows beside name and picture; the same for people and Templates."""

    SUBTITLE = Qt.ItemDataRole.UserRole + 1
    QUALITY = Qt.ItemDataRole.UserRole + 2
    ITEM = Qt.ItemDataRole.UserRole + 3
    IS_ASIDE = Qt.ItemDataRole.UserRole + 4


def search_key(text: str) -> str:
    """Return what names are searched by: without case and accents, so that "jose" finds "José"."""
    if text.isascii():
        return text.casefold()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))


class PeopleModel(QAbstractListModel):
    """People by name, those whose name has every word of the search.

    Attributes:
        pictures: their portraits.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.pictures = PictureStore(self)
        self.pictures.arrived.connect(self._repaint)
        self._people: list[tuple[str, Person]] = []
        self._shown: list[Person] = []
        self._rows: dict[int, int] = {}
        self._words: list[str] = []

    def set_people(self, people: Sequence[Person]) -> None:
        """Show others; portraits are loaded again, since Templates may have changed."""
        self._people = [(search_key(person.name), person) for person in people]
        self.pictures.clear()
        self._filter()

    def search(self, text: str) -> None:
        """Show those whose names have all words of a text."""
        words = search_key(text).split()
        if words != self._words:
            self._words = words
            self._filter()

    @property
    def n_people(self) -> int:
        """How many there are, shown or not."""
        return len(self._people)

    def everybody(self) -> list[Person]:
        """Return all people, shown or not."""
        return [person for _, person in self._people]

    def person(self, index: Index) -> Person:
        """Return the Person of a row."""
        return self._shown[index.row()]

    def index_of(self, person_id: int) -> QModelIndex:
        """Return where a Person is shown; an invalid index when they are not."""
        row = self._rows.get(person_id)
        return QModelIndex() if row is None else self.index(row)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008  (Qt's own)
        """How many are shown."""
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what a view asks for."""
        if not index.isValid():
            return None
        person = self._shown[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return person.name
        if role == Role.SUBTITLE:
            return self.tr("%n picture(s)", "", person.n_templates)
        if role == Qt.ItemDataRole.DecorationRole:
            return self.pictures.get(person.id)
        return person if role == Role.ITEM else None

    def _filter(self) -> None:
        self.beginResetModel()
        words = self._words
        self._shown = [person for key, person in self._people if all(word in key for word in words)]
        self._rows = {person.id: row for row, person in enumerate(self._shown)}
        self.endResetModel()

    def _repaint(self, person_ids: list[int]) -> None:
        for person_id in person_ids:
            index = self.index_of(person_id)
            if index.isValid():
                self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])
