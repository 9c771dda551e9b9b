"""Change settings in the user's TOML file; whatever else stands in it stays, comments too."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
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


def change_settings(changes: Mapping[str, object], *, file: Path | None = None) -> None:
    """Change settings now; see ``changed_settings``."""
    with changed_settings(changes, file=file):
        pass


@contextmanager
def changed_settings(changes: Mapping[str, object], *, file: Path | None = None) -> Iterator[None]:
    """Change settings when the body has ended well, and not when it raised.

    The new file lies beside the old one, complete and on the disk, before the body begins; at its
    end it takes the old one's name.

    Args:
        changes: ``section.name`` -> value; None removes the setting, so that its default holds.
        file: the settings file; the user's own when not given. It need not exist.

    Raises:
        ConfigError: the file, a key or a value is not valid, or the file cannot be written.
    """
    path = (config_file() if file is None else file).resolve()
    # With nothing from elsewhere this checks keys and values exactly as reading them will.
    load_settings(changes, environ={}, file=path)
    making = path.with_name(f"{path.name}.new-{os.getpid()}")
    try:
        content = _changed(path.read_bytes() if path.exists() else b"", changes)
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


def _changed(content: bytes, changes: Mapping[str, object]) -> bytes:
    # Imported here: no other command writes settings.
    import tomlkit

    document = tomlkit.parse(content)
    for key, value in changes.items():
        setting = find_setting(key)
        if value is None:
            document.get(setting.section, {}).pop(setting.name, None)
        else:
            section = document.setdefault(setting.section, tomlkit.table())
            section[setting.name] = str(value) if isinstance(value, Path) else value
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
