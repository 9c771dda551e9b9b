"""The window: the rail at the left, the page at the right, messages at the foot."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QByteArray, QSettings, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from facerec.errors import FacerecError
from facerec.paths import data_dir
from facerec.services.known_error import known_error
from gui import theme
from gui.context import Context, LoadState, Message
from gui.i18n.catalogue import Languages
from gui.navigation import Rail
from gui.pages import PAGES, PageEntry
from gui.pages.page import Page
from gui.widgets.banner import ErrorBanner
from gui.widgets.bug_dialog import BugDialog
from gui.widgets.toast import Toast

SMALLEST_PX = (980, 640)
USUAL_PX = (1280, 800)
# How often a closing window looks whether the last job has ended.
_CLOSING_MS = 30


class MainWindow(QMainWindow):
    """The window of the program.

    Attributes:
        context: what the pages share.
        current_id: id of the page that is shown.
    """

    def __init__(
        self, context: Context, languages: Languages, entries: Sequence[PageEntry] = PAGES
    ) -> None:
        super().__init__()
        self.context = context
        self.current_id = ""
        self._languages = languages
        self._entries = {entry.id: entry for entry in entries}
        context.page_ids = frozenset(self._entries)
        self._pages: dict[str, Page] = {}
        self._bug_dialog: BugDialog | None = None
        self._is_over = False
        self.setWindowTitle("facerec")
        self.setMinimumSize(*SMALLEST_PX)
        self._closing = QTimer(self)
        self._closing.setInterval(_CLOSING_MS)
        self._closing.timeout.connect(self._try_to_close)
        self._build()
        self._connect()
        self._restore_geometry()

    def open_page(self, page_id: str, what: object = None) -> None:
        """Bring a page to the front, making it when it was not open yet."""
        if page_id not in self._entries:
            return
        if page_id != self.current_id:
            if self.current_id:
                self._pages[self.current_id].left()
            page = self.page(page_id)
            self.current_id = page_id
            self._stack.setCurrentWidget(page)
            self._rail.mark(page_id)
            page.shown()
        if what is not None:
            self.page(page_id).show_item(what)

    def page(self, page_id: str) -> Page:
        """Return a page, making it when it was not open yet."""
        if page_id not in self._pages:
            page = self._entries[page_id].load()(self.context)
            self._pages[page_id] = page
            self._stack.addWidget(page)
        return self._pages[page_id]

    def rebuild(self) -> None:
        """Make everything anew, for another language; the same page is open afterwards."""
        page_id, self.current_id = self.current_id, ""
        for page in self._pages.values():
            page.abandon()
        self._pages.clear()
        # Qt deletes the old one with all that is in it.
        self._build()
        self.open_page(page_id)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802  (Qt's name)
        """Stop all work first; the window closes once the last job has ended."""
        if self._is_over:
            event.accept()
            return
        event.ignore()
        if not all(question() for question in self.context.closing_questions):
            return
        if not self._closing.isActive():
            self._save_geometry()
            for page in self._pages.values():
                page.abandon()
            self.context.shut_down()
            self._stack.setEnabled(False)
            self._rail.setEnabled(False)
            self._toast.show_message(self.tr("Finishing…"))
            self._closing.start()

    def _build(self) -> None:
        centre = QWidget()
        area = QWidget()
        area.setObjectName("pageArea")
        self._banner = ErrorBanner(area)
        self._stack = QStackedWidget()
        column = QVBoxLayout(area)
        column.setContentsMargins(0, 0, 0, 0)
        banner_row = QHBoxLayout()
        banner_row.setContentsMargins(
            theme.SIZES.space_xxl, theme.SIZES.space_l, theme.SIZES.space_xxl, 0
        )
        banner_row.addWidget(self._banner)
        column.addLayout(banner_row)
        column.addWidget(self._stack, 1)
        self._rail = Rail(self.context, [e for e in self._entries.values() if not e.hidden])
        self._rail.chosen.connect(self.open_page)
        row = QHBoxLayout(centre)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._rail)
        row.addWidget(area, 1)
        self.setCentralWidget(centre)
        self._toast = Toast(area)

    def _connect(self) -> None:
        context = self.context
        context.page_wanted.connect(self.open_page)
        context.said.connect(self._say)
        context.broke.connect(self.show_bug)
        context.settings_changed.connect(self._settings_changed)
        context.gallery_state_changed.connect(self._show_failure)
        context.models_state_changed.connect(self._show_failure)
        hints = QApplication.styleHints()
        hints.colorSchemeChanged.connect(self._apply_theme)

    def _say(self, message: Message) -> None:
        self._toast.show_message(message.text, message.action_label, message.action)

    def open_first_page(self) -> None:
        """Open the page a start begins with: the welcome once, then the first of the rail."""
        shown = [entry.id for entry in self._entries.values() if not entry.hidden]
        is_first = window_state().value("welcomed") is None
        self.open_page("welcome" if is_first and "welcome" in self._entries else shown[0])
        window_state().setValue("welcomed", 1)

    def show_error(self, error: FacerecError) -> None:
        """Show a known error above whatever page is open."""
        self._banner.show_error(error)

    def show_bug(self, error: BaseException) -> None:
        """Show the dialog for a bug; while one is open, further ones are not shown."""
        if self._bug_dialog is None:
            self._bug_dialog = BugDialog(error, self)
            self._bug_dialog.finished.connect(self._forget_dialog)
            self._bug_dialog.open()

    def _forget_dialog(self) -> None:
        if self._bug_dialog is not None:
            self._bug_dialog.deleteLater()
            self._bug_dialog = None

    def _show_failure(self) -> None:
        """Show why the gallery or the networks could not be opened."""
        for slot in (self.context.gallery_slot, self.context.pipeline_slot):
            if slot.state is LoadState.FAILED and slot.error is not None:
                known = known_error(slot.error)
                if known is None:
                    self.show_bug(slot.error)
                else:
                    self._banner.show_error(known)
                return
        self._banner.hide()

    def _settings_changed(self, keys: frozenset[str]) -> None:
        if "window.language" in keys:
            self._languages.use(self.context.settings.window.language)
            # Not at once: the widget that asked for it is among those that go.
            QTimer.singleShot(0, self.rebuild)
        if keys & {"window.language", "window.theme"}:
            self._apply_theme()

    def _apply_theme(self) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)  # noqa: S101  (there is no window without one)
        choice = theme.ThemeChoice(self.context.settings.window.theme)
        theme.apply_theme(app, choice, language=self._languages.language)

    def _try_to_close(self) -> None:
        if self.context.runners.wait(0):
            self._closing.stop()
            self._is_over = True
            self.close()

    def _restore_geometry(self) -> None:
        stored = window_state().value("geometry")
        if not (isinstance(stored, QByteArray) and self.restoreGeometry(stored)):
            self.resize(*USUAL_PX)

    def _save_geometry(self) -> None:
        window_state().setValue("geometry", self.saveGeometry())


def window_state() -> QSettings:
    """Return where size and place of the window are kept; everything else is in the settings."""
    return QSettings(str(data_dir() / "window.ini"), QSettings.Format.IniFormat)
