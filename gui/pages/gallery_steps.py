"""Undo, redo and the history of steps on the gallery page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence

from facerec.gallery.steps import Step
from facerec.services import steps
from facerec.services.gallery import OpenGallery
from gui.i18n.fill import fill
from gui.i18n.steps import step_within, step_words
from gui.widgets.history_panel import HistoryPanel
from gui.widgets.steps_bar import StepsBar

if TYPE_CHECKING:
    from gui.pages.gallery import GalleryPage

# Steps that are listed; older ones can be undone from the command line.
N_LISTED = 200


class GallerySteps(QObject):
    """The steps of the gallery as the page shows them.

    Attributes:
        undo_action, redo_action, history_action: with their keys.
        bar: their buttons.
        panel: the history.
    """

    def __init__(self, page: GalleryPage) -> None:
        super().__init__(page)
        self._page = page
        self.undo_action = self._action(self.tr("Undo"), QKeySequence("Ctrl+Z"), self.undo)
        self.redo_action = self._action(self.tr("Redo"), QKeySequence("Ctrl+Shift+Z"), self.redo)
        self.history_action = self._action(self.tr("History"), QKeySequence("Ctrl+H"), None)
        self.history_action.setCheckable(True)
        self.bar = StepsBar(self.undo_action, self.redo_action, self.history_action)
        self.panel = HistoryPanel()
        self.panel.hide()
        self.panel.undo_wanted.connect(self.undo)
        self.panel.closed.connect(lambda: self.history_action.setChecked(False))
        self._show([])

    def read(self) -> None:
        """Read the steps again."""
        self._do(lambda gallery: steps.history(gallery, limit=N_LISTED), self._show)

    def undo(self, step_id: int | None = None) -> None:
        """Undo a step; the last one when none is named."""
        text, again = self.tr("Undone: %1"), (self.tr("Redo"), self.redo)
        self._do(lambda gallery: steps.undo(gallery, step_id), lambda s: self._tell(text, s, again))

    def redo(self) -> None:
        """Do again what was undone last."""
        text, back = self.tr("Done again: %1"), (self.tr("Undo"), self.undo)
        self._do(steps.redo, lambda step: self._tell(text, step, back))

    def _tell(self, text: str, step: Step, offered: tuple[str, Callable[[], None]]) -> None:
        self._page.context.gallery_was_changed()
        self._page.context.say(fill(text, step_within(step_words(step))), *offered)

    def _show(self, found: list[Step]) -> None:
        self.bar.show_steps(found)
        self.panel.show_steps(found)

    def _do(self, work: Callable[[OpenGallery], object], done: Callable[..., None]) -> None:
        page = self._page
        page.banner.hide()
        page.run(page.context.runners.disk, lambda task: work(page.context.gallery()), done)

    def _action(self, text: str, key: QKeySequence, run: Callable[[], None] | None) -> QAction:
        action = QAction(text, self._page)
        action.setShortcut(key)
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        if run is not None:
            action.triggered.connect(lambda: run())
        self._page.addAction(action)
        return action
