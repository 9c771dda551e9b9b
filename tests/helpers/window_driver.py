"""Drives the real window: ``main()`` runs, and a generator does what a user would do.

    def day(window):
        yield lambda: window.context.pipeline_slot.value      # wait until this is true
        window.open_page("live")

    drive(day)

The generator yields conditions to wait for; at its end the window is closed. A ``broke`` signal
(the dialog for bugs) and a condition that does not come true fail the test.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Generator

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from gui.app import main
from gui.main_window import MainWindow

Condition = Callable[[], object]
Script = Callable[[MainWindow], Generator[Condition, None, None]]
PATIENCE_S = 120.0
_TICK_MS = 10


class _Driver:
    def __init__(self, script: Script) -> None:
        self.failure: BaseException | None = None
        self._script = script
        self._steps: Generator[Condition, None, None] | None = None
        self._window: MainWindow | None = None
        self._condition: Condition = lambda: True
        self._since = time.monotonic()
        self._timer = QTimer()
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _begin(self) -> None:
        windows = [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)]
        self._window = next(w for w in windows if w.isVisible())
        self._window.context.broke.connect(self._fail)
        self._steps = self._script(self._window)

    def _tick(self) -> None:
        try:
            if self._steps is None:
                self._begin()
            elif self._condition():
                self._condition = next(self._steps)
                self._since = time.monotonic()
            elif time.monotonic() - self._since > PATIENCE_S:
                line = self._steps.gi_frame.f_lineno
                self._fail(AssertionError(f"What line {line} waits for did not come."))
        except StopIteration:
            self._end()
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self.failure = self.failure or error
        self._end()

    def _end(self) -> None:
        self._timer.stop()
        if self._window is not None:
            self._window.close()


def drive(script: Script) -> None:
    """Run the window until the script is over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "excepthook", sys.excepthook)
        handler = signal.getsignal(signal.SIGINT)
        driver = _Driver(script)
        code = main(["-platform", "offscreen"])
        signal.signal(signal.SIGINT, handler)
    if driver.failure is not None:
        raise driver.failure
    assert code == 0
