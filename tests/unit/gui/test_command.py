"""A command in a process of its own: its lines, its end, and how it is stopped."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import facerec
from gui.workers.command import Command, command_line


@pytest.fixture
def command(qapp) -> Iterator[Command]:
    made = Command()
    yield made
    made.kill()


def _python(command: Command, code: str) -> None:
    command.start(["-c", code], program=[sys.executable])


def test_lines_of_both_streams_are_heard(command: Command, qtbot) -> None:
    heard: list[str] = []
    command.said.connect(heard.append)
    code = "import sys; print('é one'); sys.stdout.flush(); sys.stderr.write('two\\nthree')"
    with qtbot.waitSignal(command.ended) as ended:
        _python(command, code)
        assert command.is_running

    assert ended.args == [0]
    assert heard == command.lines == ["é one", "two", "three"]
    assert command.error == ""
    assert not command.is_running


def test_sentence_of_a_known_error_is_kept(command: Command, qtbot) -> None:
    code = "import sys; print('facerec: No such pack. Make one.'); print('x'); sys.exit(1)"
    with qtbot.waitSignal(command.ended) as ended:
        _python(command, code)

    assert ended.args == [1]
    assert command.error == "No such pack. Make one."


def test_without_such_a_sentence_the_last_line_is(command: Command, qtbot) -> None:
    with qtbot.waitSignal(command.ended):
        _python(command, "raise ValueError('odd')")

    assert command.error == "ValueError: odd"


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_interrupt_is_ctrl_c(command: Command, qtbot) -> None:
    code = (
        "import time\ntry:\n print('begun', flush=True); time.sleep(60)\n"
        "except KeyboardInterrupt:\n raise SystemExit(130)"
    )
    with qtbot.waitSignal(command.said):
        _python(command, code)
    with qtbot.waitSignal(command.ended) as ended:
        command.interrupt()

    assert ended.args == [130]
    assert command.error == ""


def test_killed_process_is_told_from_one_that_failed(command: Command, qtbot) -> None:
    with qtbot.waitSignal(command.said):
        _python(command, "import time; print('begun', flush=True); time.sleep(60)")
    with qtbot.waitSignal(command.ended) as ended:
        command.kill()

    assert ended.args == [-1]
    assert command.error == ""


def test_program_that_is_not_there_is_an_error(command: Command, qtbot) -> None:
    with qtbot.waitSignal(command.ended) as ended:
        command.start([], program=["/nonexistent/program"])

    assert ended.args == [-1]
    assert command.error


def test_the_same_facerec_is_run(command: Command, qtbot) -> None:
    _, *options, _, _ = command_line()
    code = "import facerec; print(facerec.__file__)"
    with qtbot.waitSignal(command.ended):
        command.start(["-c", code], program=[sys.executable, *options])

    assert command.lines == [facerec.__file__]


def test_packaged_window_starts_the_program_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(Path("apps") / "facerec-app"))

    assert command_line() in ([str(Path("apps") / name)] for name in ("facerec", "facerec.exe"))
