"""A field for a person's name that completes the names of people who are enrolled."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QStringListModel, Qt
from PySide6.QtWidgets import QCompleter, QLineEdit, QWidget


class NameField(QLineEdit):
    """Completes while one types; a name that is new is fine too."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText(self.tr("Name"))
        self.setAccessibleName(self.tr("Name"))
        self._names = QStringListModel(self)
        completer = QCompleter(self._names, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self.setCompleter(completer)

    def set_names(self, names: Sequence[str]) -> None:
        """Complete these names."""
        if self._names.stringList() != list(names):
            self._names.setStringList(list(names))

    @property
    def name(self) -> str:
        """What was typed, without blanks around it."""
        return self.text().strip()

    def is_new(self) -> bool:
        """Whether nobody who is enrolled has that name."""
        typed = self.name.casefold()
        return typed not in (name.casefold() for name in self._names.stringList())
