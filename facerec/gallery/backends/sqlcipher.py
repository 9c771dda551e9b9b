"""Encrypted SQLite files: the key of one, and connections to it through SQLCipher.

SQLCipher encrypts each page of the database and of its write-ahead log with AES-256 and checks it
with HMAC-SHA512; its first 16 bytes are the salt. The key is made of a passphrase as its own
tools make it, but once per process instead of once per connection.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from facerec.errors import DependencyError
from facerec.gallery.backends.sqlite_file import (
    PAGE_SIZE_BYTES,
    SQLITE_MAGIC,
    is_open_here,
    salt_known,
)

SALT_BYTES = 16
# As SQLCipher 4 makes a key of a passphrase.
KDF_ROUNDS = 256_000
_KEY_BYTES = 32
# How SQLCipher writes a key that needs no making: it was drawn at random.
_RAW_KEY = re.compile(r"x'([0-9a-f]{64})'")


@dataclass(frozen=True, slots=True)
class DatabaseKey:
    """The key of one file; it is never shown.

    Attributes:
        key: 32 bytes.
        salt: 16 bytes, the first ones of the file.
    """

    key: bytes = field(repr=False)
    salt: bytes = field(repr=False)

    @property
    def literal(self) -> str:
        """What SQLCipher takes for a key with its salt."""
        return f"x'{self.key.hex()}{self.salt.hex()}'"


# Path of the file -> its passphrase or raw key; None when there is none. It raises when it may not.
SecretFinder = Callable[[Path], str | None]


def new_secret() -> str:
    """Draw a random key, in the form SQLCipher takes for one that needs no making."""
    return f"x'{os.urandom(_KEY_BYTES).hex()}'"


def new_salt() -> bytes:
    """Draw the salt of a new file."""
    return os.urandom(SALT_BYTES)


def salt_of(path: Path) -> bytes | None:
    """Return the salt of an encrypted file; None when it does not look like one.

    Raises:
        OSError: the file cannot be read.
    """
    if is_open_here(path):
        return salt_known(path)
    with path.open("rb") as stream:
        page = stream.read(PAGE_SIZE_BYTES)
    if len(page) < PAGE_SIZE_BYTES or path.stat().st_size % PAGE_SIZE_BYTES:
        return None
    # A page that looks random; damage leaves something else.
    is_random = len(set(page)) == 256 and not page.startswith(SQLITE_MAGIC)
    return page[:SALT_BYTES] if is_random else None


@lru_cache(maxsize=8)
def key_of(secret: str, salt: bytes) -> DatabaseKey:
    """Make the key of a file from a passphrase, or take it from a raw key."""
    raw = _RAW_KEY.fullmatch(secret)
    key = (
        bytes.fromhex(raw.group(1))
        if raw
        else hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, KDF_ROUNDS, _KEY_BYTES)
    )
    return DatabaseKey(key, salt)


def require_sqlcipher() -> Any:  # noqa: ANN401  (a module)
    """Return the module of SQLCipher.

    Raises:
        DependencyError: it is not installed.
    """
    try:
        from sqlcipher3 import dbapi2
    except ImportError as error:
        raise DependencyError(
            "An encrypted gallery needs the package sqlcipher3, which is not installed.",
            remedy="Install it: pip install 'facerec[encryption]'.",
        ) from error
    return dbapi2


def connect_unlocked(
    path: Path | str, key: DatabaseKey | None, busy_timeout_s: float
) -> sqlite3.Connection:
    """Connect through SQLCipher to an encrypted file, or to a plain one when there is no key.

    Whether the key is right shows with the first page that is read.

    Args:
        path: of the file; a text is a URI.
        key: of the file.
        busy_timeout_s: how long to wait for others.
    """
    connection: sqlite3.Connection = require_sqlcipher().connect(
        path,
        timeout=busy_timeout_s,
        isolation_level=None,
        check_same_thread=False,
        uri=isinstance(path, str),
    )
    # It would write of a wrong key to stderr, past our own sentence.
    connection.execute("PRAGMA cipher_log_level = NONE").fetchall()
    # What is attached later has no other way to be told.
    connection.execute(f"PRAGMA cipher_default_page_size = {PAGE_SIZE_BYTES}").fetchall()
    if key is not None:
        connection.execute(f'PRAGMA key = "{key.literal}"').fetchall()
        connection.execute(f"PRAGMA cipher_page_size = {PAGE_SIZE_BYTES}").fetchall()
    return connection
