"""Opens the window: ``facerec-app``, ``facerec app``, ``python -m gui``."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from facerec.config import LoadedSettings, Settings, load_settings
from facerec.errors import ConfigError
from facerec.settings_table import SETTINGS
from gui import theme
from gui.context import Context
from gui.i18n.catalogue import Languages
from gui.icons import icon
from gui.main_window import MainWindow


def main(argv: Sequence[str] | None = None, *, flags: Mapping[str, object] | None = None) -> int:
    """Open the window and return when it was closed.

    Args:
        argv: arguments for Qt, for example ``-platform offscreen``; the process's own when not
            given.
        flags: settings from the command line, ``section.name`` -> value.

    Returns:
        The exit code.
    """
    app = make_application(argv)
    window = make_window(app, flags or {})
    # Ctrl+C in the terminal ends the program; Qt's loop would never let Python see it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    window.show()
    # The window is on the screen before anything is read.
    QTimer.singleShot(0, window.context.start_loading)
    return app.exec()


def make_application(argv: Sequence[str] | None = None) -> QApplication:
    """Return the one application, making it when there is none."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    app = QApplication(list(sys.argv if argv is None else ["facerec", *argv]))
    app.setApplicationName("facerec")
    app.setApplicationDisplayName("facerec")
    app.setDesktopFileName("facerec")
    app.setStyle("Fusion")
    return app


def make_window(app: QApplication, flags: Mapping[str, object]) -> MainWindow:
    """Make the window with settings, language and theme; nothing is loaded yet."""
    loaded, error = _settings_or_defaults(flags)
    languages = Languages(app)
    languages.use(loaded.settings.window.language)
    theme.apply_theme(
        app, theme.ThemeChoice(loaded.settings.window.theme), language=languages.language
    )
    app.setWindowIcon(icon("brand", theme.current().accent, 64))
    window = MainWindow(Context(loaded, flags=flags), languages)
    _catch_bugs(window)
    window.open_first_page()
    if error is not None:
        window.show_error(error)
    return window


def _settings_or_defaults(
    flags: Mapping[str, object],
) -> tuple[LoadedSettings, ConfigError | None]:
    """Read the settings; a broken file must not keep the window from opening and saying so."""
    try:
        return load_settings(flags), None
    except ConfigError as error:
        return LoadedSettings(Settings(), {row.key: "default" for row in SETTINGS}), error


def _catch_bugs(window: MainWindow) -> None:
    """Show what nobody caught, on whatever thread, instead of ending the program."""

    def show(error: BaseException, trace: TracebackType | None) -> None:
        window.context.broke.emit(error.with_traceback(trace))

    def from_gui(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        del kind
        show(error, trace)

    def from_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            show(args.exc_value, args.exc_traceback)

    sys.excepthook = from_gui
    threading.excepthook = from_thread
