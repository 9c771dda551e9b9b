"""Writes the user's settings file: changes single values and leaves every other line as it is."""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

from facerec.config import load_settings
from facerec.errors import ConfigError
from facerec.paths import config_file

_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$")


def change_settings(changes: Mapping[str, object], *, file: Path | None = None) -> None:
    """Set values in the settings file; it is made when it is not there.

    Comments and the order of lines stay. The new file is written beside the old one and takes its
    place, so a failure leaves the old one.

    Args:
        changes: ``section.name`` -> value; None removes the line, so that the default holds again.
        file: the settings file; the user's own when not given.

    Raises:
        ConfigError: a key is unknown, a value does not fit, or the file is not valid.
        OSError: the file cannot be written.
    """
    path = config_file() if file is None else file
    # With nothing from elsewhere this checks keys and values exactly as reading them will.
    load_settings(changes, environ={}, file=path)
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    lines = text.splitlines()
    for key, value in changes.items():
        _change(lines, key, value)
    changed = "\n".join(lines).strip("\n") + "\n"
    _require_changed(changed, changes, path)
    _replace_file(path, changed)


def _change(lines: list[str], key: str, value: object) -> None:
    section, _, name = key.partition(".")
    start, end = _section_lines(lines, section)
    pattern = re.compile(rf"\s*{re.escape(name)}\s*=")
    found = [i for i in range(start, end) if pattern.match(lines[i])]
    if value is None:
        for i in reversed(found):
            del lines[i]
        return
    entry = f"{name} = {_toml(value)}"
    if found:
        lines[found[0]] = entry
    elif start == end and not _has_header(lines, start, section):
        lines += [*([""] if lines and lines[-1].strip() else []), f"[{section}]", entry]
    else:
        lines.insert(start, entry)


def _section_lines(lines: list[str], section: str) -> tuple[int, int]:
    """Return where the lines below ``[section]`` begin and end; both at the end when absent."""
    headers = [
        (i, match[1].strip()) for i, line in enumerate(lines) if (match := _HEADER.match(line))
    ]
    for position, (i, name) in enumerate(headers):
        if name == section:
            following = headers[position + 1 :]
            return i + 1, following[0][0] if following else len(lines)
    return len(lines), len(lines)


def _has_header(lines: list[str], start: int, section: str) -> bool:
    match = _HEADER.match(lines[start - 1]) if start else None
    return match is not None and match[1].strip() == section


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    # A TOML basic string takes JSON's escapes; characters above ASCII stand for themselves.
    return json.dumps(str(value), ensure_ascii=False)


def _require_changed(text: str, changes: Mapping[str, object], path: Path) -> None:
    """Refuse to write what would not be read as meant, for example over a table written inline."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise _by_hand(path) from exc
    for key, value in changes.items():
        section, _, name = key.partition(".")
        written = table.get(section, {}).get(name)
        wanted = str(value) if isinstance(value, Path) else value
        if written != wanted:
            raise _by_hand(path)


def _by_hand(path: Path) -> ConfigError:
    return ConfigError(
        f"The settings file {path} is written in a way that cannot be changed from here.",
        remedy="Change it in a text editor.",
    )


def _replace_file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
