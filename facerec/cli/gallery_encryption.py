"""``facerec gallery encrypt``, ``decrypt`` and ``change-key``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from facerec.cli import output
from facerec.cli.options import (
    GALLERY,
    ask_for_passphrase,
    gallery_folder,
    json_option,
    setting_options,
    settings,
)

if TYPE_CHECKING:
    from facerec.services.encrypt import EncryptionReport

_options = setting_options(*GALLERY)
_keyring_option = click.option(
    "--keyring",
    is_flag=True,
    help="Draw a random key and keep it in the system's keyring, instead of a passphrase.",
)
_NEW_VARIABLE = "FACEREC_NEW_PASSPHRASE"


@click.command()
@_keyring_option
@_options
@json_option
def encrypt(*, keyring: bool, as_json: bool, **flags: object) -> None:
    """Encrypt the gallery: names, vectors, pictures, everything.

    The passphrase is taken from FACEREC_PASSPHRASE, from the file that FACEREC_PASSPHRASE_FILE
    names, or asked for. Without it nobody opens the gallery any more. No other program may be using
    the gallery; the plain file is overwritten.

    Example: facerec gallery encrypt
    """
    from facerec.services import encrypt as service
    from facerec.services.keys import secret_from_environment

    folder = gallery_folder(settings(flags))
    secret = None if keyring else secret_from_environment() or _asked("Passphrase")
    _emit(service.encrypt(folder, secret), "The gallery is encrypted now.", as_json=as_json)


@click.command("change-key")
@_keyring_option
@_options
@json_option
def change_key(*, keyring: bool, as_json: bool, **flags: object) -> None:
    """Encrypt an encrypted gallery with another key.

    The new passphrase is taken from FACEREC_NEW_PASSPHRASE, from the file that
    FACEREC_NEW_PASSPHRASE_FILE names, or asked for. Backups made before keep the old key.

    Example: facerec gallery change-key
    """
    from facerec.services import encrypt as service
    from facerec.services.keys import secret_from_environment

    folder = gallery_folder(settings(flags))
    ask_for_passphrase(folder)
    secret = None if keyring else secret_from_environment(_NEW_VARIABLE) or _asked("New passphrase")
    _emit(service.change_key(folder, secret), "The gallery has another key now.", as_json=as_json)


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@_options
@json_option
def decrypt(*, yes: bool, as_json: bool, **flags: object) -> None:
    """Store an encrypted gallery in the clear again.

    Example: facerec gallery decrypt --yes
    """
    from facerec.services import encrypt as service

    folder = gallery_folder(settings(flags))
    if not yes:
        click.confirm("Store everybody in the clear?", abort=True, err=True)
    ask_for_passphrase(folder)
    _emit(service.decrypt(folder), "The gallery is in the clear now.", as_json=as_json)


def _asked(what: str) -> str | None:
    """Ask twice for a passphrase."""
    answer: str = click.prompt(what, hide_input=True, confirmation_prompt=True, err=True)
    return answer


def _emit(report: EncryptionReport, text: str, *, as_json: bool) -> None:
    lines = [text]
    if report.recovery_key is not None:
        lines.append(
            "Keep this recovery key in a safe place; when the keyring is lost, set "
            f"FACEREC_PASSPHRASE to it: {report.recovery_key}"
        )
    elif report.is_encrypted:
        lines.append("Keep the passphrase in a safe place: without it, nothing opens the gallery.")
    lines.extend(f"As it was before: {path}" for path in report.other_copies)
    output.emit("\n".join(lines), {"report": report}, as_json=as_json)


COMMANDS = (encrypt, decrypt, change_key)
