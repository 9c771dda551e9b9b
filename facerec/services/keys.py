"""Where the passphrase of an encrypted gallery comes from.

In this order: what this process was told (``remember``), the environment variable
``FACEREC_PASSPHRASE``, the file that ``FACEREC_PASSPHRASE_FILE`` names, the system's keyring. The
keyring knows a gallery by the first bytes of its file, so that a moved folder still opens.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from facerec.errors import ConfigError, DependencyError, RangeError
from facerec.gallery.backends.sqlite import salt_at
from facerec.gallery.backends.sqlite_file import DATABASE_NAME

ENVIRONMENT_VARIABLE = "FACEREC_PASSPHRASE"
SHORTEST = 8
_SERVICE = "facerec"
_told: dict[bytes, str] = {}


def database_in(folder: Path) -> Path:
    """Return the database file of the gallery in a folder."""
    return folder / DATABASE_NAME


def is_encrypted(folder: Path) -> bool:
    """Say whether the gallery in a folder is encrypted; one that is not there is not."""
    try:
        return salt_at(database_in(folder)) is not None
    except OSError:
        return False


def remember(path: Path, secret: str) -> None:
    """Use a passphrase for an encrypted database file as long as this process runs."""
    salt = salt_at(path)
    if salt is not None:
        _told[salt] = secret


def find_secret(path: Path) -> str | None:
    """Return the passphrase of an encrypted database file; None when there is none.

    Raises:
        ConfigError: the file that should hold it cannot be read.
    """
    salt = salt_at(path)
    if salt is None:
        return None
    return _told.get(salt) or secret_from_environment() or _from_keyring(salt)


def secret_from_environment(variable: str = ENVIRONMENT_VARIABLE) -> str | None:
    """Return a passphrase from a variable, or from the file that ``<variable>_FILE`` names.

    Raises:
        ConfigError: the file cannot be read.
    """
    if os.environ.get(variable):
        return os.environ[variable]
    name = os.environ.get(f"{variable}_FILE")
    if not name:
        return None
    try:
        return Path(name).read_text(encoding="utf-8").rstrip("\r\n") or None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The file {name} with the passphrase cannot be read.",
            remedy=f"Check what {variable}_FILE names.",
        ) from error


def store_in_keyring(salt: bytes, secret: str) -> None:
    """Give a gallery's key to the system's keyring.

    Raises:
        DependencyError: there is no keyring here.
    """
    keyring = _keyring()
    if keyring is None:
        raise DependencyError(
            "The system's keyring cannot be used, because the package keyring is not installed.",
            remedy="Install it: pip install 'facerec[encryption]'.",
        )
    try:
        keyring.set_password(_SERVICE, salt.hex(), secret)
    except keyring.errors.KeyringError as error:
        raise DependencyError(
            "This system has no keyring that can be used.",
            remedy="Use a passphrase instead: leave --keyring out.",
        ) from error


def require_good_passphrase(secret: str) -> None:
    """Refuse a passphrase that is guessed in no time.

    Raises:
        RangeError: it is too short.
    """
    if len(secret) < SHORTEST:
        raise RangeError(
            f"A passphrase has at least {SHORTEST} characters.",
            remedy="Take several words; a stolen folder can be tried against without limit.",
        )


def _from_keyring(salt: bytes) -> str | None:
    keyring = _keyring()
    if keyring is None:
        return None
    try:
        found: str | None = keyring.get_password(_SERVICE, salt.hex())
    except keyring.errors.KeyringError:
        return None
    return found


def _keyring() -> Any:  # noqa: ANN401  (a module)
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return None
    return keyring
