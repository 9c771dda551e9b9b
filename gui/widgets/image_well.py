"""A place for one Image: opened from a file, dropped, or pasted; it tells where it came from."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QImage,
    QImageWriter,
)
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from gui.theme import SIZES
from gui.widgets.empty_state import EmptyState
from gui.widgets.face_view import FaceView
from gui.widgets.text import button, label, restyle

IMAGE_ENDINGS = "*.jpg *.jpeg *.png *.webp *.tif *.tiff *.bmp *.gif *.heic *.heif *.avif *.jp2"


def image_source(data: QMimeData) -> str | bytes | None:
    """Return what dragged or copied data has for an Image: a path, PNG bytes, or nothing."""
    files = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
    if files:
        return files[0]
    if data.hasImage():
        image = data.imageData()
        return _png(image) if isinstance(image, QImage) and not image.isNull() else None
    return None


def _png(image: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"PNG")).write(image)
    return bytes(buffer.data().data())


class ImageWell(QFrame):
    """A framed place for one Image, with the ways to put one in.

    Attributes:
        view: shows the Image with its Faces.

    Signals:
        offered: a path or encoded bytes to be read.
        cleared: the Image was taken out.
    """

    offered = Signal(object)
    cleared = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("drop", True)
        self.setAcceptDrops(True)
        self.setAccessibleName(name)
        self.view = FaceView()
        self._caption = label("", "muted", wrap=True)
        self._empty = EmptyState(
            "image",
            name,
            self.tr("Drop a picture here, or choose one."),
            ((self.tr("Choose file…"), self.choose_file), (self.tr("Paste"), self.paste)),
        )
        filled = QWidget()
        column = QVBoxLayout(filled)
        column.setContentsMargins(SIZES.space_s, SIZES.space_s, SIZES.space_s, SIZES.space_xs)
        column.setSpacing(SIZES.space_xs)
        column.addWidget(self.view, 1)
        row = QHBoxLayout()
        row.addWidget(self._caption, 1)
        row.addWidget(button(self.tr("Change…"), self.choose_file, kind="quiet"))
        row.addWidget(button(self.tr("Remove"), self.clear, kind="quiet"))
        column.addLayout(row)
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(1, 1, 1, 1)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(filled)

    @property
    def is_empty(self) -> bool:
        """Whether no Image is shown."""
        return self._stack.currentIndex() == 0

    def show_filled(self, caption: str) -> None:
        """Show the view instead of the invitation, with a line below."""
        self._caption.setText(caption)
        self._stack.setCurrentIndex(1)
        self._look("filled", on=True)

    def clear(self) -> None:
        """Take the Image out."""
        self.view.clear()
        self._stack.setCurrentIndex(0)
        self._look("filled", on=False)
        self.cleared.emit()

    def choose_file(self) -> None:
        """Ask for a file."""
        kinds = self.tr("Pictures") + f" ({IMAGE_ENDINGS});;" + self.tr("All files") + " (*)"
        path, _ = QFileDialog.getOpenFileName(self, self.tr("Choose a picture"), "", kinds)
        if path:
            self.offered.emit(path)

    def paste(self) -> bool:
        """Take the Image on the clipboard; tell whether there was one."""
        source = image_source(QGuiApplication.clipboard().mimeData())
        if source is not None:
            self.offered.emit(source)
        return source is not None

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802  (Qt's name)
        """Show that what is dragged may be dropped here."""
        if event.mimeData().hasUrls() or event.mimeData().hasImage():
            event.acceptProposedAction()
            self._look("active", on=True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802  (Qt's name)
        """Look as before."""
        del event
        self._look("active", on=False)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802  (Qt's name)
        """Take what was dropped."""
        self._look("active", on=False)
        source = image_source(event.mimeData())
        if source is not None:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.offered.emit(source)

    def _look(self, name: str, *, on: bool) -> None:
        self.setProperty(name, on)
        restyle(self)


def source_name(source: str | bytes) -> str:
    """Return what a source is called: the file's own name; empty for what was pasted."""
    return Path(source).name if isinstance(source, str) else ""
