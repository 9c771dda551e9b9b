"""A field for a folder or file: typed, dropped or chosen in a dialog."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from gui.theme import SIZES
from gui.widgets.text import IconButton


class PathField(QWidget):
    """A line for a path and a button that opens the system's dialog.

    Signals:
        changed: another path stands there.
    """

    changed = Signal()

    def __init__(self, name: str, *, is_file: bool = False) -> None:
        """Take what it asks for, which is read out and titles the dialog."""
        super().__init__()
        self._name, self._is_file = name, is_file
        self.line = QLineEdit()
        self.line.setAccessibleName(name)
        self.line.textChanged.connect(lambda _: self.changed.emit())
        self.setAcceptDrops(True)
        self.line.setAcceptDrops(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SIZES.space_s)
        row.addWidget(self.line, 1)
        row.addWidget(IconButton("folder", self.tr("Choose…"), self.choose))
        self.setFocusProxy(self.line)

    @property
    def path(self) -> Path | None:
        """What stands there; None when nothing does."""
        text = self.line.text().strip()
        return Path(text).expanduser() if text else None

    def show_path(self, path: Path | None) -> None:
        """Put a path there."""
        self.line.setText("" if path is None else str(path))

    def choose(self) -> None:
        """Let the user choose in a dialog."""
        start = self.line.text()
        if self._is_file:
            chosen = QFileDialog.getOpenFileName(self, self._name, start)[0]
        else:
            chosen = QFileDialog.getExistingDirectory(self, self._name, start)
        if chosen:
            self.line.setText(chosen)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802  (Qt's name)
        """Take what comes from a folder."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802  (Qt's name)
        """Put the path of what was dropped there."""
        self.line.setText(event.mimeData().urls()[0].toLocalFile())
