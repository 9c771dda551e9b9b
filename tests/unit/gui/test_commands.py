"""How the window is started, and what keeps to itself until it is."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from gui import app as app_module
from gui.commands import app

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize(
    "place",
    [
        PROJECT["entry-points"]["facerec.commands"]["app"],
        PROJECT["gui-scripts"]["facerec-app"],
    ],
)
def test_entry_points_lead_somewhere(place: str) -> None:
    module, _, name = place.partition(":")

    assert callable(getattr(import_module(module), name))


def test_options_reach_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    monkeypatch.setattr(app_module, "main", lambda argv, flags: given.append((argv, flags)) or 0)

    result = CliRunner().invoke(app, ["--theme", "dark", "--fmr", "0.01"])

    assert result.exit_code == 0
    assert given == [([], {"window.theme": "dark", "match.fmr": 0.01})]


def test_command_line_help_loads_no_qt() -> None:
    code = "import gui.commands, sys; print(sorted(m for m in sys.modules if 'PySide6' in m))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_many_signals_do_not_stop_the_process() -> None:
    """PySide6 6.12 on Python 3.11 takes a reference from True with each one."""
    code = (
        "import gui; from PySide6.QtCore import QObject, Signal\n"
        "class Bell(QObject):\n    rung = Signal()\n"
        "bell = Bell()\nfor _ in range(50_000): bell.rung.emit()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_pages_are_short() -> None:
    lines = {path.name: len(path.read_text().splitlines()) for path in (ROOT / "gui").rglob("*.py")}

    assert {name: n for name, n in lines.items() if n > 300} == {}
