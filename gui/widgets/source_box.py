"""A box to choose what is watched, with a file or a stream's address asked for where needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QInputDialog, QWidget

from gui.workers.sources import SourceChoice, SourceKind

VIDEO_ENDINGS = "*.mp4 *.mov *.mkv *.avi *.webm *.m4v *.mpg *.mpeg *.wmv"


class SourceBox(QComboBox):
    """Cameras first, then the sample video, a file, a stream.

    Signals:
        source_changed: another source is chosen.
    """

    source_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Source"))
        self.setMinimumContentsLength(16)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._cameras: list[SourceChoice] = []
        self._added: list[SourceChoice] = []
        self._current = SourceChoice(SourceKind.SAMPLE)
        self._was_chosen = False
        self._fill()
        self.activated.connect(self._activated)

    @property
    def choice(self) -> SourceChoice:
        """The source chosen."""
        return self._current

    def set_cameras(self, cameras: Sequence[SourceChoice]) -> None:
        """Offer these cameras; the first one is chosen unless somebody chose already."""
        self._cameras = list(cameras)
        if self._cameras and not self._was_chosen:
            self._current = self._cameras[0]
        self._fill()

    def choose(self, choice: SourceChoice) -> None:
        """Choose a source, adding it when it is new."""
        self._was_chosen = True
        known = [*self._cameras, SourceChoice(SourceKind.SAMPLE), *self._added]
        if choice not in known:
            self._added = [*self._added[-3:], choice]
        is_other, self._current = choice != self._current, choice
        self._fill()
        if is_other:
            self.source_changed.emit()

    def name_of(self, choice: SourceChoice) -> str:
        """Return what a source is called."""
        if choice.kind is SourceKind.SAMPLE:
            return self.tr("Sample video")
        return choice.name or self.tr("Camera %1").replace("%1", choice.value)

    def _fill(self) -> None:
        self.clear()
        for choice in [*self._cameras, SourceChoice(SourceKind.SAMPLE), *self._added]:
            self.addItem(self.name_of(choice), choice)
        self.insertSeparator(self.count())
        self.addItem(self.tr("Camera number…"), SourceKind.CAMERA)
        self.addItem(self.tr("Video file…"), SourceKind.FILE)
        self.addItem(self.tr("Stream address…"), SourceKind.STREAM)
        self._mark_current()

    def _mark_current(self) -> None:
        for row in range(self.count()):
            if self.itemData(row, Qt.ItemDataRole.UserRole) == self._current:
                self.setCurrentIndex(row)

    def _activated(self, row: int) -> None:
        data = self.itemData(row, Qt.ItemDataRole.UserRole)
        asked = {
            SourceKind.CAMERA: self._ask_number,
            SourceKind.FILE: self._ask_file,
            SourceKind.STREAM: self._ask_address,
        }
        choice = data if isinstance(data, SourceChoice) else asked[SourceKind(data)]()
        if choice is None:
            self._mark_current()
        else:
            self.choose(choice)

    def _ask_number(self) -> SourceChoice | None:
        title = self.tr("Camera number")
        number, is_given = QInputDialog.getInt(
            self, title, self.tr("0 is the first one:"), 0, 0, 99
        )
        return SourceChoice(SourceKind.CAMERA, str(number)) if is_given else None

    def _ask_file(self) -> SourceChoice | None:
        kinds = self.tr("Videos") + f" ({VIDEO_ENDINGS});;" + self.tr("All files") + " (*)"
        path, _ = QFileDialog.getOpenFileName(self, self.tr("Choose a video"), "", kinds)
        return SourceChoice(SourceKind.FILE, path, Path(path).name) if path else None

    def _ask_address(self) -> SourceChoice | None:
        title = self.tr("Stream address")
        text, is_given = QInputDialog.getText(
            self, title, self.tr("Address, for example rtsp://camera.local/live:")
        )
        address = text.strip()
        if not is_given or not address:
            return None
        # Addresses may hold a password; only the host is shown.
        host = address.partition("://")[2].partition("/")[0].rpartition("@")[2]
        return SourceChoice(SourceKind.STREAM, address, host or address)
