"""A command of ``facerec`` in a process of its own, heard line by line.

The window trains and exports this way: what needs torch never comes into its own process.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

import facerec

# Lines of output that are kept to be looked at.
MAX_LINES = 500
# How the command line begins the sentence of a known error.
ERROR_PREFIX = "facerec: "
EXIT_CANCELLED = 130


def command_line() -> list[str]:
    """Return what starts ``facerec``: beside a packaged window, else by this Python."""
    if getattr(sys, "frozen", False):
        name = "facerec.exe" if os.name == "nt" else "facerec"
        return [str(Path(sys.executable).with_name(name))]
    return [sys.executable, "-P", "-m", "facerec"]


class Command(QObject):
    """One command at a time.

    Attributes:
        lines: what it said last, stdout and stderr as they came.
        error: the sentence it ended with; empty when it ended well.

    Signals:
        said: a line of its output.
        ended: its exit code; -1 when it could not be started or was killed.
    """

    said = Signal(str)
    ended = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lines: list[str] = []
        self.error = ""
        self._rest = b""
        self._process = QProcess(self)
        self._process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        if os.name == "posix":
            # A program started in the background ignores Ctrl-C, and so would all it starts.
            self._process.setUnixProcessParameters(
                QProcess.UnixProcessFlag.ResetSignalHandlers,
            )
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._finish)
        self._process.errorOccurred.connect(self._fail)

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process.state() is not QProcess.ProcessState.NotRunning

    def start(self, arguments: Sequence[str], program: Sequence[str] | None = None) -> None:
        """Start a command.

        Args:
            arguments: what stands behind ``facerec``.
            program: another program in its place.
        """
        self.lines, self.error, self._rest = [], "", b""
        first, *rest = program or command_line()
        self._process.setProcessEnvironment(_environment())
        self._process.start(first, [*rest, *arguments])

    def interrupt(self) -> None:
        """Stop it as Ctrl+C does: between two steps. Where there is no such signal it is ended."""
        process_id = self._process.processId()
        if not process_id:
            return
        if os.name == "nt":
            self._process.kill()
        else:
            os.kill(process_id, signal.SIGINT)

    def kill(self, timeout_ms: int = 5_000) -> None:
        """End it at once and wait until it has ended."""
        if self.is_running:
            self._process.kill()
            self._process.waitForFinished(timeout_ms)

    def _read(self) -> None:
        *whole, self._rest = (self._rest + self._process.readAllStandardOutput().data()).split(
            b"\n"
        )
        for line in whole:
            self._hear(line)

    def _hear(self, line: bytes) -> None:
        text = line.decode("utf-8", errors="replace").rstrip()
        if text:
            self.lines = [*self.lines, text][-MAX_LINES:]
            self.said.emit(text)

    def _finish(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        self._hear(self._rest)
        self._rest = b""
        is_killed = status is QProcess.ExitStatus.CrashExit
        if code not in {0, EXIT_CANCELLED} and not is_killed:
            known = [line for line in self.lines if line.startswith(ERROR_PREFIX)]
            last = known[-1:] or self.lines[-1:]
            self.error = "".join(last).removeprefix(ERROR_PREFIX)
        self.ended.emit(-1 if is_killed else code)

    def _fail(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self.error = self._process.errorString()
            self.ended.emit(-1)


def _environment() -> QProcessEnvironment:
    """The window's own, with the same facerec, and lines that come as they are written."""
    environment = QProcessEnvironment.systemEnvironment()
    if not getattr(sys, "frozen", False):
        root = str(Path(facerec.__file__).resolve().parent.parent)
        before = environment.value("PYTHONPATH")
        environment.insert("PYTHONPATH", os.pathsep.join(filter(None, [root, before])))
    environment.insert("PYTHONUNBUFFERED", "1")
    environment.insert("PYTHONIOENCODING", "utf-8")
    return environment
