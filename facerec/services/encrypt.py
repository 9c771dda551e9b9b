"""Encrypt a gallery, decrypt it, change its key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facerec.errors import ConfigError
from facerec.gallery.access import Action
from facerec.gallery.backends.sqlcipher import key_of, new_salt, new_secret, require_sqlcipher
from facerec.gallery.backends.sqlite import unlock
from facerec.gallery.encryption import rewrite_database
from facerec.services import keys
from facerec.services.copies import list_copies
from facerec.services.gallery import open_gallery


@dataclass(frozen=True, slots=True)
class EncryptionReport:
    """What was done.

    Attributes:
        is_encrypted: now.
        recovery_key: what opens the gallery when the keyring is lost; None with a passphrase.
        other_copies: exports and backups the program made before, which are as they were.
    """

    is_encrypted: bool
    recovery_key: str | None
    other_copies: tuple[Path, ...]


def encrypt(folder: Path, passphrase: str | None) -> EncryptionReport:
    """Encrypt the gallery in a folder.

    Args:
        folder: of a plain gallery that no other program uses.
        passphrase: from now on; when None, a random key is given to the system's keyring.

    Raises:
        ConfigError: it is encrypted already.
        RangeError: the passphrase is too short.
        DependencyError: SQLCipher or the keyring is not there.
        StoreError: the gallery is in use or cannot be written; it is as it was.
    """
    _require(folder, encrypted=False)
    return _rewrite(folder, Action.ENCRYPTED, passphrase)


def change_key(folder: Path, passphrase: str | None) -> EncryptionReport:
    """Give an encrypted gallery another key; arguments and errors as of ``encrypt``."""
    _require(folder, encrypted=True)
    return _rewrite(folder, Action.KEY_CHANGED, passphrase)


def decrypt(folder: Path) -> EncryptionReport:
    """Store an encrypted gallery in the clear again.

    Raises:
        ConfigError: it is not encrypted.
        StoreError: the key is wrong, or the gallery is in use or cannot be written.
    """
    _require(folder, encrypted=True)
    return _rewrite(folder, Action.DECRYPTED, None, to_plain=True)


def _require(folder: Path, *, encrypted: bool) -> None:
    require_sqlcipher()
    if keys.is_encrypted(folder) is not encrypted:
        state, command = ("not encrypted", "encrypt") if encrypted else ("encrypted", "change-key")
        raise ConfigError(
            f"The gallery is {state}{'' if encrypted else ' already'}.",
            remedy=f"See: facerec gallery {command} --help.",
        )


def _rewrite(
    folder: Path, action: Action, passphrase: str | None, *, to_plain: bool = False
) -> EncryptionReport:
    path = keys.database_in(folder)
    if passphrase is not None:
        keys.require_good_passphrase(passphrase)
    # Opened once as ever: it must be whole and of this program's revision, and the access log says
    # who asked; index files go, since an encrypted gallery has none.
    with open_gallery(folder, create=False) as gallery:
        with gallery.writing(gallery.now()) as session:
            gallery.log(session, action)
        copies = tuple(copy.path for copy in list_copies(gallery) if copy.path.exists())
    gallery.index.destroy_files()
    old = unlock(path, keys.find_secret)
    if to_plain:
        rewrite_database(path, old=old, new=None)
        return EncryptionReport(False, None, copies)
    secret, salt = passphrase or new_secret(), new_salt()
    if passphrase is None:
        # Before the file that needs it: a gallery without its key would be lost.
        keys.store_in_keyring(salt, secret)
    rewrite_database(path, old=old, new=key_of(secret, salt))
    keys.remember(path, secret)
    return EncryptionReport(True, None if passphrase else secret, copies)
