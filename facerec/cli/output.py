"""The only place that prints. Results go to stdout, progress and remarks to stderr."""

from __future__ import annotations

import json
import signal
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from os import PathLike, fspath
from types import FrameType, TracebackType
from typing import IO, TYPE_CHECKING

from facerec.errors import Cancelled, FacerecError
from facerec.progress import Task
from facerec.wording import counted as counted

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

REPORT_ADDRESS = "the project's issue tracker"


def emit(text: str, payload: Mapping[str, object], *, as_json: bool) -> None:
    """Write a command's answer to stdout, as text or as one JSON object."""
    if as_json:
        text = json.dumps(jsonable(payload), ensure_ascii=False, allow_nan=False)
    _write(text + "\n", sys.stdout)


def line(text: str) -> None:
    """Write one line of a running answer to stdout, and see that it has left the program."""
    _write(text + "\n", sys.stdout)


def json_line(payload: Mapping[str, object]) -> None:
    """Write one JSON object of a running answer to stdout as a line of its own, and flush it."""
    _write(json.dumps(jsonable(payload), ensure_ascii=False, allow_nan=False) + "\n", sys.stdout)


def remark(text: str) -> None:
    """Write a remark to stderr."""
    _write(text + "\n", sys.stderr)


def confirm(question: str) -> None:
    """Ask on stderr; anything but yes cancels the command."""
    import click

    click.confirm(question, abort=True, err=True)


def fail(error: FacerecError, *, as_json: bool) -> None:
    """Say what went wrong and what to do: a sentence on stderr, or a JSON object on stdout."""
    if as_json:
        emit("", {"error": error_payload(error)}, as_json=True)
    else:
        remark(f"facerec: {error}")


def error_payload(error: FacerecError) -> dict[str, object]:
    """Return ``code``, ``message`` and ``remedy`` of an error, and its details if there are any."""
    payload: dict[str, object] = {
        "code": error.code,
        "message": error.message,
        "remedy": error.remedy,
    }
    if error.details:
        payload["details"] = error.details
    return payload


def report_bug(error: BaseException) -> None:
    """Print the traceback of a bug and say how to report it."""
    import traceback

    remark("".join(traceback.format_exception(error)).rstrip())
    remark(
        "facerec: This is a bug in facerec, not a mistake of yours. Please report it in "
        f"{REPORT_ADDRESS} with the lines above and the output of `facerec doctor --json`."
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay out rows below column names; numbers to the right, the rest to the left.

    Example:
        >>> print(table(["name", "n"], [["Ada", 2], ["Grace", 10]]))
        name    n
        Ada     2
        Grace  10
    """
    content = [list(row) for row in rows]
    cells = [list(columns), *([_cell(value) for value in row] for row in content)]
    widths = [max(_width(row[i]) for row in cells) for i in range(len(columns))]
    right = [
        bool(content) and all(isinstance(row[i], int | float) for row in content)
        for i in range(len(columns))
    ]
    lines = []
    for row in cells:
        padded = [_padded(row[i], widths[i], to_right=right[i]) for i in range(len(columns))]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def jsonable(value: object) -> object:
    """Return a value of plain JSON types: dataclasses become objects, arrays lists, paths text."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        # JSON knows neither NaN nor infinity.
        return value if value - value == 0 else None
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: jsonable(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    return _jsonable_other(value)


def _jsonable_other(value: object) -> object:
    if isinstance(value, PathLike):
        return str(fspath(value))
    if isinstance(value, datetime):
        return value.isoformat()
    to_list = getattr(value, "tolist", None)  # numpy arrays and numbers, without importing numpy
    if callable(to_list):
        return jsonable(to_list())
    if isinstance(value, Iterable):
        return [jsonable(item) for item in value]
    return str(value)


@contextmanager
def progress(*, bar: bool = True) -> Iterator[Task]:
    """Show progress on stderr while the body runs, and let Ctrl-C stop it between two steps.

    The first Ctrl-C makes the next ``step`` raise ``Cancelled``, so that what was begun is finished
    or rolled back; the second one interrupts at once.
    """
    stop = threading.Event()
    with _stop_on_interrupt(stop):
        if bar and sys.stderr is not None and sys.stderr.isatty():
            with _TerminalTask(stop) as task:
                yield task
        else:
            yield _QuietTask(stop)


class _QuietTask:
    """A Task for logs and pipes: shows nothing, but can be stopped."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def step(self, stage: str, done: int, total: int) -> None:
        """See ``Task.step``."""
        del stage, done, total
        if self._stop.is_set():
            raise Cancelled


class _TerminalTask:
    """A Task with a progress bar, drawn from the first step on."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._bars: dict[str, TaskID] = {}
        self._progress: Progress | None = None

    def __enter__(self) -> _TerminalTask:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def step(self, stage: str, done: int, total: int) -> None:
        """See ``Task.step``."""
        if self._stop.is_set():
            raise Cancelled
        if self._progress is None:
            self._progress = _started_progress()
        if stage not in self._bars:
            self._bars[stage] = self._progress.add_task(stage, total=total or None)
        self._progress.update(self._bars[stage], completed=done, total=total or None)


def _started_progress() -> Progress:
    # Imported here: most commands are over before a bar is worth drawing.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.start()
    return bar


@contextmanager
def _stop_on_interrupt(stop: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, ask_to_stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def prepare_streams() -> None:
    """Escape what the terminal's encoding lacks instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Callable[..., None] | None = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _write(text: str, stream: IO[str] | None) -> None:
    if stream is not None:  # there is none under pythonw
        stream.write(text)
        stream.flush()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "" if value is None else str(value)


def _width(text: str) -> int:
    """Columns a text takes in a terminal; East Asian letters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _padded(text: str, width: int, *, to_right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if to_right else text + space
