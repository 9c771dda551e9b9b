"""The README tells the truth: commands exist, examples parse, settings are the real ones."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from facerec.cli.main import cli
from facerec.settings_table import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = "\n".join(re.findall(r"^```\n(.*?)^```", README, re.S | re.M))


def _commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name; a group's own commands too."""

    def below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        yield name, command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for child in command.list_commands(context):
                found = command.get_command(context, child)
                assert found is not None
                yield from below(f"{name} {child}", found)

    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        yield from below(name, command)


COMMANDS = dict(_commands())


def _example(command: click.Command) -> str:
    found = re.search(r"Example: (facerec .+?)\s*$", command.help or "", re.M)
    assert found, "no example in the help"
    return found.group(1)


def _parse(line: str, folder: Path) -> None:
    """Parse a command line without running it; a wrong option or argument raises."""
    words = shlex.split(line, comments=True)
    assert words.pop(0) == "facerec"
    command: click.Command = cli
    context = click.Context(cli, info_name="facerec")
    while isinstance(command, click.Group):
        names = command.list_commands(context)
        if words[0] not in names and hasattr(command, "default_command"):
            words.insert(0, command.default_command)
        child = command.get_command(context, words.pop(0))
        assert child is not None, line
        command = child
        if not isinstance(command, click.Group):
            command.make_context("facerec", words, parent=context)
        elif not words:
            return


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where examples are parsed: their folders exist."""
    for name in ("photos", "people", "crops", "lfw", "aligned", "models"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_help_and_an_example_that_parses(name: str, folder: Path) -> None:
    command = COMMANDS[name]

    example = _example(command)

    assert (command.help or "").splitlines()[0].endswith(".")
    assert example.startswith(f"facerec {name.split()[0]}")
    _parse(example, folder)


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if " " not in name])
def test_command_is_in_the_readme(name: str) -> None:
    assert re.search(rf"^facerec {name}\b", README, re.M)


@pytest.mark.parametrize(
    "line", [line for line in CODE.splitlines() if line.startswith("facerec ")]
)
def test_line_of_the_readme_parses(line: str, folder: Path) -> None:
    _parse(line, folder)


def test_every_command_that_answers_has_json() -> None:
    silent = {"app", "train", "export"}
    without = [
        name
        for name, command in COMMANDS.items()
        if not isinstance(command, click.Group)
        and name.split()[0] not in silent
        and not any(parameter.name == "as_json" for parameter in command.params)
    ]

    assert without == []


def settings_rows() -> str:
    """The table as it must stand in the README."""
    return "\n".join(f"| `{s.key}` | `{s.flag}` | `{s.variable}` | {s.help} |" for s in SETTINGS)


def test_settings_table_is_the_one_of_the_program() -> None:
    assert f"|---|---|---|---|\n{settings_rows()}\n<!-- end -->" in README


def test_the_two_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()

    for target in re.search(r"```\n((?:make \w+\n)+)```", README).group(1).split("\n")[:2]:
        assert f"\n{target.removeprefix('make ')}:" in makefile


def test_ci_calls_the_readme_s_test_command() -> None:
    script = ROOT / ".ci" / "run"

    assert "make test" in script.read_text()
    assert script.stat().st_mode & 0o111


@pytest.mark.parametrize(
    "path", [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "PRIVACY.md", "CONTEXT.md")]
)
def test_files_that_documents_name_exist(path: Path) -> None:
    named = re.findall(r"`((?:facerec|training|tests|docs|models|alembic|tools)/[\w./-]*)`",
                       path.read_text(encoding="utf-8"))  # fmt: skip

    assert [name for name in named if not (ROOT / name).exists()] == []


def test_python_example_uses_what_there_is() -> None:
    import facerec

    code = re.search(r"```python\n(.*?)```", README, re.S).group(1)
    compile(code, "README.md", "exec")
    for name in re.findall(r"from facerec import (\w+)", code):
        assert getattr(facerec, name)
    for method in re.findall(r"gallery\.(\w+)\(", code):
        assert hasattr(facerec.Gallery, method)


def test_placeholders_for_figures_are_comments_only() -> None:
    assert not re.search(r"\b(?:TODO|TBD|XX+)\b", README)
