"""Change one setting in the user's TOML file; whatever else stands in it stays, comments too."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facerec.config import load_settings
from facerec.errors import ConfigError
from facerec.paths import config_file
from facerec.settings_table import find_setting


def require_file_decides(key: str) -> None:
    """Refuse to change a setting in the file while the environment holds it.

    Raises:
        ConfigError: an environment variable has the last word.
    """
    variable = find_setting(key).variable
    if variable in os.environ:
        raise ConfigError(
            f"The environment variable {variable} overrides the settings file.",
            remedy="Unset it, then try again.",
            key=key,
        )


@contextmanager
def changed_setting(
    key: str, value: str | float | bool, *, file: Path | None = None
) -> Iterator[None]:
    """Change a setting when the body has ended well, and not when it raised.

    The new file lies beside the old one, complete and on the disk, before the body begins; at its
    end it takes the old one's name.

    Args:
        key: ``section.name``.
        value: what the setting becomes.
        file: the settings file; the user's own when not given. It need not exist.

    Raises:
        ConfigError: the file or the value is not valid, or the file cannot be written.
    """
    path = (config_file() if file is None else file).resolve()
    load_settings({key: value}, environ={}, file=path)
    making = path.with_name(f"{path.name}.new-{os.getpid()}")
    try:
        content = _changed(path.read_bytes() if path.exists() else b"", key, value)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(making, content, like=path)
    except OSError as exc:
        making.unlink(missing_ok=True)
        raise _unwritable(path, exc) from exc
    try:
        yield
        try:
            making.replace(path)
        except OSError as exc:
            raise _unwritable(path, exc) from exc
    finally:
        making.unlink(missing_ok=True)


def _changed(content: bytes, key: str, value: str | float | bool) -> bytes:
    # Imported here: no other command writes settings.
    import tomlkit

    setting = find_setting(key)
    document = tomlkit.parse(content)
    document.setdefault(setting.section, tomlkit.table())[setting.name] = value
    return tomlkit.dumps(document).encode()


def _write(path: Path, content: bytes, *, like: Path) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    if like.exists():
        shutil.copymode(like, path)


def _unwritable(path: Path, exc: OSError) -> ConfigError:
    return ConfigError(
        f"The settings file {path} cannot be written ({exc.strerror or exc}).",
        remedy="Check who may write there, and the space on the disk.",
    )
