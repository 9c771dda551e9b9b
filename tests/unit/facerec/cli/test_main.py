"""Exit codes, error sentences, and what `facerec --help` may load."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from facerec.cli import main as main_module
from facerec.cli.main import COMMANDS, cli, main
from facerec.errors import Cancelled, NoFaceError
from facerec.services.known_error import known_error

HEAVY = {
    "torch", "torchvision", "cv2", "faiss", "sqlalchemy", "alembic", "openvino", "onnxruntime",
    "numpy", "matplotlib", "PySide6", "PIL", "rich", "jinja2",
}  # fmt: skip


def _replace(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(**_: object) -> None:
        raise error

    command = click.Command("config", callback=fail)
    command.params.append(click.Option(["--json", "as_json"], is_flag=True))
    monkeypatch.setattr("facerec.cli.config.config", command)


def test_help_loads_no_heavy_module() -> None:
    code = (
        "import sys; from facerec.cli.main import main; code = main(['--help']);"
        "print(); print(*{name.partition('.')[0] for name in sys.modules}); sys.exit(code)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(done.stdout.splitlines()[-1].split())
    assert loaded & HEAVY == set()
    assert "click" in loaded


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0

    shown = capsys.readouterr().out
    for name, (_, line) in COMMANDS.items():
        assert f"  {name} " in shown
        assert line in shown


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_line_in_the_table_is_the_one_of_the_command(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)

    assert command.help.splitlines()[0] == COMMANDS[name][1]


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    from facerec import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"facerec {__version__}"


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    code = main([])

    captured = capsys.readouterr()
    assert code == 2
    assert "verify" in captured.out + captured.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        pytest.param(["verfy"], "Did you mean 'verify'?", id="misspelt command"),
        pytest.param(["models", "inof"], "'info'", id="misspelt subcommand"),
        pytest.param(["verify", "--jsn", "a", "b"], "--json", id="misspelt option"),
        pytest.param(["verify", "a"], "B", id="missing argument"),
        pytest.param(["verify", "--min-face", "x", "a", "b"], "--min-face", id="no number"),
    ],
)
def test_wrong_usage_ends_with_two_and_a_hint(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert hint in captured.err
    assert captured.out == ""


def test_wrong_usage_is_an_object_when_json_was_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["verify", "a", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


def test_known_error_is_one_sentence_and_a_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _replace(monkeypatch, NoFaceError("No face was found.", remedy="Use another image."))

    assert main(["config"]) == 1
    captured = capsys.readouterr()
    assert captured.err == "facerec: No face was found. Use another image.\n"
    assert captured.out == ""


def test_known_error_is_an_object_when_json_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _replace(monkeypatch, NoFaceError("No face was found.", remedy="Try.", path=Path("a.jpg")))

    assert main(["config", "--json"]) == 1
    captured = capsys.readouterr()
    assert captured.err == ""
    assert json.loads(captured.out) == {
        "error": {
            "code": "no_face",
            "message": "No face was found.",
            "remedy": "Try.",
            "details": {"path": "a.jpg"},
        }
    }


@pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt(), click.Abort()])
def test_cancelling_ends_with_130(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _replace(monkeypatch, error)

    assert main(["config"]) == 130
    assert capsys.readouterr().err.strip() == "facerec: cancelled."


def test_bug_prints_its_traceback_and_how_to_report_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _replace(monkeypatch, ZeroDivisionError("boom"))

    assert main(["config"]) == 1
    captured = capsys.readouterr()
    assert "ZeroDivisionError: boom" in captured.err
    assert "facerec doctor --json" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("error", "part"),
    [
        pytest.param(PermissionError(errno.EACCES, "Permission denied", "x"), "(x)", id="rights"),
        pytest.param(OSError(errno.ENOSPC, "No space left on device"), "No space", id="disk full"),
        pytest.param(ModuleNotFoundError(name="torch"), "facerec[train]", id="torch missing"),
        pytest.param(
            ImportError("libGL.so.1: cannot open shared object file: No such file or directory"),
            "apt install libgl1",
            id="system library missing",
        ),
    ],
)
def test_condition_of_the_machine_becomes_a_sentence(error: Exception, part: str) -> None:
    assert part in str(known_error(error))


@pytest.mark.parametrize("error", [ImportError("odd"), OSError(errno.EIO, "io"), ValueError("x")])
def test_other_errors_stay_bugs(error: Exception) -> None:
    assert known_error(error) is None


def test_command_that_answers_no_ends_with_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facerec.cli.config.config", click.Command("c", callback=lambda: 3))

    assert main(["config"]) == main_module.ExitCode.ANSWERED_NO


@pytest.mark.skipif(os.name == "nt", reason="pipes end differently there")
def test_reader_that_goes_away_is_no_bug() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)

    done = subprocess.run(
        [sys.executable, "-m", "facerec", "config", "show"],
        stdout=write_end, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(write_end)

    assert done.returncode == 1
    assert done.stderr == ""


def test_app_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(cli), "_entry_points", lambda self: {})

    assert main(["app"]) == 1
    assert "facerec[gui]" in capsys.readouterr().err
