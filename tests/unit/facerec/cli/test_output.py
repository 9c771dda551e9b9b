"""Tables, JSON, progress."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import numpy as np
import pytest

from facerec.cli import output
from facerec.errors import Cancelled, NoFaceError


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Pair:
    left: int
    right: object


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(Pair(1, Path("a/b")), {"left": 1, "right": "a/b"}, id="dataclass and path"),
        pytest.param(Colour.RED, "red", id="enum"),
        pytest.param(np.float32(0.5), 0.5, id="numpy number"),
        pytest.param(np.array([[1, 2]]), [[1, 2]], id="array"),
        pytest.param({1: (2, 3)}, {"1": [2, 3]}, id="mapping"),
        pytest.param(float("nan"), None, id="not a number"),
        pytest.param(float("-inf"), None, id="infinity"),
        pytest.param(np.array([np.nan]), [None], id="not a number in an array"),
        pytest.param(datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00", id="time"),
        pytest.param(True, True, id="truth"),
        pytest.param(NoFaceError("a."), "a.", id="anything else"),
    ],
)
def test_jsonable_gives_plain_types(value: object, expected: object) -> None:
    result = output.jsonable(value)

    assert result == expected
    assert json.loads(json.dumps(result, allow_nan=False)) == expected


def test_emit_writes_text_or_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit("text", {"n": 1}, as_json=False)
    output.emit("text", {"n": "é"}, as_json=True)

    assert capsys.readouterr().out == 'text\n{"n": "é"}\n'


def test_table_aligns_wide_letters() -> None:
    text = output.table(["name", "n"], [["李雷", 5], ["Bob", 10]])

    assert text == "name   n\n李雷   5\nBob   10"


def test_table_of_nothing_is_its_head() -> None:
    assert output.table(["a", "b"], []) == "a  b"


def test_letters_the_terminal_lacks_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))

    output.prepare_streams()
    output.line("Zoë \udc80")

    assert raw.getvalue() == b"Zo\\xeb \\udc80\n"


def test_missing_streams_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)

    output.prepare_streams()
    output.line("nobody hears")
    with output.progress() as task:
        task.step("a", 1, 2)


def test_first_interrupt_stops_at_the_next_step() -> None:
    with output.progress() as task:
        task.step("work", 1, 3)
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Cancelled):
            task.step("work", 2, 3)


def test_second_interrupt_stops_at_once() -> None:
    with output.progress():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_interrupts_are_python_s_own_again_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)

    with output.progress():
        pass

    assert signal.getsignal(signal.SIGINT) is before


def test_terminal_gets_a_bar_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")

    with output.progress() as task:
        task.step("images", 1, 2)
        task.step("images", 2, 2)
        task.step("other", 0, 0)

    captured = capsys.readouterr()
    assert "images" in captured.err
    assert captured.out == ""
