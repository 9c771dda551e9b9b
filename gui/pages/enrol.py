"""Enrol: add people from a picture, at a camera, or many from a folder."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QTabWidget, QWidget

from facerec.services.people import list_people
from gui.context import Context, LoadState
from gui.pages.enrol_camera import CameraTab
from gui.pages.enrol_folder import FolderTab
from gui.pages.enrol_picture import PictureTab
from gui.pages.page import Page


class EnrolPage(Page):
    """Three ways to add people, one a tab.

    Attributes:
        tabs: picture, camera, folder.
    """

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.add_header(
            self.tr("Enrol"),
            self.tr("Add people, so that they are recognised. One good picture is enough."),
        )
        self.picture = PictureTab(self)
        self.camera = CameraTab(self)
        self.folder = FolderTab(self)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.addTab(self.picture, self.tr("From a picture"))
        self.tabs.addTab(self.camera, self.tr("At the camera"))
        self.tabs.addTab(self.folder, self.tr("From a folder"))
        self.body.addWidget(self.tabs, 1)
        self.tabs.currentChanged.connect(self._tab_changed)
        QShortcut(QKeySequence.StandardKey.Paste, self, self._paste)
        QShortcut(QKeySequence.StandardKey.Open, self, self._choose)
        context.gallery_changed.connect(self._read_names)
        context.gallery_state_changed.connect(self._read_names)

    def shown(self) -> None:
        """Read the names that are completed, and which cameras there are."""
        self._read_names()
        self.camera.shown()

    def left(self) -> None:
        """Let go of the camera."""
        self.camera.stop()

    def show_item(self, what: object) -> None:
        """Take a picture (a path) or a folder from another page."""
        if isinstance(what, str | Path):
            path = Path(what)
            if path.is_dir():
                self.tabs.setCurrentWidget(self.folder)
                self.folder.import_folder(path)
            else:
                self.tabs.setCurrentWidget(self.picture)
                self.picture.open_image(str(path))

    def _tab_changed(self) -> None:
        if self.tabs.currentWidget() is not self.camera:
            self.camera.stop()

    def _paste(self) -> None:
        self.tabs.setCurrentWidget(self.picture)
        self.picture.paste()

    def _choose(self) -> None:
        if self.tabs.currentWidget() is self.folder:
            self.folder.choose()
        else:
            self.tabs.setCurrentWidget(self.picture)
            self.picture.well.choose_file()

    def _read_names(self) -> None:
        context = self.context
        if context.gallery_slot.state is not LoadState.READY:
            return

        def show(names: list[str]) -> None:
            self.picture.form.field.set_names(names)
            self.camera.form.field.set_names(names)

        self.run(
            context.runners.disk,
            lambda task: [person.name for person in list_people(context.gallery())],
            show,
        )
